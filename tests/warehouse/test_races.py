"""Merges at the same time, from two servers."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest

from headrace_server.model.errors import StaleAttemptError, StorageUnavailableError
from headrace_server.warehouse.base import Turn, at_once
from headrace_server.warehouse.engines import PostgresWarehouse
from headrace_server.warehouse.sql_warehouse import SqlWarehouse

if TYPE_CHECKING:
    from warehouse.conftest import FamilyLoader, Integers, Loader, LoaderOf, OpenWarehouse

ROUNDS = 12


@pytest.fixture
async def other(
    open_warehouse: "OpenWarehouse", loader: "Loader", database_url: str
) -> AsyncIterator["Loader"]:
    """The same tenant's warehouse as another server has it open."""
    warehouse = open_warehouse(database_url)
    yield loader.with_warehouse(warehouse)
    await warehouse.close()


async def test_two_servers_prepare_at_once(loader: "Loader", other: "Loader") -> None:
    await asyncio.gather(*(each.warehouse.prepare(each.catalog) for each in (loader, other)))
    await other.load("customers", [(1, 1)])
    assert await loader.rows("customers") == [(1, 1)]


async def test_child_and_parent_at_once(loader: "Loader", other: "Loader") -> None:
    for n in range(ROUNDS):
        work = [
            loader.load("customers", [(n, n)], ingestion=f"c{n}"),
            other.load("orders", [(n, n, n)], ingestion=f"o{n}"),
        ]
        await asyncio.gather(*(work if n % 2 else reversed(work)))
        assert await loader.parked("orders") == 0
    assert await loader.count("orders") == ROUNDS


async def test_three_generations_at_once(loader: "Loader", other: "Loader") -> None:
    for n in range(ROUNDS):
        work = [
            loader.load("customers", [(n, n)], ingestion=f"c{n}"),
            other.load("orders", [(n, n, n)], ingestion=f"o{n}"),
            loader.load("items", [(n, n, n)], ingestion=f"i{n}"),
            other.load("orders", [(1000 + n, n, n)], ingestion=f"p{n}"),
            loader.load("items", [(1000 + n, n, 1000 + n)], ingestion=f"j{n}"),
        ]
        await asyncio.gather(*(work[(n + k) % 5] for k in range(5)))
        assert await loader.parked("orders") == await loader.parked("items") == 0
    assert await loader.count("items") == 2 * ROUNDS


async def test_both_parents_of_a_parked_row_at_once(
    loader_of: "LoaderOf", integers: "Integers", other: "Loader"
) -> None:
    tables = [integers("left"), integers("right"), integers("c", left_id="left", right_id="right")]
    loader = loader_of({table.name: table for table in tables})
    second = loader.with_warehouse(other.warehouse)
    for n in range(ROUNDS):
        await loader.load("c", [(n, n, n)], ingestion=f"c{n}")
        await asyncio.gather(
            loader.load("left", [(n,)], ingestion=f"l{n}"),
            second.load("right", [(n,)], ingestion=f"r{n}"),
        )
        assert await loader.parked("c") == 0
    assert await loader.count("c") == ROUNDS


async def test_people_and_their_bosses_at_once(
    loader_of: "LoaderOf", integers: "Integers", other: "Loader"
) -> None:
    loader = loader_of({"staff": integers("staff", boss="staff")})
    second = loader.with_warehouse(other.warehouse)
    await loader.warehouse.prepare(loader.catalog)
    for n in range(ROUNDS):
        await asyncio.gather(
            loader.load("staff", [(3 * n, 3 * n + 1)], ingestion=f"a{n}"),
            second.load("staff", [(3 * n + 1, 3 * n + 2)], ingestion=f"b{n}"),
            second.load("staff", [(3 * n + 2, 3 * n)], ingestion=f"c{n}"),
        )
        assert await loader.parked("staff") == 0
    assert await loader.count("staff") == 3 * ROUNDS


async def test_one_chunk_merged_twice_at_once(loader: "Loader", other: "Loader") -> None:
    chunk = loader.stage("orders", [(1, 1, None), (2, 2, 9)], rejects=[3])
    merged = await asyncio.gather(
        *(each.warehouse.merge(chunk, each.catalog) for each in (loader, other, loader))
    )
    assert merged[0] == merged[1] == merged[2]
    assert await loader.tally() == {0: (3, 1, 1, 1)}


