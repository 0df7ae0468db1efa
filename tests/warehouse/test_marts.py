"""Datamarts in the warehouse, on both engines."""

import asyncio
import threading
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from headrace_server.model.datamart import (
    BuiltRows,
    Datamart,
    MartStatus,
    MartType,
    RefreshStrategy,
    Version,
)
from headrace_server.model.errors import (
    AlreadyExistsError,
    InvalidQueryError,
    QueryTimeoutError,
    StaleAttemptError,
    StorageUnavailableError,
    WrongStateError,
)
from headrace_server.warehouse.sql_warehouse import SqlWarehouse

from .conftest import Loader, query

KEPT = [MartType.MATERIALIZED_VIEW, MartType.TABLE]
BY_AGE = "SELECT age, count(*) AS people FROM customers GROUP BY age"


def mart_of(sql: str, name: str = "by_age", type_: MartType = MartType.TABLE) -> Datamart:
    return Datamart(
        datamart_id=str(uuid.uuid4()), tenant_id="t", schema="analytics", name=name, query=sql,
        type=type_, strategy=RefreshStrategy.ON_DEMAND, concurrent=True, description="",
        metadata={}, sources=(), status=MartStatus.CREATED, rows=0, size_bytes=0,
        last_refresh=None, error=None, unique_key=(), created_at=datetime.now(UTC),
    )  # fmt: skip


class Marts:
    """The marts of a warehouse with customers."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader
        self.warehouse = loader.warehouse
        self.fence = 0
        self.reports: list[int] = []

    async def make(self, mart: Datamart) -> Datamart:
        guarded = await self.warehouse.guarded(mart.query)
        await self.warehouse.marts.create(mart, guarded)
        return mart

    async def refresh(self, mart: Datamart, *, concurrent: bool = True, **how: Any) -> BuiltRows:
        self.fence += 1
        guarded = await self.warehouse.guarded(mart.query)
        options: dict[str, Any] = {"fence": self.fence, "seconds": 30, "report": self.report} | how
        return await self.warehouse.marts.refresh(mart, guarded, concurrent=concurrent, **options)

    async def report(self, rows: int) -> None:
        self.reports.append(rows)

    async def rows(self, name: str = "analytics.by_age") -> list[tuple[Any, ...]]:
        """What a user's query reads."""
        guarded = await self.warehouse.guarded(f"SELECT * FROM {name}")
        pieces = self.warehouse.query(guarded, most_rows=1000, timeout=30)
        return sorted([row async for piece in pieces for row in piece.rows], key=str)

    async def names(self) -> list[tuple[str, str]]:
        return [(table.schema, table.name) for table in await self.warehouse.list_tables()]


@pytest.fixture
async def marts(loader: Loader) -> Marts:
    await loader.load("customers", [(n, n % 3) for n in range(30)])
    return Marts(loader)


@pytest.mark.parametrize("concurrent", [True, False])
@pytest.mark.parametrize("type_", KEPT)
async def test_a_mart_has_the_rows_of_its_last_refresh(
    marts: Marts, type_: MartType, concurrent: bool
) -> None:
    mart = await marts.make(mart_of(BY_AGE, type_=type_))
    built = await marts.refresh(mart, concurrent=concurrent)
    assert built.rows == 3
    assert built.size_bytes > 0
    assert await marts.rows() == [(0, 10), (1, 10), (2, 10)]
    await marts.loader.load("customers", [(30, 7), (31, 0)], chunk=1)
    assert await marts.rows() == [(0, 10), (1, 10), (2, 10)]
    again = await marts.refresh(mart, concurrent=concurrent)
    assert (again.rows, again.note) == (4, None)
    assert await marts.rows() == [(0, 11), (1, 10), (2, 10), (7, 1)]
    assert ("analytics", "by_age") in await marts.names()
    assert marts.reports[-1] == 4
    if marts.warehouse.dialect == "postgresql" and type_ is MartType.MATERIALIZED_VIEW:
        assert again.unique_key == ("age",)


