"""Facts of columns and inclusions, on both engines."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import text

from headrace_server.model.errors import NotFoundError
from headrace_server.model.relationship import DeclaredReference, Inclusion, Kind, TableFacts
from headrace_server.warehouse.sql_warehouse import SqlWarehouse

MOST = 20_000


async def fill(warehouse: SqlWarehouse, *statements: str) -> None:
    await warehouse.list_tables()
    async with warehouse._writing() as connection:
        for statement in statements:
            await connection.execute(text(statement))


def numbers(last: int) -> str:
    """Query of the numbers from 1."""
    return (
        f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {last}) SELECT"
    )


async def facts(warehouse: SqlWarehouse, table: str, most: int = MOST) -> TableFacts:
    return await warehouse.table_facts("public", table, most=most)


async def test_counts_bounds_and_values(warehouse: SqlWarehouse) -> None:
    await fill(
        warehouse,
        "CREATE TABLE part (id BIGINT, code TEXT, half BIGINT, price DOUBLE PRECISION)",
        f"INSERT INTO part {numbers(1000)} i + 9, 'k' || (i % 7),"
        " CASE WHEN i % 2 = 0 THEN i % 5 END, i / 4.0 FROM n",
    )
    found = await facts(warehouse, "part")
    assert (found.rows, found.primary_key, found.composite_keys) == (1000, (), ())
    number, code, half, price = found.columns
    assert (number.unique, number.minimum, number.maximum) == (True, 10, 1009)
    assert (number.sample[0], number.sample[-1], len(number.sample)) == (10, 1009, 65)
    assert list(number.sample) == sorted(number.sample)
    assert (code.kind, code.distinct, code.unique, code.longest) == (Kind.TEXT, 7, False, 2)
    assert code.sample == tuple(f"k{n}" for n in range(7))
    assert (half.nulls, half.distinct, half.top_share) == (500, 5, 0.2)
    assert (price.kind, price.sample) == (Kind.OTHER, ())
    assert found.column("half") is half
    with pytest.raises(KeyError):
        found.column("none")


async def test_an_empty_table_and_one_that_is_not_there(warehouse: SqlWarehouse) -> None:
    await fill(warehouse, "CREATE TABLE nobody (id BIGINT PRIMARY KEY, name TEXT)")
    found = await facts(warehouse, "nobody")
    assert (found.rows, found.primary_key) == (0, ("id",))
    assert not any(column.unique for column in found.columns)
    with pytest.raises(NotFoundError):
        await facts(warehouse, "nothing")


async def test_a_large_table_is_told_by_a_part(warehouse: SqlWarehouse) -> None:
    await fill(
        warehouse,
        "CREATE TABLE big (id BIGINT, near BIGINT, few BIGINT, name TEXT)",
        f"INSERT INTO big {numbers(60_000)} i, CASE WHEN i = 60000 THEN 1 ELSE i END, i % 40,"
        " 'name ' || i FROM n",
    )
    found = await facts(warehouse, "big", most=2000)
    number, near, few, name = found.columns
    assert (number.unique, number.distinct, name.unique) == (True, 60_000, True)
    # Unique in the part, not in all.
    assert not near.unique
    assert (few.distinct, few.maximum) == (40, 39)


async def test_keys_of_several_columns(warehouse: SqlWarehouse) -> None:
    await fill(
        warehouse,
        "CREATE TABLE items (order_no BIGINT, line BIGINT, note TEXT)",
        f"INSERT INTO items {numbers(300)} i / 3, i % 3, 'x' FROM n",
        "CREATE TABLE declared (a BIGINT, b BIGINT, c BIGINT UNIQUE, PRIMARY KEY (b, a))",
        "INSERT INTO declared VALUES (1, 1, 5), (1, 2, 6)",
    )
    assert (await facts(warehouse, "items")).composite_keys == (("order_no", "line"),)
    declared = await facts(warehouse, "declared")
    assert declared.primary_key == ("b", "a")
    assert declared.composite_keys == (("b", "a"),)
    assert declared.column("c").unique


async def test_declared_references(warehouse: SqlWarehouse) -> None:
    await fill(
        warehouse,
        "CREATE TABLE pairs (a BIGINT, b BIGINT, PRIMARY KEY (a, b))",
        "CREATE TABLE refers (id BIGINT PRIMARY KEY, x BIGINT, y BIGINT,"
        " parent BIGINT REFERENCES refers, FOREIGN KEY (x, y) REFERENCES pairs (a, b))",
    )
    found = (await facts(warehouse, "refers")).references
    assert set(found) == {
        DeclaredReference(("parent",), "public", "refers", ("id",)),
        DeclaredReference(("x", "y"), "public", "pairs", ("a", "b")),
    }


async def test_names_that_queries_use_themselves(warehouse: SqlWarehouse) -> None:
    await fill(
        warehouse,
        'CREATE TABLE "each" (v BIGINT, n BIGINT, r BIGINT, d TEXT)',
        "INSERT INTO \"each\" VALUES (1, 2, 3, 'x'), (2, 2, 4, 'y')",
    )
    found = await facts(warehouse, "each")
    assert [column.distinct for column in found.columns] == [2, 1, 2, 2]


@pytest.mark.parametrize(
    ("values", "expected"),
    [("(1.0), (2.0)", Kind.INTEGER), ("(1.5), (2.0)", Kind.OTHER), ("(1), (1.5), (2)", Kind.OTHER)],
)
async def test_decimals_may_be_whole(warehouse: SqlWarehouse, values: str, expected: Kind) -> None:
    await fill(
        warehouse,
        "CREATE TABLE sums (x NUMERIC(10, 2))",
        f"INSERT INTO sums VALUES {values}",
    )
    assert (await facts(warehouse, "sums")).columns[0].kind is expected


async def test_long_texts_and_days(warehouse: SqlWarehouse) -> None:
    day = "DATE" if warehouse.dialect == "postgresql" else "DATE_TEXT"
    await fill(
        warehouse,
        f"CREATE TABLE notes (story TEXT, day {day})",
        f"INSERT INTO notes VALUES ('{'long ' * 50}', '2024-01-05'), ('short', '2024-01-06')",
    )
    story, day_column = (await facts(warehouse, "notes")).columns
    assert (story.kind, story.unique) == (Kind.OTHER, False)
    assert (day_column.kind, day_column.unique) == (Kind.DATE, True)
    assert day_column.sample == ("2024-01-05", "2024-01-06")


async def test_values_that_are_present(warehouse: SqlWarehouse) -> None:
    await fill(
        warehouse,
        "CREATE TABLE known (id BIGINT, name TEXT)",
        "INSERT INTO known VALUES (1, 'a'), (3, 'b''c'), (NULL, NULL)",
    )

    async def present(column: str, values: Sequence[Any]) -> set[Any]:
        return await warehouse.present(("public", "known", (column,)), values)

    assert await present("id", [1, 2, 3]) == {1, 3}
    assert await present("name", ["b'c", "z"]) == {"b'c"}


async def test_inclusion_counts_what_is_missing(warehouse: SqlWarehouse) -> None:
    await fill(
        warehouse,
        "CREATE TABLE parents (a BIGINT, b TEXT)",
        "INSERT INTO parents VALUES (1, 'x'), (2, 'y'), (NULL, 'z')",
        "CREATE TABLE children (a BIGINT, b TEXT)",
        "INSERT INTO children VALUES (1, 'x'), (1, 'x'), (2, 'x'), (7, 'y'), (7, 'y'), (NULL, 'q')",
    )
    child, parent = ("public", "children"), ("public", "parents")
    one = await warehouse.inclusion((*child, ("a",)), (*parent, ("a",)), as_text=False)
    assert one == Inclusion(distinct=3, missing=1, rows=5)
    both = await warehouse.inclusion((*child, ("a", "b")), (*parent, ("a", "b")), as_text=True)
    assert both == Inclusion(distinct=3, missing=2, rows=5)


async def test_other_schemas(warehouse: SqlWarehouse) -> None:
    if warehouse.dialect == "postgresql":
        await fill(warehouse, "CREATE SCHEMA raw")
    name = "raw.things" if warehouse.dialect == "postgresql" else '"raw.things"'
    await fill(
        warehouse,
        f"CREATE TABLE {name} (id BIGINT PRIMARY KEY, up BIGINT REFERENCES {name})",
        f"INSERT INTO {name} VALUES (1, NULL), (2, 1)",
    )
    found = await warehouse.table_facts("raw", "things", most=MOST)
    assert (found.schema, found.rows) == ("raw", 2)
    assert found.references == (DeclaredReference(("up",), "raw", "things", ("id",)),)