async def test_the_same_keys_at_once(loader: "Loader", other: "Loader") -> None:
    await loader.warehouse.prepare(loader.catalog)
    keys = range(50)
    await asyncio.gather(
        loader.load("orders", [(key, 1, key % 3 + 1) for key in keys], ingestion="a"),
        other.load("orders", [(key, 2, key % 3 + 1) for key in reversed(keys)], ingestion="b"),
        loader.load("customers", [(1, 1), (2, 2)], ingestion="c"),
        other.load("customers", [(2, 2), (3, 3)], ingestion="d"),
    )
    assert await loader.parked("orders") == 0
    assert await loader.count("orders") == 50


@pytest.fixture
async def connections(postgres_url: str) -> AsyncIterator[list[asyncpg.Connection]]:
    opened = [await asyncpg.connect(postgres_url) for _ in range(2)]
    yield opened
    for connection in opened:
        await connection.close()


@pytest.fixture
async def postgres(postgres_url: str, family_loader: "FamilyLoader") -> AsyncIterator["Loader"]:
    warehouse = PostgresWarehouse(postgres_url)
    yield family_loader(warehouse)
    await warehouse.close()


async def waiting_for_locks(connection: asyncpg.Connection, count: int) -> None:
    """Return when that many sessions wait."""
    while True:
        waiting = "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"
        if await connection.fetchval(waiting) >= count:
            return
        await asyncio.sleep(0.01)


async def test_a_parent_in_use_cannot_be_deleted(
    postgres: "Loader", connections: list[asyncpg.Connection]
) -> None:
    await postgres.load("customers", [(1, 30)])
    await postgres.load("orders", [(9, 0, None)], file_no=1)
    blocker, deleter = connections
    async with blocker.transaction():
        # The merge takes its parents, then cannot write its rows.
        await blocker.execute("LOCK TABLE orders IN SHARE MODE")
        merge = asyncio.create_task(postgres.load("orders", [(1, 100, 1)], file_no=1, chunk=1))
        await waiting_for_locks(blocker, 1)
        deletion = asyncio.create_task(deleter.execute("DELETE FROM customers WHERE id = 1"))
        await waiting_for_locks(blocker, 2)
    assert (await merge).rows_loaded == 1
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await deletion
    assert await postgres.rows("customers") == [(1, 30)]


async def test_a_parent_deleted_first_is_missing(
    postgres: "Loader", connections: list[asyncpg.Connection]
) -> None:
    await postgres.load("customers", [(1, 30), (2, 40)])
    watcher, deleter = connections
    async with deleter.transaction():
        await deleter.execute("DELETE FROM customers WHERE id = 1")
        merge = asyncio.create_task(postgres.load("orders", [(1, 100, 1), (2, 100, 2)], file_no=1))
        await waiting_for_locks(watcher, 1)
    assert (await merge).rows_parked == 1
    assert await postgres.rows("orders") == [(2, 100, 2)]


async def test_a_fence_waits_for_merges_under_way(
    postgres: "Loader", connections: list[asyncpg.Connection]
) -> None:
    await postgres.warehouse.prepare(postgres.catalog)
    blocker, watcher = connections
    async with blocker.transaction():
        await blocker.execute("LOCK TABLE customers IN SHARE MODE")
        merge = asyncio.create_task(postgres.load("customers", [(1, 30)]))
        await waiting_for_locks(watcher, 1)
        fence = asyncio.create_task(postgres.warehouse.fence("ing", 2))
        await waiting_for_locks(watcher, 2)
        assert not fence.done()
    assert (await merge).rows_loaded == 1
    await fence
    with pytest.raises(StaleAttemptError):
        await postgres.load("customers", [(2, 30)], chunk=1)


async def test_a_cancelled_task_leaves_nothing(
    postgres: "Loader", connections: list[asyncpg.Connection]
) -> None:
    await postgres.warehouse.prepare(postgres.catalog)
    blocker, watcher = connections
    async with blocker.transaction():
        await blocker.execute("LOCK TABLE customers IN SHARE MODE")
        merge = asyncio.create_task(postgres.load("customers", [(1, 30)], rejects=[2]))
        await waiting_for_locks(watcher, 1)
        merge.cancel()
        with pytest.raises(asyncio.CancelledError):
            await merge
    assert await postgres.rows("customers") == []
    assert await postgres.tally() == {}


