import asyncio
import contextlib
import os
import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError, StatementError

from headrace_server.db import engine, tables
from headrace_server.db.engine import ControlStore, current_time, is_unavailability, parse_url
from headrace_server.model.errors import StorageUnavailableError

NEW = {"display_name": "", "status": "ACTIVE", "created_at": datetime(2026, 1, 1, tzinfo=UTC)}


async def _insert(store: ControlStore, *tenant_ids: str, **values: object) -> None:
    """In one transaction."""
    async with store.begin() as connection:
        for tenant_id in tenant_ids:
            row = {**NEW, **values, "tenant_id": tenant_id}
            await connection.execute(tables.tenants.insert().values(row))


async def _tenant_ids(store: ControlStore) -> list[str]:
    async with store.read() as connection:
        rows = await connection.execute(select(tables.tenants.c.tenant_id))
        return sorted(rows.scalars())


async def _scalar(store: ControlStore, sql: str) -> object:
    async with store.begin() as connection:
        return (await connection.execute(text(sql))).scalar()


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file::memory:?cache=shared",
        "sqlite:///control.sqlite?mode=ro",
        "mysql://localhost/x",
        "no url",
        "",
    ],
)
def test_other_urls_are_refused_with_what_would_do(url: str) -> None:
    with pytest.raises(ValueError, match="sqlite:///path"):
        ControlStore.open(url)


@pytest.mark.parametrize("url", ["postgresql://u:p@h:1/d?sslmode=require", "postgres:///d?host=/s"])
def test_libpq_urls_are_taken(url: str) -> None:
    assert parse_url(url).drivername in {"postgresql", "postgres"}


async def test_a_block_commits_as_a_whole_or_not_at_all(store: ControlStore) -> None:
    await _insert(store, "a")
    with pytest.raises(IntegrityError):
        await _insert(store, "b", "a")
    assert await _tenant_ids(store) == ["a", "acme", "globex"]


async def test_references_are_enforced(store: ControlStore) -> None:
    statement = tables.contracts.insert().values(
        tenant_id="nobody", name="c", version=1, definition={}, created_at=NEW["created_at"]
    )
    with pytest.raises(IntegrityError):
        async with store.begin() as connection:
            await connection.execute(statement)


async def test_a_cancelled_block_rolls_back_and_frees_the_store(store: ControlStore) -> None:
    written = asyncio.Event()

    async def write() -> None:
        async with store.begin() as connection:
            await connection.execute(tables.tenants.insert().values(tenant_id="a", **NEW))
            written.set()
            await asyncio.Event().wait()

    writing = asyncio.create_task(write())
    await written.wait()
    writing.cancel()
    await asyncio.wait([writing])
    await _insert(store, "b")
    assert await _tenant_ids(store) == ["acme", "b", "globex"]


async def test_many_writers_from_several_stores_all_get_through(store: ControlStore) -> None:
    """Each reads and then writes, which fails at once in a deferred transaction of SQLite."""
    stores = [store, ControlStore.open(store.url), ControlStore.open(store.url)]

    async def write(number: int) -> None:
        async with stores[number % 3].begin() as connection:
            await connection.execute(select(func.count()).select_from(tables.tenants))
            await asyncio.sleep(0)
            await connection.execute(tables.tenants.insert().values(tenant_id=f"t{number}", **NEW))

    await asyncio.gather(*map(write, range(30)))
    assert len(await _tenant_ids(store)) == 32
    for other in stores[1:]:
        await other.close()


async def test_instants_come_back_as_they_were(store: ControlStore) -> None:
    instant = datetime(2026, 3, 29, 3, 30, 0, 1, tzinfo=UTC)
    async with store.begin() as connection:
        await connection.execute(
            tables.tenants.insert().values(tenant_id="a", **{**NEW, "created_at": instant})
        )
        back = await connection.scalar(
            select(tables.tenants.c.created_at).where(tables.tenants.c.tenant_id == "a")
        )
    assert back == instant
    assert back.utcoffset() == timedelta(0)


async def test_naive_instants_are_refused(store: ControlStore) -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001  # that is the point
    with pytest.raises(StatementError, match="naive"):
        await _insert(store, "a", created_at=naive)


async def test_the_shared_clock_tells_the_time(store: ControlStore) -> None:
    async with store.read() as connection:
        now = await current_time(connection)
    assert abs(datetime.now(UTC) - now) < timedelta(minutes=1)
    assert now.tzinfo is UTC


async def test_sqlite_survives_a_power_cut(sqlite_url: str) -> None:
    store = ControlStore.open(sqlite_url)
    assert await _scalar(store, "PRAGMA journal_mode") == "wal"
    assert await _scalar(store, "PRAGMA synchronous") == 2
    assert await _scalar(store, "PRAGMA busy_timeout") == 30_000
    assert await _scalar(store, "PRAGMA foreign_keys") == 1
    await store.close()


