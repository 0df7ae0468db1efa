"""Queries on both engines: what they give, how they end, and that they change nothing."""

import asyncio
import time
from contextlib import aclosing
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace_server.model.errors import (
    InvalidQueryError,
    QueryTimeoutError,
    StorageUnavailableError,
)
from headrace_server.model.query import QueryBatch, ValueKind
from headrace_server.warehouse.guard import guarded
from headrace_server.warehouse.guarding.query import GuardedQuery
from headrace_server.warehouse.sql import execute, rows
from headrace_server.warehouse.sql_warehouse import SqlWarehouse

if TYPE_CHECKING:
    from warehouse.conftest import Loader

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"


async def pieces(
    warehouse: SqlWarehouse, sql: str, *, most: int = 100, seconds: float = 10, batch: int = 50
) -> list[QueryBatch]:
    query = await warehouse.guarded(sql)
    found = warehouse.query(query, most_rows=most, timeout=seconds, batch=batch)
    return [piece async for piece in found]


async def answer(warehouse: SqlWarehouse, sql: str, **how: Any) -> list[tuple[Any, ...]]:
    return [row for piece in await pieces(warehouse, sql, **how) for row in piece.rows]


async def unguarded(warehouse: SqlWarehouse, sql: str) -> list[QueryBatch]:
    """Run what the guard would not let pass."""
    query = GuardedQuery(sql, warehouse.dialect, (), ())
    return [piece async for piece in warehouse.query(query, most_rows=10, timeout=5)]


@pytest.fixture
async def loaded(loader: "Loader") -> SqlWarehouse:
    """A warehouse with two customers, and a row that was rejected."""
    await loader.load("customers", [(1, 30), (2, 40)], rejects=[3])
    return loader.warehouse


async def test_columns_come_first_and_the_end_last(loaded: SqlWarehouse) -> None:
    first, last = await pieces(loaded, "SELECT id, age AS years FROM customers ORDER BY id")
    assert [(column.name, column.type, column.kind) for column in first.columns] == [
        ("id", "bigint" if loaded.dialect == "postgresql" else "BIGINT", ValueKind.INTEGER),
        ("years", "bigint" if loaded.dialect == "postgresql" else "BIGINT", ValueKind.INTEGER),
    ]
    assert (first.rows, first.last) == ((), False)
    assert last == QueryBatch((), ((1, 30), (2, 40)), last=True, truncated=False)


async def test_a_result_without_rows_has_columns(loaded: SqlWarehouse) -> None:
    first, last = await pieces(loaded, "SELECT id FROM customers WHERE id > 5")
    assert [column.name for column in first.columns] == ["id"]
    assert last == QueryBatch(last=True)


@pytest.mark.parametrize(("most", "truncated"), [(1, True), (99, True), (100, False), (101, False)])
async def test_no_more_rows_than_asked_for(
    loaded: SqlWarehouse, most: int, *, truncated: bool
) -> None:
    sql = f"{ENDLESS} SELECT i FROM n LIMIT 100"
    _, *found = await pieces(loaded, sql, most=most, batch=40)
    assert [row[0] for piece in found for row in piece.rows] == list(range(1, min(most, 100) + 1))
    assert max(len(piece.rows) for piece in found) <= 40
    assert [piece.last for piece in found] == [False] * (len(found) - 1) + [True]
    assert found[-1].truncated == truncated


async def test_long_rows_come_in_small_pieces(loaded: SqlWarehouse) -> None:
    text = "lpad" if loaded.dialect == "postgresql" else "printf"
    wide = "lpad('x', 100000)" if text == "lpad" else "hex(printf('%9999s', 'x'))"
    sql = f"{ENDLESS} SELECT {wide} FROM n LIMIT 300"
    _, *found = await pieces(loaded, sql, most=300, batch=1000)
    assert sum(len(piece.rows) for piece in found) == 300
    assert max(len(piece.rows) for piece in found) <= (16 if text == "lpad" else 64)


async def test_a_query_that_takes_too_long_is_ended(loaded: SqlWarehouse) -> None:
    with pytest.raises(QueryTimeoutError, match=r"longer than 0.2 s") as raised:
        await answer(loaded, f"{ENDLESS} SELECT count(*) FROM n", seconds=0.2)
    assert raised.value.metadata == {"timeout_seconds": "0.2"}
    assert await answer(loaded, "SELECT count(*) FROM customers") == [(2,)]


