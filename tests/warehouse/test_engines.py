"""Connections that are closed in the middle of a statement."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

from headrace_server.warehouse.engines import SqliteWarehouse

SLOW = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)"
    " SELECT max(i) FROM n"
)


@pytest.mark.parametrize("block", ["_reading", "_writing"])
async def test_one_cancelled_twice_leaves_no_task_behind(tmp_path: Path, block: str) -> None:
    warehouse = SqliteWarehouse(tmp_path / "warehouse.sqlite")
    before = asyncio.all_tasks()
    begun = asyncio.Event()

    async def work() -> None:
        async with getattr(warehouse, block)() as connection:
            begun.set()
            await connection.execute(text(SLOW))

    working = asyncio.create_task(work())
    await begun.wait()
    working.cancel()
    # Once in the statement, and once while another task closes its connection.
    while asyncio.all_tasks() - before == {working}:
        await asyncio.sleep(0)
    working.cancel()
    if left := asyncio.all_tasks() - before:
        _, left = await asyncio.wait(left, timeout=10)
    assert not left
    async with asyncio.timeout(10), warehouse._writing() as connection:
        await connection.execute(text("CREATE TABLE t (i INTEGER)"))
    await warehouse.close()