async def test_a_connection_lost_in_mid_merge_leaves_nothing(
    postgres: "Loader", connections: list[asyncpg.Connection]
) -> None:
    await postgres.warehouse.prepare(postgres.catalog)
    chunk = postgres.stage("customers", [(1, 30)], rejects=[2])
    blocker, watcher = connections
    async with blocker.transaction():
        await blocker.execute("LOCK TABLE customers IN SHARE MODE")
        merge = asyncio.create_task(postgres.warehouse.merge(chunk, postgres.catalog))
        await waiting_for_locks(watcher, 1)
        await watcher.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted")
        with pytest.raises(StorageUnavailableError):
            await merge
    assert await postgres.tally() == {}
    await postgres.warehouse.merge(chunk, postgres.catalog)
    assert await postgres.tally() == {0: (2, 1, 1, 0)}


async def test_without_the_privilege_the_result_is_the_same(
    postgres_url: str, connections: list[asyncpg.Connection], family_loader: "FamilyLoader"
) -> None:
    admin = connections[0]
    name = await admin.fetchval("SELECT current_database()")
    await admin.execute(f"CREATE ROLE plain_{name} LOGIN")
    await admin.execute(f"ALTER DATABASE {name} OWNER TO plain_{name}")
    warehouse: SqlWarehouse = PostgresWarehouse(
        postgres_url.replace("postgres:@", f"plain_{name}:@")
    )
    try:
        plain = family_loader(warehouse)
        await plain.load("items", [(1, 5, 1), (2, 6, 1), (3, 7, 9)], file_no=2)
        await plain.load("orders", [(1, 100, 1), (1, 101, 1)], file_no=1)
        await plain.load("customers", [(1, 30)])
        await plain.load("customers", [(1, 31)], chunk=1)
        assert await plain.rows("items") == [(1, 5, 1), (2, 6, 1)]
        assert await plain.rows("orders") == [(1, 101, 1)]
        assert await plain.rows("customers") == [(1, 31)]
        role = await admin.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname LIKE 'plain%'")
        assert role is False
    finally:
        await warehouse.close()
        await admin.execute(f"ALTER DATABASE {name} OWNER TO postgres")
        await admin.execute(f"REASSIGN OWNED BY plain_{name} TO postgres")
        await admin.execute(f"DROP ROLE plain_{name}")


async def test_triggers_of_the_users_fire(
    postgres: "Loader", connections: list[asyncpg.Connection]
) -> None:
    await postgres.warehouse.prepare(postgres.catalog)
    await connections[0].execute(
        """
        CREATE TABLE log (id bigint);
        CREATE FUNCTION log_it() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN INSERT INTO log VALUES (NEW.id); RETURN NEW; END';
        CREATE TRIGGER log_it AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION log_it();
        """
    )
    await postgres.load("orders", [(1, 100, 5), (2, 100, None)])
    await postgres.load("customers", [(5, 1)], file_no=1)
    assert await postgres.rows("log") == [(1,), (2,)]


async def test_a_new_file_that_another_writes_is_waited_for(
    open_warehouse: "OpenWarehouse", tmp_path: Path
) -> None:
    """It must be switched to WAL, for which SQLite does not wait by itself."""
    path = tmp_path / "warehouse.sqlite"
    warehouse = open_warehouse(f"sqlite:///{path}")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("CREATE TABLE theirs (id INTEGER)")
        preparing = asyncio.create_task(warehouse.prepare({}))
        done, _ = await asyncio.wait({preparing}, timeout=0.2)
        assert not done
        other.execute("COMMIT")
    await preparing
    assert [table.name for table in await warehouse.list_tables()] == ["theirs"]
    await warehouse.close()


async def test_chunks_with_the_same_keys_keep_the_order_of_their_file(loader: "Loader") -> None:
    loader.catalog = {"customers": loader.catalog["customers"]}
    await loader.warehouse.prepare(loader.catalog)
    rounds = 4
    for n in range(rounds):
        await loader.warehouse.fence(f"i{n}", 1)
        first = at_once()
        second = Turn(let_go=first.make_way)
        chunks = [
            loader.stage(
                "customers", [(n, value), (100 + n, value)], ingestion=f"i{n}", chunk=value
            )
            for value in (1, 2)
        ]
        ahead = asyncio.create_task(loader.warehouse.merge(chunks[1], loader.catalog, second))
        # The second one holds the keys before the first one comes to them, or the other way round.
        await asyncio.sleep(0.1 if n % 2 else 0)
        await loader.warehouse.merge(chunks[0], loader.catalog, first)
        second.come.set()
        await ahead
    expected = sorted((key, 2) for n in range(rounds) for key in (n, 100 + n))
    assert sorted(await loader.rows("customers")) == expected