async def test_a_reader_that_waits_too_long_is_told(loaded: SqlWarehouse) -> None:
    query = await loaded.guarded(f"{ENDLESS} SELECT i FROM n")
    found = loaded.query(query, most_rows=1000, timeout=0.3, batch=10)
    async with aclosing(found):
        await anext(found)
        await asyncio.sleep(0.4)
        with pytest.raises(QueryTimeoutError):
            await anext(found)


async def test_a_query_that_is_left_leaves_nothing(loaded: SqlWarehouse) -> None:
    for _ in range(10):  # more than run at once
        query = await loaded.guarded(f"{ENDLESS} SELECT i FROM n")
        found = loaded.query(query, most_rows=1000, timeout=5, batch=10)
        await anext(found)
        await anext(found)
        await found.aclose()
    assert await _running(loaded) == 0


async def test_a_query_that_is_cancelled_is_ended_in_the_database(loaded: SqlWarehouse) -> None:
    for _ in range(10):
        asking = asyncio.create_task(answer(loaded, f"{ENDLESS} SELECT count(*) FROM n"))
        await asyncio.sleep(0.15)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    until = time.monotonic() + 5
    while await _running(loaded) and time.monotonic() < until:
        await asyncio.sleep(0.02)
    assert await _running(loaded) == 0


async def _running(warehouse: SqlWarehouse) -> int:
    """How many queries of users the server works on; SQLite's end with their threads."""
    if warehouse.dialect == "sqlite":
        return 0
    async with warehouse._read() as connection:
        [(count,)] = await rows(
            connection,
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND query LIKE '%RECURSIVE%' AND state = 'active'",
        )
    return int(count)


async def test_a_long_query_does_not_hold_up_others(loaded: SqlWarehouse) -> None:
    slow = asyncio.create_task(answer(loaded, f"{ENDLESS} SELECT count(*) FROM n", seconds=3))
    await asyncio.sleep(0.05)
    assert await answer(loaded, "SELECT max(age) FROM customers") == [(40,)]
    assert not slow.done()
    slow.cancel()
    await asyncio.gather(slow, return_exceptions=True)


@pytest.mark.parametrize(
    ("sql", "place"),
    [
        ("SELECT id,\n  nope FROM customers", ("2", "3")),
        ("SELECT * FROM\n  nowhere", ("2", "3")),
        ("SELECT a.id FROM customers a, customers b\nWHERE id = 1", None),
    ],
)
async def test_what_the_database_finds_wrong_says_where(
    loaded: SqlWarehouse, sql: str, place: tuple[str, str] | None
) -> None:
    with pytest.raises(InvalidQueryError) as raised:
        await answer(loaded, sql)
    where = (raised.value.metadata["line"], raised.value.metadata["column"])
    assert place is None or where == place


async def test_tables_of_any_schema_are_read_as_they_are_named(loaded: SqlWarehouse) -> None:
    postgres = loaded.dialect == "postgresql"
    async with loaded._write() as connection:
        if postgres:
            await execute(connection, "CREATE SCHEMA raw")
        table = "raw.orders" if postgres else '"raw.orders"'
        await execute(connection, f"CREATE TABLE {table} (id BIGINT)")
        await execute(connection, f"INSERT INTO {table} VALUES (7)")
    sql = "SELECT raw.orders.id, c.age FROM raw.orders LEFT JOIN public.customers c ON c.id = 1"
    assert await answer(loaded, sql) == [(7, 30)]
    assert await answer(loaded, "SELECT orders.* FROM raw.orders") == [(7,)]


async def test_a_table_that_is_made_anew_can_be_read_again(loaded: SqlWarehouse) -> None:
    for value in (1, 2):
        async with loaded._write() as connection:
            await execute(connection, "DROP TABLE IF EXISTS mart")
            await execute(connection, f"CREATE TABLE mart AS SELECT {value} AS a")
        assert await answer(loaded, "SELECT a FROM mart") == [(value,)]