async def test_nothing_is_left_open(sqlite_url: str, tmp_path: Path) -> None:
    store = ControlStore.open(sqlite_url)
    await _scalar(store, "SELECT 1")
    async with store.read() as connection:
        await connection.execute(text("SELECT 1"))
    await store.close()
    # The last connection to close removes the log.
    assert os.listdir(tmp_path) == ["control.sqlite"]  # noqa: PTH208  # names are what is compared


async def test_the_pool_of_postgres_is_bounded(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ControlStore.open(postgres_url)

    async def count(_: int) -> object:
        return await _scalar(
            store,
            "SELECT count(*) FROM pg_stat_activity, pg_sleep(0.01) "
            "WHERE datname = current_database() AND backend_type = 'client backend'",
        )

    counts = await asyncio.gather(*map(count, range(60)))
    assert max(map(int, map(str, counts))) == engine.POSTGRES_CONNECTIONS
    await store.close()


async def test_a_file_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    store = ControlStore.open(f"sqlite:///{tmp_path / 'no' / 'folder'}")
    for block in (store.begin, store.read):
        with pytest.raises(StorageUnavailableError):
            async with block():
                pass
    await store.close()
    # aiosqlite does not wait for the threads of connections that were refused; this loop must,
    # or they find it closed.
    for thread in threading.enumerate():
        if "_connection_worker_thread" in thread.name:
            await asyncio.to_thread(thread.join, 10)


async def test_a_server_that_cannot_be_reached_is_unavailable(tmp_path: Path) -> None:
    store = ControlStore.open(f"postgresql:///d?host={tmp_path}")
    with pytest.raises(StorageUnavailableError):
        async with store.begin():
            pass
    await store.close()


async def test_a_full_disk_is_unavailable(store: ControlStore) -> None:
    if store.dialect == "sqlite":
        full = ["PRAGMA max_page_count = 1", "UPDATE tenants SET display_name = hex(zeroblob(1e6))"]
    else:
        full = ["DO $$ BEGIN RAISE disk_full; END $$"]

    async def fill() -> None:
        async with store.begin() as connection:
            for sql in full:
                await connection.execute(text(sql))

    with pytest.raises(StorageUnavailableError):
        await fill()


async def test_a_lost_connection_is_unavailable_and_the_next_one_works(postgres_url: str) -> None:
    store = ControlStore.open(postgres_url)
    with pytest.raises(StorageUnavailableError):
        await _scalar(store, "SELECT pg_terminate_backend(pg_backend_pid())")
    assert await _scalar(store, "SELECT 1") == 1
    await store.close()


async def test_no_free_connection_in_time_is_unavailable(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(engine._POOLED, "pool_timeout", 0.01)
    store = ControlStore.open(sqlite_url)
    async with contextlib.AsyncExitStack() as readers:
        for _ in range(engine.SQLITE_READERS):
            await readers.enter_async_context(store.read())
        with pytest.raises(StorageUnavailableError):
            await readers.enter_async_context(store.read())
    await store.close()


async def test_no_turn_to_write_in_time_is_unavailable(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "PATIENCE", 0.01)
    store = ControlStore.open(sqlite_url)
    async with store.begin():
        with pytest.raises(StorageUnavailableError):
            async with store.begin():
                pass
    await store.close()


async def test_too_many_connections_is_unavailable(
    postgres_url: str, postgres_server_url: str
) -> None:
    name = postgres_url.split("/")[3].split("?", maxsplit=1)[0]
    admin = await asyncpg.connect(postgres_server_url)
    await admin.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 0")
    await admin.execute("CREATE ROLE plain LOGIN")
    store = ControlStore.open(
        postgres_url.replace("postgres@", "plain@").replace("postgres:", "plain:")
    )
    with pytest.raises(StorageUnavailableError):
        async with store.read():
            pass
    await store.close()
    await admin.execute("DROP ROLE plain")
    await admin.close()


async def test_a_wrong_statement_stays_what_it_is(store: ControlStore) -> None:
    with pytest.raises((OperationalError, ProgrammingError), match="nothing"):
        async with store.begin() as connection:
            await connection.execute(text("SELECT * FROM nothing"))


async def test_errors_show_no_parameters(store: ControlStore) -> None:
    with pytest.raises(IntegrityError) as caught:
        await _insert(store, "acme", status="hunter2")
    assert "[SQL" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_other_errors_are_no_unavailability() -> None:
    assert not is_unavailability(OSError())
    assert not is_unavailability(sqlite3.OperationalError("made by hand"))