async def test_rows_that_are_alike_are_kept_as_often_as_they_are_there(marts: Marts) -> None:
    mart = await marts.make(
        mart_of("SELECT age FROM customers WHERE id < 6", type_=MartType.MATERIALIZED_VIEW)
    )
    built = await marts.refresh(mart)
    assert built.rows == 6
    for _ in range(2):
        assert await marts.rows() == [(0,), (0,), (1,), (1,), (2,), (2,)]
        await marts.refresh(mart)
    described = await marts.warehouse.describe_table("analytics", "by_age")
    assert [column.name for column in described.columns] == ["age"]
    if marts.warehouse.dialect == "postgresql":
        assert built.note
        assert "numbered" in built.note
        assert built.size_bytes > 0
    await marts.loader.load("customers", [(2, 9)], chunk=1)
    await marts.refresh(mart, concurrent=False)
    assert await marts.rows() == [(0,), (0,), (1,), (1,), (2,), (9,)]
    await marts.warehouse.marts.drop([mart.relation])
    assert ("analytics", "by_age") not in await marts.names()


async def test_rows_that_come_to_be_alike_are_kept(marts: Marts) -> None:
    mart = mart_of("SELECT age FROM customers WHERE id < 3", type_=MartType.MATERIALIZED_VIEW)
    await marts.make(mart)
    built = await marts.refresh(mart)
    if marts.warehouse.dialect == "postgresql":
        assert built.unique_key == ("age",)
        await marts.loader.run("GRANT SELECT ON analytics.by_age TO PUBLIC")
    await marts.loader.load("customers", [(2, 0)], chunk=1)
    await marts.refresh(mart)
    assert await marts.rows() == [(0,), (0,), (1,)]
    if marts.warehouse.dialect == "postgresql":
        [(grants,)] = await query(
            marts.warehouse,
            "SELECT count(*) FROM information_schema.role_table_grants"
            " WHERE table_name = 'by_age' AND grantee = 'PUBLIC'",
        )
        assert grants == 1


async def test_rows_come_to_be_alike_in_what_others_read(marts: Marts) -> None:
    mart = mart_of("SELECT age FROM customers WHERE id < 3", type_=MartType.MATERIALIZED_VIEW)
    await marts.make(mart)
    await marts.refresh(mart)
    reader = mart_of("SELECT count(*) AS n FROM analytics.by_age", "n", MartType.VIEW)
    await marts.make(reader)
    await marts.loader.load("customers", [(2, 0)], chunk=1)
    for concurrent in (True, False, True):
        built = await marts.refresh(mart, concurrent=concurrent)
        assert built.rows == 3
        assert await marts.rows("analytics.n") == [(3,)]
    if marts.warehouse.dialect == "postgresql":
        assert built.note
        assert "not concurrent" in built.note


async def test_a_view_is_read_as_it_is_and_listed(marts: Marts) -> None:
    mart = mart_of("SELECT count(*) AS n FROM public.customers", "n", MartType.VIEW)
    guarded = await marts.warehouse.guarded(mart.query)
    for _ in range(2):
        await marts.warehouse.marts.create(mart, guarded)
    assert await marts.rows("analytics.n") == [(30,)]
    await marts.loader.load("customers", [(30, 1)], chunk=1)
    assert await marts.rows("analytics.n") == [(31,)]
    assert ("analytics", "n") in await marts.names()
    described = await marts.warehouse.describe_table("analytics", "n")
    assert [column.name for column in described.columns] == ["n"]
    assert (await marts.warehouse.profile("analytics", "n", most=10)).rows == 1


@pytest.mark.parametrize("type_", KEPT)
async def test_a_mart_without_rows_is_there_to_be_read_by_others(
    marts: Marts, type_: MartType
) -> None:
    mart = await marts.make(mart_of(BY_AGE, type_=type_))
    reader = await marts.make(mart_of("SELECT sum(people) AS n FROM analytics.by_age", "n"))
    await marts.names()
    if marts.warehouse.dialect == "postgresql" and type_ is MartType.MATERIALIZED_VIEW:
        with pytest.raises(InvalidQueryError, match="has not been populated"):
            await marts.rows()
    else:
        assert await marts.rows() == []
    await marts.refresh(mart)
    await marts.refresh(reader)
    assert await marts.rows("analytics.n") == [(30,)]


@pytest.mark.parametrize("type_", KEPT)
async def test_what_others_made_is_not_replaced(marts: Marts, type_: MartType) -> None:
    mart = replace(mart_of(BY_AGE, "customers", type_), schema="public")
    with pytest.raises(AlreadyExistsError):
        await marts.make(mart)
    with pytest.raises(AlreadyExistsError):
        await marts.refresh(mart)
    version = replace(mart_of(BY_AGE, "c__v1", type_), version=Version("v1", "customers", 1))
    version = replace(version, schema="public")
    await marts.make(version)
    await marts.refresh(version)
    with pytest.raises(AlreadyExistsError):
        await marts.warehouse.marts.point(version)
    await marts.warehouse.marts.drop([("public", "customers"), ("public", "nothing")])
    assert await marts.loader.count("customers") == 30


