"""The role as which queries run on PostgreSQL, and what holds where there can be none."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from headrace_server.model.errors import InvalidQueryError, StorageUnavailableError
from headrace_server.warehouse.engines import PostgresWarehouse
from headrace_server.warehouse.guarding.query import GuardedQuery
from headrace_server.warehouse.reading_postgres import PostgresReading
from headrace_server.warehouse.sql import execute


async def ask(warehouse: PostgresWarehouse, sql: str) -> list[tuple[Any, ...]]:
    query = GuardedQuery(sql, "postgresql", (), ())
    found = warehouse.query(query, most_rows=10, timeout=5)
    return [row async for piece in found for row in piece.rows]


@pytest.fixture
async def warehouse(postgres_url: str) -> AsyncIterator[PostgresWarehouse]:
    opened = PostgresWarehouse(postgres_url)
    await opened.prepare({})
    yield opened
    await opened.close()


@asynccontextmanager
async def _warehouse_of(url: str, role: str, options: str) -> AsyncIterator[PostgresWarehouse]:
    """A warehouse whose server is a role that is no superuser."""
    database = url.partition("?")[0].rpartition("/")[2]
    server = await asyncpg.connect(url)
    await server.execute(f"CREATE ROLE {role} LOGIN {options}")
    await server.execute(f"GRANT ALL ON DATABASE {database} TO {role}")
    await server.execute("CREATE TABLE others AS SELECT 1 AS a")
    opened = PostgresWarehouse(re.sub("//postgres(:?)@", rf"//{role}\1@", url))
    await opened.prepare({})
    try:
        yield opened
    finally:
        await opened.close()
        for name in [role, *(row[0] for row in await server.fetch(_FIND_READERS, role))][::-1]:
            await server.execute(f"DROP OWNED BY {name} CASCADE")
            await server.execute(f"DROP ROLE {name}")
        await server.close()


#: roles that a role made
_FIND_READERS = (
    "SELECT DISTINCT roleid::regrole::text FROM pg_auth_members WHERE member::regrole::text = $1"
)


async def test_queries_run_as_a_role_of_the_database(warehouse: PostgresWarehouse) -> None:
    [(name,)] = await ask(warehouse, "SELECT current_user")
    assert name.startswith("headrace_reader_")
    assert await ask(
        warehouse,
        "SELECT rolsuper, rolcanlogin, rolcreaterole, rolbypassrls FROM pg_roles"
        " WHERE rolname = current_user",
    ) == [(False, False, False, False)]


async def test_queries_at_once_make_one_role(warehouse: PostgresWarehouse) -> None:
    names = await asyncio.gather(*(ask(warehouse, "SELECT current_user") for _ in range(5)))
    assert len({name for [(name,)] in names}) == 1


async def test_new_tables_and_schemas_are_granted_when_they_are_read(
    warehouse: PostgresWarehouse,
) -> None:
    await ask(warehouse, "SELECT 1")
    async with warehouse._write() as connection:
        await execute(connection, 'CREATE SCHEMA "New Schema"')
        await execute(connection, 'CREATE TABLE "New Schema"."a ""b" AS SELECT 1 AS c')
        await execute(connection, 'CREATE VIEW public.v AS SELECT * FROM "New Schema"."a ""b"')
    assert await ask(warehouse, 'SELECT * FROM "New Schema"."a ""b", v') == [(1, 1)]


async def test_what_is_not_the_users_is_never_granted(warehouse: PostgresWarehouse) -> None:
    for table in ("headrace.ledger", "headrace_parked.x", "pg_authid", "pg_user_mapping"):
        with pytest.raises(InvalidQueryError, match=r"permission denied"):
            await ask(warehouse, f"SELECT * FROM {table}")


async def test_without_the_right_to_make_roles_the_transaction_keeps_queries_in(
    postgres_url: str,
) -> None:
    async with _warehouse_of(postgres_url, "plain", "") as warehouse:
        with capture_logs() as logs:
            assert await ask(warehouse, "SELECT current_user") == [("plain",)]
            assert await ask(warehouse, "SELECT 1") == [(1,)]
        assert [log["event"] for log in logs] == ["warehouse.no_reader_role"]
        with pytest.raises(InvalidQueryError, match="read-only"):
            await ask(warehouse, "CREATE TABLE harm (a int)")
        with pytest.raises(InvalidQueryError, match="permission denied"):
            await ask(warehouse, "SELECT * FROM pg_authid")


async def test_a_role_that_may_make_roles_is_enough(postgres_url: str) -> None:
    async with _warehouse_of(postgres_url, "maker", "CREATEROLE") as warehouse:
        [(name,)] = await ask(warehouse, "SELECT current_user")
        assert name.startswith("headrace_reader_")
        async with warehouse._write() as connection:
            await execute(connection, "CREATE SCHEMA mine")
            await execute(connection, "CREATE TABLE mine.t AS SELECT 1 AS a")
        assert await ask(warehouse, "SELECT * FROM mine.t") == [(1,)]
        with pytest.raises(InvalidQueryError, match="permission denied for table others"):
            await ask(warehouse, "SELECT * FROM others")


async def test_a_server_that_is_not_there_is_told() -> None:
    reading = PostgresReading("postgresql://nobody@127.0.0.1:1/none", None)
    query = GuardedQuery("SELECT 1", "postgresql", (), ())
    for _ in range(10):  # more than run at once
        with pytest.raises(StorageUnavailableError, match="cannot be reached"):
            await reading.open(query, 1)


async def test_a_column_that_has_no_values_is_told(warehouse: PostgresWarehouse) -> None:
    with pytest.raises(InvalidQueryError, match="no values"):
        await ask(warehouse, "SELECT most_common_vals FROM pg_stats")


async def test_a_table_that_is_being_replaced_is_waited_for(
    warehouse: PostgresWarehouse, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace_server.warehouse.reading_postgres._LOCK_SECONDS", 0.1)
    async with warehouse._write() as connection:
        await execute(connection, "CREATE TABLE t (a int)")
    other = await asyncpg.connect(postgres_url)
    async with other.transaction():
        await other.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(StorageUnavailableError, match="being replaced"):
            await ask(warehouse, "SELECT * FROM t")
    await other.close()
    assert await ask(warehouse, "SELECT * FROM t") == []


async def test_users_own_functions_are_known_and_those_of_extensions_are_not(
    warehouse: PostgresWarehouse,
) -> None:
    async with warehouse._write() as connection:
        await execute(
            connection,
            "CREATE FUNCTION calculate_metrics() RETURNS TABLE (a int)"
            " LANGUAGE sql AS 'SELECT 1 UNION SELECT 2'",
        )
        await execute(connection, "CREATE FUNCTION headrace.ours() RETURNS int"
                      " LANGUAGE sql AS 'SELECT 1'")  # fmt: skip
    assert await warehouse._reader.user_functions() == {"calculate_metrics"}
    query = await warehouse.guarded("SELECT * FROM calculate_metrics() ORDER BY a")
    found = warehouse.query(query, most_rows=10, timeout=5)
    assert [row async for piece in found for row in piece.rows] == [(1,), (2,)]


async def test_a_server_that_goes_away_is_told(
    warehouse: PostgresWarehouse, postgres_url: str
) -> None:
    query = GuardedQuery("SELECT * FROM generate_series(1, 100000)", "postgresql", (), ())
    found = warehouse.query(query, most_rows=100_000, timeout=5, batch=10)
    await anext(found)
    other = await asyncpg.connect(postgres_url)
    await other.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE query LIKE '%generate_series(1, 100000)%' AND pid <> pg_backend_pid()"
    )
    await other.close()
    with pytest.raises(StorageUnavailableError):
        _ = [piece async for piece in found]
