"""A task that is cancelled in a statement lets go of SQLite's write lock, and ends."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from headrace_server.db.engine import ControlStore

SLOW = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) "


async def test_a_cancelled_transaction_is_rolled_back_at_once(sqlite_url: str) -> None:
    store = ControlStore.open(sqlite_url)
    async with store.begin() as connection:
        await connection.execute(text("CREATE TABLE t (i INTEGER)"))
    # As long as an unread cursor is referred to, SQLite does not close what it belongs to.
    unread: list[Any] = []
    begun = asyncio.Event()

    async def work() -> None:
        async with store.begin() as connection:
            await connection.execute(text("INSERT INTO t VALUES (1)"))
            unread.append(await connection.stream(text(SLOW.format(1000) + "SELECT i FROM n")))
            begun.set()
            await connection.execute(text(SLOW.format(300_000) + "SELECT max(i) FROM n"))

    working = asyncio.create_task(work())
    await begun.wait()
    await asyncio.sleep(0.01)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    async with asyncio.timeout(10), store.begin() as connection:
        found = (await connection.execute(text("SELECT count(*) FROM t"))).scalar_one()
    assert found == 0
    await store.close()


@pytest.mark.parametrize("block", ["read", "begin"])
async def test_one_cancelled_twice_leaves_no_task_behind(sqlite_url: str, block: str) -> None:
    store = ControlStore.open(sqlite_url)
    before = asyncio.all_tasks()
    begun = asyncio.Event()

    async def work() -> None:
        async with getattr(store, block)() as connection:
            begun.set()
            await connection.execute(text(SLOW.format(300_000) + "SELECT max(i) FROM n"))

    working = asyncio.create_task(work())
    await begun.wait()
    working.cancel()
    # Once in the statement, then while another task closes its connection: an ending loop does so.
    while asyncio.all_tasks() - before == {working}:
        await asyncio.sleep(0)
    working.cancel()
    if left := asyncio.all_tasks() - before:
        _, left = await asyncio.wait(left, timeout=10)
    assert not left
    async with asyncio.timeout(10), store.begin() as connection:
        await connection.execute(text("CREATE TABLE t (i INTEGER)"))
    await store.close()