async def test_what_a_deleted_mart_left_is_replaced(marts: Marts) -> None:
    await marts.refresh(mart_of(BY_AGE))
    anew = mart_of("SELECT 1 AS one", type_=MartType.MATERIALIZED_VIEW)
    await marts.refresh(anew)
    assert await marts.rows() == [(1,)]


@pytest.mark.parametrize("type_", [*KEPT, MartType.VIEW])
@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("SELECT nothing FROM customers", "nothing"),
        ("SELECT * FROM nothing", "nothing"),
        ("SELECT age, id AS age FROM customers", "age"),
    ],
)
async def test_a_query_that_is_wrong_is_refused(
    marts: Marts, sql: str, why: str, type_: MartType
) -> None:
    with pytest.raises(InvalidQueryError, match=why) as caught:
        await marts.make(mart_of(sql, type_=type_))
    if "nothing" in sql:
        column = str(sql.index("nothing") + 1)
        assert (caught.value.metadata["line"], caught.value.metadata["column"]) == ("1", column)
    assert ("analytics", "by_age") not in await marts.names()


@pytest.mark.parametrize("type_", KEPT)
async def test_a_refresh_that_fails_leaves_the_rows_of_before(
    marts: Marts, type_: MartType
) -> None:
    mart = await marts.make(mart_of("SELECT id, abs(age) AS age FROM customers", type_=type_))
    await marts.refresh(mart)
    before = await marts.rows()
    assert len(before) == 30
    await marts.loader.load("customers", [(30, -(2**63))], chunk=1)
    for concurrent in (True, False):
        with pytest.raises(InvalidQueryError, match=r"out of range|overflow"):
            await marts.refresh(mart, concurrent=concurrent)
        assert await marts.rows() == before


@pytest.mark.parametrize("type_", KEPT)
async def test_loads_go_on_beside_a_refresh(marts: Marts, type_: MartType) -> None:
    mart = await marts.make(mart_of("SELECT id FROM customers", type_=type_))

    async def load(_rows: int) -> None:
        await marts.loader.load("customers", [(30, 1)], chunk=1)

    built = await marts.refresh(mart, report=load)
    assert (built.rows, len(await marts.rows())) == (30, 30)
    assert await marts.loader.count("customers") == 31


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000)"


@pytest.mark.parametrize("type_", KEPT)
async def test_a_query_that_takes_too_long_is_ended(marts: Marts, type_: MartType) -> None:
    mart = await marts.make(mart_of(f"{ENDLESS} SELECT max(i) AS m FROM n", type_=type_))
    with pytest.raises(QueryTimeoutError):
        await marts.refresh(mart, seconds=0.2)


async def _running(marts: Marts) -> int:
    if marts.warehouse.dialect == "sqlite":
        return sum(thread.name.startswith("query") for thread in threading.enumerate())
    [(count,)] = await query(
        marts.warehouse,
        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'headrace-mart%'"
        " AND state = 'active'",
    )
    return int(count)


@pytest.mark.parametrize("type_", KEPT)
async def test_a_refresh_that_is_cancelled_ends_in_the_database(
    marts: Marts, type_: MartType
) -> None:
    mart = await marts.make(mart_of(f"{ENDLESS} SELECT max(i) AS m FROM n", type_=type_))
    refreshing = asyncio.create_task(marts.refresh(mart))
    while not await _running(marts):
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    refreshing.cancel()
    await asyncio.wait([refreshing])
    assert refreshing.cancelled()
    async with asyncio.timeout(10):
        while await _running(marts):
            await asyncio.sleep(0.01)
    await marts.warehouse.marts.drop([mart.relation])
    leftovers = await query(marts.warehouse, marts_left(marts.warehouse))
    assert leftovers == []


def marts_left(warehouse: SqlWarehouse) -> str:
    if warehouse.dialect == "sqlite":
        return "SELECT name FROM sqlite_schema WHERE name LIKE 'headrace.marts.%'"
    return "SELECT relname FROM pg_class WHERE relnamespace = 'headrace_marts'\\:\\:regnamespace"


@pytest.mark.parametrize("type_", KEPT)
async def test_an_older_attempt_changes_nothing(marts: Marts, type_: MartType) -> None:
    mart = await marts.make(mart_of(BY_AGE, type_=type_))
    await marts.refresh(mart, fence=7)
    before = await marts.rows()
    await marts.loader.load("customers", [(30, 1)], chunk=1)
    with pytest.raises(StaleAttemptError):
        await marts.refresh(mart, fence=6)
    assert await marts.rows() == before


