"""What datamarts on PostgreSQL may do, and as whom."""

import asyncio
import itertools
import re
import uuid
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

import asyncpg
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
from headrace_server.model.errors import InvalidQueryError
from headrace_server.warehouse.engines import PostgresWarehouse

from .conftest import query

KEPT = [MartType.MATERIALIZED_VIEW, MartType.TABLE]


class Refresh(Protocol):
    """Refreshes a datamart."""

    def __call__(self, *, concurrent: bool) -> Awaitable[BuiltRows]: ...


async def run(warehouse: PostgresWarehouse, *statements: str) -> None:
    async with warehouse._writing() as connection:
        for statement in statements:
            await connection.execute(text(statement))


@pytest.fixture
async def warehouse(postgres_url: str) -> AsyncIterator[PostgresWarehouse]:
    opened = PostgresWarehouse(postgres_url)
    await opened.list_tables()
    await run(
        opened,
        "CREATE TABLE sales (day DATE, amount BIGINT)",
        "INSERT INTO sales VALUES ('2026-01-01', 1), ('2026-01-01', 2), ('2026-01-02', 3)",
    )
    yield opened
    await opened.close()


def mart_of(sql: str, type_: MartType) -> Datamart:
    return Datamart(
        datamart_id=str(uuid.uuid4()), tenant_id="t", schema="analytics", name="m", query=sql,
        type=type_, strategy=RefreshStrategy.ON_DEMAND, concurrent=True, description="",
        metadata={}, sources=(), status=MartStatus.CREATED, rows=0, size_bytes=0,
        last_refresh=None, error=None, unique_key=(), created_at=datetime.now(UTC),
    )  # fmt: skip


async def refreshed(warehouse: PostgresWarehouse, sql: str, type_: MartType) -> BuiltRows:
    """Make a datamart and refresh it twice."""

    async def report(_rows: int) -> None:
        pass

    guarded, mart = await warehouse.guarded(sql), mart_of(sql, type_)
    for fence in (1, 2):
        built = await warehouse.marts.refresh(
            mart, guarded, fence, concurrent=True, seconds=30, report=report
        )
    return built


METRICS = (
    "CREATE FUNCTION calculate_metrics() RETURNS TABLE (day DATE, total NUMERIC) LANGUAGE sql"
    " STABLE {} AS 'SELECT day, sum(amount) FROM public.sales GROUP BY day'"
)


@pytest.mark.parametrize("type_", KEPT)
async def test_a_function_of_the_warehouse_gives_rows(
    warehouse: PostgresWarehouse, type_: MartType
) -> None:
    await run(warehouse, METRICS.format(""))
    built = await refreshed(warehouse, "SELECT * FROM calculate_metrics()", type_)
    assert built.rows == 2


@pytest.mark.parametrize("type_", [*KEPT, MartType.VIEW])
async def test_a_function_with_the_rights_of_its_maker_is_refused(
    warehouse: PostgresWarehouse, type_: MartType
) -> None:
    await run(warehouse, METRICS.format("SECURITY DEFINER"))
    with pytest.raises(InvalidQueryError, match=r"calculate_metrics\(\) is SECURITY DEFINER"):
        await refreshed(warehouse, "SELECT * FROM calculate_metrics()", type_)


@pytest.mark.parametrize("type_", KEPT)
async def test_a_function_that_writes_may_not(
    warehouse: PostgresWarehouse, type_: MartType
) -> None:
    await run(
        warehouse,
        "CREATE FUNCTION sneak() RETURNS BIGINT LANGUAGE plpgsql AS"
        " 'BEGIN DELETE FROM public.sales; RETURN 1; END'",
    )
    with pytest.raises(InvalidQueryError, match="permission denied"):
        await refreshed(warehouse, "SELECT sneak() AS n", type_)
    assert await query(warehouse, "SELECT count(*) FROM sales") == [(3,)]


@pytest.mark.parametrize("type_", [MartType.MATERIALIZED_VIEW, MartType.VIEW])
async def test_what_keeps_a_query_is_the_readers(
    warehouse: PostgresWarehouse, type_: MartType
) -> None:
    mart_query = "SELECT day, sum(amount) AS total FROM sales GROUP BY day"
    await warehouse.marts.create(mart_of(mart_query, type_), await warehouse.guarded(mart_query))
    [(owner, mine)] = await query(
        warehouse,
        "SELECT pg_get_userbyid(relowner), current_user FROM pg_class WHERE relname = 'm'",
    )
    assert owner.startswith("headrace_reader_")
    assert owner != mine


async def test_names_in_functions_need_their_schema(warehouse: PostgresWarehouse) -> None:
    await run(warehouse, METRICS.format("").replace("public.sales", "sales"))
    with pytest.raises(InvalidQueryError, match=r"name tables in functions with their schema"):
        await refreshed(warehouse, "SELECT * FROM calculate_metrics()", MartType.MATERIALIZED_VIEW)
    built = await refreshed(warehouse, "SELECT * FROM calculate_metrics()", MartType.TABLE)
    assert built.rows == 2


@pytest.fixture(params=["CREATEROLE", "NOCREATEROLE"])
async def plain_warehouse(
    postgres_url: str, request: pytest.FixtureRequest
) -> AsyncIterator[PostgresWarehouse]:
    """The warehouse of a server whose role is no superuser."""
    role = f"marts_{request.param.lower()}"
    database = postgres_url.partition("?")[0].rpartition("/")[2]
    server = await asyncpg.connect(postgres_url)
    await server.execute(f"CREATE ROLE {role} LOGIN {request.param}")
    await server.execute(f"GRANT ALL ON DATABASE {database} TO {role}")
    await server.execute(f"GRANT CREATE ON SCHEMA public TO {role}")
    opened = PostgresWarehouse(re.sub("//postgres(:?)@", rf"//{role}\1@", postgres_url))
    await opened.list_tables()
    yield opened
    await opened.close()
    made = (
        "SELECT DISTINCT roleid::regrole::text FROM pg_auth_members"
        " WHERE member::regrole::text = $1"
    )
    others = [row[0] for row in await server.fetch(made, role)]
    for name in (role, *others):
        await server.execute(f"DROP OWNED BY {name} CASCADE")
    for name in (*others, role):
        await server.execute(f"DROP ROLE {name}")
    await server.close()


