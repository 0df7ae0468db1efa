import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from headrace_server.db import frozen_sessions
from headrace_server.db.engine import APPLICATION
from headrace_server.db.frozen_sessions import end_frozen_sessions, keep_ending_frozen_sessions
from headrace_server.db.postgres_pool import PostgresPool

_LOCK = "SELECT pg_advisory_xact_lock(1)"
_TRY = "SELECT pg_try_advisory_lock(1)"
Open = Callable[..., Awaitable[Any]]


@pytest.fixture
async def open_session(postgres_url: str) -> AsyncIterator[Open]:
    """Opens a session of the control store, or of another application."""
    opened = []

    async def open_one(application: str = APPLICATION) -> Any:
        settings = {"application_name": application}
        connection = await asyncpg.connect(postgres_url, server_settings=settings)
        opened.append(connection)
        return connection

    yield open_one
    for connection in opened:
        connection.terminate()


async def _fall_asleep(session: Any) -> None:
    """Lock, and send the first part of a statement: what a process has done that stops then."""
    await session.execute("BEGIN")
    await session.execute(_LOCK)
    await session.prepare("SELECT 1")


async def test_a_session_left_in_the_midst_of_a_statement_is_ended(
    postgres_url: str, open_session: Open
) -> None:
    asleep, other = await open_session(), await open_session()
    await _fall_asleep(asleep)
    assert await other.fetchval(_TRY) is False
    await asyncio.sleep(0.2)
    assert await end_frozen_sessions(postgres_url, 60) == 0
    assert await end_frozen_sessions(postgres_url, 0.1) == 1
    await other.execute(_LOCK)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await asleep.fetchval("SELECT 1")


async def test_others_are_left_alone(postgres_url: str, open_session: Open) -> None:
    foreign, unused, busy, waiting = [
        await open_session("psql"),
        await open_session(),
        await open_session(),
        await open_session(),
    ]
    await _fall_asleep(foreign)
    await unused.execute("BEGIN")
    tasks = [
        asyncio.create_task(busy.execute("SELECT pg_sleep(0.5)")),
        asyncio.create_task(waiting.execute(_LOCK)),
    ]
    await asyncio.sleep(0.2)
    assert await end_frozen_sessions(postgres_url, 0.1) == 0
    foreign.terminate()
    await asyncio.gather(*tasks)
    await unused.execute("COMMIT")


async def test_they_are_ended_again_and_again_even_after_a_failure(
    postgres_url: str, open_session: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frozen_sessions, "_EVERY_SECONDS", 0.01)
    monkeypatch.setattr(frozen_sessions, "FROZEN_SECONDS", 0.1)
    calls = 0

    async def end(url: str, seconds: float) -> int:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ConnectionRefusedError
        return await end_frozen_sessions(url, seconds)

    monkeypatch.setattr(frozen_sessions, "end_frozen_sessions", end)
    ending = asyncio.create_task(keep_ending_frozen_sessions(postgres_url))
    for _ in range(2):
        await _fall_asleep(await open_session())
        other = await open_session()
        await other.execute(_LOCK)
    assert calls > 2
    assert not ending.done()
    ending.cancel()
    await asyncio.wait({ending})


async def test_a_session_whose_answer_nobody_reads_is_ended(
    postgres_url: str, open_session: Open
) -> None:
    asleep, other = await open_session(), await open_session()
    await asleep.execute("BEGIN")
    await asleep.execute(_LOCK)
    statement = await asleep.prepare("SELECT repeat('x', 100000) FROM generate_series(1, 100)")
    asleep._transport.pause_reading()
    reading = asyncio.create_task(statement.fetch())
    await asyncio.sleep(0.2)
    assert await end_frozen_sessions(postgres_url, 0.1) == 1
    await other.execute(_LOCK)
    asleep.terminate()
    await asyncio.wait([reading])
    assert reading.exception() is not None


async def test_sessions_of_single_statements_are_looked_at_too(postgres_url: str) -> None:
    pool = PostgresPool(postgres_url)
    (row,) = await pool.fetch("SELECT current_setting('application_name') AS name")
    assert row.name == APPLICATION
    await pool.close()