#: for the second wall alone: the guard lets none of these pass
HARM = {
    "postgresql": [
        "DELETE FROM customers",
        "CREATE TABLE harm (a int)",
        "WITH d AS (DELETE FROM customers RETURNING *) SELECT * FROM d",
        "SELECT * INTO harm FROM customers",
        "SELECT count(*) FROM headrace.rejects",
        "SELECT count(*) FROM headrace_parked.orders",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT pg_ls_dir('.')",
        "SELECT lo_create(0)",
        "SELECT rolpassword FROM pg_authid",
        "SELECT count(*) FROM pg_largeobject",
        "SELECT set_config('transaction_read_only', 'off', true)",
        "SELECT pg_terminate_backend(pg_backend_pid())",
        "COPY customers TO PROGRAM 'id'",
        "CREATE TEMP TABLE harm (a int)",
        "SELECT 1; DELETE FROM customers",
        "SELECT * FROM customers FOR UPDATE",
    ],
    "sqlite": [
        "DELETE FROM customers",
        "CREATE TABLE harm (a)",
        "CREATE TEMP TABLE harm (a)",
        "SELECT 1; DELETE FROM customers",
        'SELECT * FROM "headrace.rejects"',
        "ATTACH '/tmp/harm.sqlite' AS harm",
        "VACUUM INTO '/tmp/harm.sqlite'",
        "PRAGMA table_info(customers)",
        "SELECT * FROM pragma_table_info('customers')",
        "SELECT load_extension('harm')",
        "SELECT fts3_tokenizer('harm')",
        "SELECT zeroblob(1000000000)",
        "SELECT printf('%20000000s', 'x') || printf('%20000000s', 'x')",
        'SELECT 1 WHERE 1 IN (SELECT line FROM "headrace.rejects")',
    ],
}  # fmt: skip


async def test_the_second_wall_holds_alone(loaded: SqlWarehouse) -> None:
    before = await _everything(loaded)
    for sql in HARM[loaded.dialect]:
        with pytest.raises((InvalidQueryError, StorageUnavailableError)):
            print(await unguarded(loaded, sql))  # noqa: T201  # tells what came through
    assert await _everything(loaded) == before


async def _everything(warehouse: SqlWarehouse) -> list[Any]:
    """All tables with their rows."""
    names = [(table.schema, table.name) for table in await warehouse.list_tables()]
    found: list[Any] = [names]
    for schema, name in names:
        found.append(await warehouse.read_rows(schema, name, 100, max_bytes=1 << 20))
    ours = warehouse._words.system("rejects")
    async with warehouse._read() as connection:
        found.append(list(map(tuple, await rows(connection, f"SELECT * FROM {ours}"))))
    return found


#: pieces that statements are put together of, harmful ones among them
_PIECES = """
SELECT FROM WHERE customers orders headrace "headrace.rejects" . , ; ( ) * 1 'a' id age AS
WITH d DELETE UPDATE INSERT INTO SET VALUES RETURNING UNION ALL count(*) -- /* */ $$ ' " \\
CREATE TABLE DROP pg_sleep(1) E'a\\' U& ATTACH PRAGMA INTO IN NOT EXISTS LIMIT OFFSET JOIN ON
= + || :: [ ] CASE WHEN THEN END TEMP VACUUM x'41' ? :a
"""
_WORDS = st.sampled_from(_PIECES.split())
_STATEMENTS = st.lists(_WORDS, min_size=1, max_size=12).map(" ".join)
_MUTATED = st.tuples(
    st.sampled_from([
        "SELECT id FROM customers {} WHERE age > 1",
        "WITH d AS (SELECT {} 1) SELECT * FROM d, customers",
        "SELECT 'a{}' , id FROM customers",
        "SELECT 1 {}",
    ]),
    _STATEMENTS,
).map(lambda both: both[0].format(both[1]))  # fmt: skip


async def test_whatever_passes_changes_nothing(loaded: SqlWarehouse) -> None:
    before = await _everything(loaded)
    passed: list[str] = []

    @settings(
        max_examples=400,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(sql=st.one_of(_STATEMENTS, _MUTATED))
    def try_one(sql: str) -> None:
        try:
            passed.append(guarded(sql, loaded.dialect).sql)
        except InvalidQueryError:
            return

    await asyncio.to_thread(try_one)
    assert len(passed) > 5
    for sql in sorted(set(passed))[:60]:
        try:
            await unguarded(loaded, sql)
        except InvalidQueryError:
            continue
    assert await _everything(loaded) == before


async def test_values_are_exact(loaded: SqlWarehouse) -> None:
    big = 2**62
    if loaded.dialect == "postgresql":
        sql = f"SELECT {big}, 0.1::numeric(40, 30), 1e400::numeric, NULL"
        [found] = await answer(loaded, sql)
        assert found == (big, Decimal("0.1" + "0" * 29), Decimal(10) ** 400, None)
    else:
        assert await answer(loaded, f"SELECT {big}, x'00ff', NULL") == [(big, b"\0\xff", None)]