@pytest.mark.parametrize("type_", KEPT)
@pytest.mark.parametrize("columns", ["day, count(*) AS n", "1 AS one"])
async def test_a_server_that_is_no_superuser_keeps_marts(
    plain_warehouse: PostgresWarehouse, type_: MartType, columns: str
) -> None:
    warehouse = plain_warehouse
    await run(
        warehouse,
        "CREATE TABLE sales (day DATE)",
        "INSERT INTO sales VALUES ('2026-01-01'), ('2026-01-01'), ('2026-01-02')",
    )
    group = " GROUP BY day" if "count" in columns else ""
    built = await refreshed(warehouse, f"SELECT {columns} FROM sales{group}", type_)
    assert built.rows == (2 if group else 3)
    guarded = await warehouse.guarded("SELECT count(*) FROM analytics.m")
    pieces = [piece async for piece in warehouse.query(guarded, most_rows=10, timeout=10)]
    assert pieces[-1].rows == ((built.rows,),)
    await warehouse.marts.drop([("analytics", "m")])


async def _marts_of_days(warehouse: PostgresWarehouse) -> Refresh:
    """A materialized view of the days of sales, which differ so far; gives what refreshes it."""
    await run(warehouse, "DELETE FROM sales WHERE amount = 2")
    mart = mart_of("SELECT day FROM sales", MartType.MATERIALIZED_VIEW)
    guarded = await warehouse.guarded(mart.query)
    fences = itertools.count(1)

    async def report(_rows: int) -> None:
        pass

    async def refresh(*, concurrent: bool) -> BuiltRows:
        return await warehouse.marts.refresh(
            mart, guarded, next(fences), concurrent=concurrent, seconds=30, report=report
        )

    assert (await refresh(concurrent=True)).unique_key == ("day",)
    await run(warehouse, "INSERT INTO sales VALUES ('2026-01-02', 4)")
    return refresh


async def test_a_key_that_is_none_any_more_goes(warehouse: PostgresWarehouse) -> None:
    refresh = await _marts_of_days(warehouse)
    built = await refresh(concurrent=False)
    assert (built.rows, built.unique_key) == (3, ())
    assert await query(warehouse, "SELECT count(*) FROM pg_matviews") == [(1,)]
    assert (await refresh(concurrent=True)).note == (
        "no columns tell its rows apart, so they are numbered out of sight"
    )


async def test_a_reader_is_let_by_where_a_view_takes_the_place(
    warehouse: PostgresWarehouse,
) -> None:
    refresh = await _marts_of_days(warehouse)
    async with warehouse._reading() as reader:
        await reader.execute(text("SELECT * FROM analytics.m"))
        refreshing = asyncio.ensure_future(refresh(concurrent=True))
        done, _ = await asyncio.wait({refreshing}, timeout=1)
        assert not done
        # Others are not kept waiting behind it for long.
        assert await query(warehouse, "SELECT count(*) FROM analytics.m") == [(2,)]
    assert (await refreshing).rows == 3


async def test_a_reader_is_let_by_where_a_table_of_other_columns_takes_the_place(
    warehouse: PostgresWarehouse,
) -> None:
    mart = mart_of("SELECT * FROM sales", MartType.TABLE)
    guarded = await warehouse.guarded(mart.query)

    async def report(_rows: int) -> None:
        pass

    async def refresh(fence: int) -> BuiltRows:
        return await warehouse.marts.refresh(
            mart, guarded, fence, concurrent=True, seconds=30, report=report
        )

    await refresh(1)
    await run(warehouse, "ALTER TABLE sales ADD COLUMN more BIGINT")
    async with warehouse._reading() as reader:
        await reader.execute(text("SELECT * FROM analytics.m"))
        refreshing = asyncio.ensure_future(refresh(2))
        done, _ = await asyncio.wait({refreshing}, timeout=1)
        assert not done
        # Others are not kept waiting behind it for long.
        async with asyncio.timeout(5):
            assert await query(warehouse, "SELECT count(*) FROM analytics.m") == [(3,)]
    assert (await refreshing).rows == 3


async def test_a_reader_is_let_by_where_a_name_comes_to_stand_for_another_version(
    warehouse: PostgresWarehouse,
) -> None:
    versions = [
        replace(
            mart_of(f"SELECT {n} AS n", MartType.VIEW),
            name=f"m__v{n}",
            version=Version(f"v{n}", "m", 1),
        )
        for n in (1, 2)
    ]
    for version in versions:
        await warehouse.marts.create(version, await warehouse.guarded(version.query))
    await warehouse.marts.point(versions[0])
    async with warehouse._reading() as reader:
        await reader.execute(text("SELECT * FROM analytics.m"))
        pointing = asyncio.ensure_future(warehouse.marts.point(versions[1]))
        done, _ = await asyncio.wait({pointing}, timeout=1)
        assert not done
        async with asyncio.timeout(5):
            assert await query(warehouse, "SELECT n FROM analytics.m") == [(1,)]
    await pointing
    assert await query(warehouse, "SELECT n FROM analytics.m") == [(2,)]