async def test_an_attempt_whose_process_is_gone_is_ended(marts: Marts) -> None:
    if marts.warehouse.dialect == "sqlite":
        return
    mart = await marts.make(mart_of(f"{ENDLESS} SELECT max(i) AS m FROM n"))
    first = asyncio.create_task(marts.refresh(mart, fence=1))
    while not await _running(marts):
        await asyncio.sleep(0.01)
    with pytest.raises(QueryTimeoutError):
        await marts.refresh(mart, fence=2, seconds=0.3)
    with pytest.raises(StorageUnavailableError):
        await first


async def test_the_newest_version_is_read_by_the_name_of_all(marts: Marts) -> None:
    first = replace(mart_of(BY_AGE, "s__v1"), version=Version("v1", "s", 1))
    second = replace(mart_of("SELECT 2 AS two", "s__v2"), version=Version("v2", "s", 1))
    third = replace(mart_of("SELECT 3 AS two, 4 AS four", "s__v3"), version=Version("v3", "s", 1))
    for version in (first, second, third):
        await marts.make(version)
        await marts.refresh(version)
        await marts.warehouse.marts.point(version)
        assert await marts.rows("analytics.s") == await marts.rows(f"analytics.{version.name}")
    assert ("analytics", "s") in await marts.names()
    if marts.warehouse.dialect == "postgresql":
        await marts.make(mart_of("SELECT four FROM analytics.s", "reader", MartType.VIEW))
        with pytest.raises(WrongStateError, match=r"analytics\.s is depended on"):
            await marts.warehouse.marts.point(first)
        with pytest.raises(WrongStateError, match=r"analytics\.s__v3 is depended on"):
            await marts.warehouse.marts.drop([third.relation])
    everything = [("analytics", name) for name in ("reader", "s", "s__v3", "s__v2", "s__v1")]
    await marts.warehouse.marts.drop(everything)
    assert not [name for schema, name in await marts.names() if schema == "analytics"]


async def test_other_columns_of_a_table_take_the_place_of_those_before(marts: Marts) -> None:
    mart = await marts.make(mart_of("SELECT * FROM customers"))
    await marts.refresh(mart)
    await marts.loader.run("ALTER TABLE customers ADD COLUMN city TEXT")
    for concurrent in (True, False):
        await marts.refresh(mart, concurrent=concurrent)
        described = await marts.warehouse.describe_table("analytics", "by_age")
        assert [column.name for column in described.columns] == ["id", "age", "city"]


async def test_arrivals_are_counted_by_table(marts: Marts) -> None:
    tables = [("public", "customers"), ("public", "orders"), ("raw", "x")]
    arrivals = await marts.warehouse.marts.arrivals(tables)
    assert arrivals == {"customers": 1, "orders": 0, "raw.x": 0}


@pytest.mark.parametrize("type_", KEPT)
async def test_readers_neither_wait_nor_fail_while_rows_change(
    marts: Marts, type_: MartType
) -> None:
    mart = await marts.make(
        mart_of("SELECT id, age, (SELECT max(age) FROM customers) AS m FROM customers", type_=type_)
    )
    await marts.refresh(mart)
    done = asyncio.Event()
    seen: set[int] = set()

    async def read() -> None:
        while not done.is_set():
            rows = await _impatient(marts.warehouse, "SELECT m FROM analytics.by_age")
            # All rows of one refresh, or all of another.
            assert len(set(rows)) == 1
            assert len(rows) in range(30, 36)
            seen.add(rows[0][0])

    readers = [asyncio.create_task(read()) for _ in range(2)]
    for n in range(5):
        await marts.loader.load("customers", [(30 + n, 10 + n)], chunk=n + 1)
        await marts.refresh(mart)
    done.set()
    await asyncio.gather(*readers)
    assert seen
    assert len(await marts.rows()) == 35


async def _impatient(warehouse: SqlWarehouse, sql: str) -> list[tuple[Any, ...]]:
    """Read as a session that waits for no lock; on SQLite nothing locks readers out."""
    if warehouse.dialect == "sqlite":
        return await query(warehouse, sql.replace("analytics.by_age", '"analytics.by_age"'))
    async with warehouse._reading() as connection:
        await connection.execute(text("SET LOCAL lock_timeout = '5ms'"))
        return [tuple(row) for row in (await connection.execute(text(sql))).fetchall()]
