"""Profiles of tables on each engine."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest

from headrace_server.model.contract import Column, ColumnType, Table
from headrace_server.model.errors import NotFoundError
from headrace_server.model.observation import ColumnProfile, KeyProfile, TableProfile
from headrace_server.warehouse import postgres_catalog, sqlite_sampling
from headrace_server.warehouse.sql_warehouse import SqlWarehouse

if TYPE_CHECKING:
    from warehouse.conftest import FamilyLoader, Loader, LoaderOf, OpenWarehouse

ALL = 1_000_000
MIXED = Table(
    "mixed",
    (
        Column("id", ColumnType.INTEGER),
        Column("name", ColumnType.STRING, nullable=True, max_length=20),
        Column("price", ColumnType.DECIMAL, nullable=True, precision=8, scale=2),
        Column("share", ColumnType.FLOAT, nullable=True),
        Column("good", ColumnType.BOOLEAN, nullable=True),
    ),
    ("id",),
)


@pytest.fixture
async def postgres_loader(
    postgres_url: str, open_warehouse: "OpenWarehouse", family_loader: "FamilyLoader"
) -> AsyncIterator["Loader"]:
    warehouse = open_warehouse(postgres_url)
    yield family_loader(warehouse)
    await warehouse.close()


def near(value: float) -> Any:
    return pytest.approx(value, abs=1e-3)


async def profiled(warehouse: SqlWarehouse, table: str, **how: object) -> TableProfile:
    return await warehouse.profile("public", table, **{"most": ALL, **how})  # type: ignore[arg-type]  # by name


async def test_what_values_look_like(loader_of: "LoaderOf") -> None:
    loader = loader_of({"mixed": MIXED})
    rows = [
        (1, "ab", "1.50", 0.5, True),
        (2, "abcd", "2.50", 1.5, True),
        (3, None, "-1.00", 1e200, False),
        (4, "abc", None, None, None),
    ]
    await loader.load("mixed", rows, rejects=[8])
    seen = await profiled(loader.warehouse, "mixed")
    assert (seen.rows, seen.sampled_rows, seen.contracted) == (4, 4, True)
    assert (seen.rows_read, seen.rows_rejected, seen.rows_parked) == (5, 1, 0)
    assert seen.primary_key == ("id",)
    assert seen.updated_at is not None
    assert seen.columns == (
        ColumnProfile("id", "INTEGER", False, 0.0, 2.5, near(1.118)),
        ColumnProfile("name", "STRING(20)", True, 0.25, 3.0, near(0.816)),
        ColumnProfile("price", "DECIMAL(8,2)", True, 0.25, 1.0, near(1.472)),
        ColumnProfile("share", "FLOAT", True, 0.25, 1.0, 0.5),
        ColumnProfile("good", "BOOLEAN", True, 0.25, near(2 / 3), near(0.4714)),
    )


async def test_keys_references_and_parked_rows(loader: "Loader") -> None:
    await loader.load("customers", [(n, n % 4) for n in range(1, 11)])
    await loader.load("orders", [(1, 5, 1), (2, 5, 99)], ingestion="other")
    keys = [("age",), ("id", "age"), ("id",), ("nothing",)]
    customers = await profiled(loader.warehouse, "customers", keys=keys)
    assert customers.keys == (
        KeyProfile(("id",), 0.0, enforced=True),
        KeyProfile(("age",), 0.6),
        KeyProfile(("id", "age"), 0.0),
    )
    orders = await profiled(loader.warehouse, "orders")
    assert (orders.references, orders.rows_parked) == (("customer -> customers",), 1)
    assert (orders.rows, orders.rows_read) == (1, 2)


async def test_rejects_that_were_replayed_are_none(loader: "Loader") -> None:
    await loader.load("customers", [(1, 1)], rejects=[2, 3])
    (first, _) = await loader.kept(rejected=True)
    await loader.load("customers", [(2, 2)], run=1, replays=[first.reject_id])
    seen = await profiled(loader.warehouse, "customers")
    assert (seen.rows, seen.rows_read, seen.rows_rejected) == (2, 3, 1)


@pytest.mark.parametrize("counted", [2_000_000, 1])
async def test_a_large_table_is_sampled(
    loader: "Loader", counted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_catalog, "_MOST_COUNTED", counted)
    rows = [(n, n % 2) for n in range(30_000)]
    await loader.load("customers", rows)
    sampled = await profiled(loader.warehouse, "customers", most=3000, keys=[("age",)])
    assert 1000 < sampled.sampled_rows < 15_000
    assert sampled.rows == pytest.approx(30_000, rel=0.05 if counted > 1 else 0.5)
    assert sampled.columns[1].mean == pytest.approx(0.5, abs=0.05)
    # Spread over the table.
    assert sampled.columns[0].mean == pytest.approx(15_000, rel=0.2)
    assert sampled.keys == (KeyProfile(("id",), 0.0, enforced=True),)
    assert await profiled(loader.warehouse, "customers", most=3000) == sampled


async def test_numbers_that_cannot_be_squared(loader_of: "LoaderOf") -> None:
    table = Table(
        "numbers",
        (
            Column("id", ColumnType.INTEGER),
            Column("share", ColumnType.FLOAT),
            Column("price", ColumnType.DECIMAL, precision=1000, scale=500),
        ),
        ("id",),
    )
    loader = loader_of({"numbers": table})
    large, small = "9" * 400, "0." + "0" * 450 + "1"
    rows = [
        (-(2**63), 1e-170, small),
        (2**63 - 1, -1e-320, "1.5"),
        (3, 1e90, large),
        (4, 1e60, f"-{large}"),
        (5, 3.0, "3"),
    ]
    await loader.load("numbers", rows)
    seen = await profiled(loader.warehouse, "numbers")
    assert [column.null_rate for column in seen.columns] == [0.0] * 3
    assert seen.columns[1].mean == pytest.approx(2.5e59)
    assert seen.columns[2].mean == pytest.approx(1.5)


async def test_rows_whose_numbers_lie_far_apart(
    loader: "Loader", monkeypatch: pytest.MonkeyPatch
) -> None:
    await loader.warehouse.prepare({})
    close = ", ".join(f"({n})" for n in range(1000))
    await loader.run(
        "CREATE TABLE far (id INTEGER PRIMARY KEY)",
        "INSERT INTO far VALUES (-2000000000), (7), (2000000000)",
        "CREATE TABLE mixed (id INTEGER PRIMARY KEY)",
        f"INSERT INTO mixed VALUES {close}, (2000000000)",
    )
    seen = await profiled(loader.warehouse, "far", most=100)
    assert (seen.rows, seen.sampled_rows, seen.columns[0].mean) == (3, 3, near(7 / 3))
    monkeypatch.setattr(sqlite_sampling, "_MOST_COUNTED", 10)
    mixed = await profiled(loader.warehouse, "mixed", most=300)
    assert mixed.rows == 1001
    assert mixed.sampled_rows >= 101


async def test_columns_without_end(loader: "Loader") -> None:
    await loader.warehouse.prepare({})
    columns = ", ".join(f"c{n} INTEGER" for n in range(1200))
    await loader.run(f"CREATE TABLE wide ({columns})", "INSERT INTO wide (c0, c1199) VALUES (1, 2)")
    seen = await profiled(loader.warehouse, "wide")
    assert (seen.rows, len(seen.columns)) == (1, 1200)
    assert [c.name for c in seen.columns if c.null_rate == 0.0] == ["c0", "c1199"]
    assert seen.columns[1199].mean == 2.0


async def test_types_that_have_no_mean(postgres_loader: "Loader") -> None:
    await postgres_loader.warehouse.prepare({})
    await postgres_loader.run(
        "CREATE TABLE odd (a INTERVAL, b INT4RANGE, c TEXT[], d BOOLEAN[], e NUMERIC(5,2)[],"
        " f CHAR(3), g REAL, h TIMESTAMP(3) WITH TIME ZONE, i NUMERIC, j DOUBLE PRECISION)",
        "INSERT INTO odd VALUES ('1 day', '[1,2]', '{a}', '{t}', '{1}', 'ab', 0.5, now(), 'NaN',"
        " 'Infinity'), (NULL, NULL, NULL, NULL, NULL, 'ab', 0.5, NULL, 'Infinity', 'NaN')",
    )
    seen = await profiled(postgres_loader.warehouse, "odd")
    assert [c.name for c in seen.columns if c.mean is not None] == ["f", "g"]


async def test_a_table_in_partitions(
    postgres_loader: "Loader", monkeypatch: pytest.MonkeyPatch
) -> None:
    await postgres_loader.warehouse.prepare({})
    await postgres_loader.run(
        "CREATE TABLE parts (n INTEGER) PARTITION BY RANGE (n)",
        "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (20000)",
        "CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (20000) TO (40000)",
        "INSERT INTO parts SELECT generate_series(0, 39999)",
    )
    seen = await profiled(postgres_loader.warehouse, "parts", most=4000)
    assert seen.rows == 40_000
    assert seen.sampled_rows < 20_000


async def test_keys_without_end(loader_of: "LoaderOf") -> None:
    columns = tuple(Column(f"c{n}", ColumnType.INTEGER) for n in range(30))
    loader = loader_of({"t": Table("t", columns, ("c0",))})
    await loader.load("t", [(n,) * 30 for n in range(20)])
    keys = [(f"c{n}",) for n in range(30)]
    assert len((await profiled(loader.warehouse, "t", keys=keys, most=20)).keys) == 1 + 10


async def test_an_empty_table(loader: "Loader") -> None:
    await loader.warehouse.prepare(loader.catalog)
    seen = await profiled(loader.warehouse, "customers", keys=[("age",)], most=1)
    assert (seen.rows, seen.updated_at, seen.columns[1].null_rate) == (0, None, None)
    assert seen.keys[1] == KeyProfile(("age",), 0.0)


async def test_a_table_that_no_contract_declares(loader: "Loader") -> None:
    await loader.warehouse.prepare({})
    await loader.run(
        'CREATE TABLE notes (rowid TEXT, _rowid_ TEXT, oid TEXT, "a:b" INTEGER NOT NULL)',
        "INSERT INTO notes VALUES ('r', 's', 't', 7), ('r', 's', 't', 9)",
    )
    seen = await profiled(loader.warehouse, "notes", most=1)
    assert (seen.contracted, seen.primary_key, seen.rows_read) == (False, (), 0)
    assert (seen.columns[3].name, seen.columns[3].mean) == ("a:b", 8.0)


@pytest.mark.parametrize(
    ("schema", "name"),
    [
        ("public", "nothing"),
        ("headrace", "ledger"),
        ("headrace_parked", "orders"),
        ("pg_catalog", "pg_database"),
        ("information_schema", "tables"),
        ("public", "sqlite_schema"),
        ("public", "CUSTOMERS"),
    ],
)
async def test_no_such_table(loader: "Loader", schema: str, name: str) -> None:
    await loader.load("customers", [(1, 1)])
    with pytest.raises(NotFoundError):
        await loader.warehouse.profile(schema, name, most=ALL)
