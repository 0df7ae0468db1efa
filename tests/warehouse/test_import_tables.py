"""Tables of imports: made, and widened with no value changed."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from headrace_server.model.contract import Column, ColumnType, Reference, Table, UnknownColumns
from headrace_server.model.errors import InvalidContractError, StaleAttemptError, WrongStateError
from headrace_server.warehouse.engines import SqliteWarehouse
from headrace_server.warehouse.sql_warehouse import SqlWarehouse

if TYPE_CHECKING:
    from warehouse.conftest import FamilyLoader, Loader, LoaderOf, OpenWarehouse

T = ColumnType
TEXT = 1 << 24


def of_type(kind: ColumnType, **sizes: int) -> Column:
    return Column("x", kind, nullable=True, **sizes)  # type: ignore[arg-type]  # by name


def decimal(precision: int, scale: int = 0) -> Column:
    return of_type(T.DECIMAL, precision=precision, scale=scale)


def string(length: int) -> Column:
    return of_type(T.STRING, max_length=length)


ANY_DECIMAL, ANY_TEXT = decimal(0), string(TEXT)
NUMBER, FLOAT, BOOLEAN, DATE = map(of_type, (T.INTEGER, T.FLOAT, T.BOOLEAN, T.DATE))
DATETIME, TIME, TIMESTAMP = map(of_type, (T.DATETIME, T.TIME, T.TIMESTAMP))
UUID, JSON = map(of_type, (T.UUID, T.JSON))
LEAST, SOME_UUID = -(2**63), "2dadea68-e328-4c96-844a-ba06ed89f6be"


def table_of(*columns: Column, name: str = "raw.things", key: tuple[str, ...] = ()) -> Table:
    return Table(name, columns, key)


@pytest.fixture
def loading(loader_of: "LoaderOf") -> "Loading":
    return Loading(loader_of)


class Loading:
    """Prepares a table of imports and loads rows into it."""

    def __init__(self, loader_of: "LoaderOf") -> None:
        self._loader_of = loader_of
        self.warehouse: SqlWarehouse = loader_of({}).warehouse

    async def prepared(self, table: Table) -> "Loader":
        stands = await self.warehouse.prepare_import(table, catalog={})
        return self.of(stands)

    def of(self, table: Table) -> "Loader":
        return self._loader_of({table.name: table})


#: a column as it is, as declared, as it stands then; values, and their texts
STEPS: list[tuple[Column, Column, Column, list[Any], list[str]]] = [
    (NUMBER, ANY_DECIMAL, ANY_DECIMAL, [LEAST, 7], [str(LEAST), "7"]),
    (NUMBER, decimal(5, 2), ANY_DECIMAL, [2**63 - 1, 0], [str(2**63 - 1), "0"]),
    (NUMBER, FLOAT, ANY_DECIMAL, [2**53 + 1, -1], [str(2**53 + 1), "-1"]),
    (NUMBER, ANY_TEXT, ANY_TEXT, [LEAST, 7], [str(LEAST), "7"]),
    (NUMBER, string(9), string(20), [LEAST, 7], [str(LEAST), "7"]),
    (NUMBER, string(50), string(50), [7], ["7"]),
    (NUMBER, DATE, ANY_TEXT, [7], ["7"]),
    (NUMBER, JSON, ANY_TEXT, [7], ["7"]),
    (NUMBER, NUMBER, NUMBER, [LEAST], [str(LEAST)]),
    (decimal(5, 2), decimal(9, 2), decimal(9, 2), ["123.45", "-0.5"], ["123.45", "-0.50"]),
    (decimal(5, 2), decimal(9, 6), decimal(9, 6), ["123.45"], ["123.450000"]),
    (decimal(5), decimal(5, 3), decimal(8, 3), ["12345", "0"], ["12345.000", "0.000"]),
    (decimal(5, 2), decimal(4, 1), decimal(5, 2), ["123.4"], ["123.40"]),
    (decimal(5, 2), ANY_DECIMAL, ANY_DECIMAL, ["123.40", "100", "0"], ["123.4", "100", "0"]),
    (decimal(5), ANY_DECIMAL, ANY_DECIMAL, ["12300", "0"], ["12300", "0"]),
    (decimal(900), decimal(900, 200), ANY_DECIMAL, ["9" * 900], ["9" * 900]),
    (decimal(5, 2), NUMBER, ANY_DECIMAL, ["123.40"], ["123.4"]),
    (decimal(5, 2), string(3), string(8), ["123.4", "-999.99"], ["123.40", "-999.99"]),
    (ANY_DECIMAL, ANY_TEXT, ANY_TEXT, ["9" * 60 + ".5", "1.50"], ["9" * 60 + ".5", "1.5"]),
    (ANY_DECIMAL, FLOAT, ANY_DECIMAL, ["1.50"], ["1.5"]),
    (ANY_DECIMAL, decimal(5, 2), ANY_DECIMAL, ["1.50"], ["1.5"]),
    (FLOAT, ANY_TEXT, ANY_TEXT, [0.1, 1e300, 2.5e-9], ["0.1", "1e+300", "2.5e-09"]),
    (FLOAT, ANY_TEXT, ANY_TEXT, [0.1 + 0.2, 3.0], ["0.30000000000000004", "3"]),
    (FLOAT, NUMBER, FLOAT, [0.25], ["0.25"]),
    (FLOAT, decimal(5, 2), FLOAT, [0.25], ["0.25"]),
    (FLOAT, BOOLEAN, ANY_TEXT, [0.25], ["0.25"]),
    (BOOLEAN, ANY_TEXT, ANY_TEXT, [True, False], ["true", "false"]),
    (BOOLEAN, NUMBER, ANY_TEXT, [True, False], ["true", "false"]),
    (DATE, DATETIME, DATETIME, ["2024-02-29"], ["2024-02-29T00:00:00.000000"]),
    (DATE, DATETIME, DATETIME, ["0001-01-01"], ["0001-01-01T00:00:00.000000"]),
    (DATE, ANY_TEXT, ANY_TEXT, ["2024-02-29"], ["2024-02-29"]),
    (DATE, TIMESTAMP, ANY_TEXT, ["2024-02-29"], ["2024-02-29"]),
    (DATETIME, ANY_TEXT, ANY_TEXT, ["2024-02-29T01:02:03"], ["2024-02-29T01:02:03.000000"]),
    (DATETIME, string(30), string(30), ["2024-02-29T01:02:03.5"], ["2024-02-29T01:02:03.500000"]),
    (DATETIME, DATE, DATETIME, ["2024-02-29T01:02:03"], ["2024-02-29T01:02:03.000000"]),
    (TIME, ANY_TEXT, ANY_TEXT, ["23:59:59", "01:02:03.25"], ["23:59:59.000000", "01:02:03.250000"]),
    (TIME, TIME, TIME, ["23:59:59"], ["23:59:59.000000"]),
    (TIMESTAMP, ANY_TEXT, ANY_TEXT, ["2024-02-29T01:02:03Z"], ["2024-02-29T01:02:03.000000Z"]),
    (UUID, ANY_TEXT, ANY_TEXT, [SOME_UUID], [SOME_UUID]),
    (string(5), string(9), string(9), ["a:b'c", ""], ["a:b'c", ""]),
    (string(5), ANY_TEXT, ANY_TEXT, ["abc", " "], ["abc", " "]),
    (string(5), NUMBER, string(20), ["abc"], ["abc"]),
    (string(30), NUMBER, string(30), ["abc"], ["abc"]),
    (string(30), JSON, ANY_TEXT, ["abc"], ["abc"]),
    (JSON, NUMBER, JSON, ['{"a":  1}'], ['{"a":  1}']),
]


def columns_of_step(position: int) -> tuple[Column, ...]:
    """The column of each step as it is before, during or after it."""
    return tuple(replace(step[position], name=f"x{n}") for n, step in enumerate(STEPS))  # type: ignore[type-var, misc]  # of columns


async def test_columns_grow_and_their_values_stay_exact(loading: "Loading") -> None:
    number = Column("n", T.INTEGER)
    narrow = await loading.prepared(table_of(number, *columns_of_step(0)))
    values = [[*step[3], None, None, None][:3] for step in STEPS]
    rows = [(n, *row) for n, row in enumerate(zip(*values, strict=True))]
    await narrow.load("raw.things", rows)
    stands = await loading.warehouse.prepare_import(
        table_of(number, *columns_of_step(1)), catalog={}
    )
    assert list(map(sizes, stands.columns)) == list(map(sizes, (number, *columns_of_step(2))))
    wide = loading.of(stands)
    texts = [[*step[4], None, None, None][:3] for step in STEPS]
    expected = [(str(n), *row) for n, row in enumerate(zip(*texts, strict=True))]
    assert await wide.texts("raw.things") == expected
    # What was staged before comes in the same form.
    await narrow.load("raw.things", rows, chunk=1)
    assert sorted(await wide.texts("raw.things"), key=str) == sorted(expected * 2, key=str)
    assert await loading.warehouse.definition("raw.things") == stands


def sizes(column: Column) -> tuple[object, ...]:
    """What there is to a column's type."""
    if column.type is T.DECIMAL:
        return column.name, column.type, column.precision, column.precision and column.scale
    length = min(column.max_length, 10_485_761) if column.type is T.STRING else 0
    return column.name, column.type, length


ROWS = [(1, "a"), (2, "b"), (1, "a")]
THINGS = table_of(Column("n", T.INTEGER, nullable=True), string(5))


async def test_rows_that_nothing_tells_apart_all_stay_in_their_order(loading: "Loading") -> None:
    loader = await loading.prepared(THINGS)
    entry = await loader.load("raw.things", ROWS, rejects=[9])
    assert (entry.rows_read, entry.rows_loaded, entry.rows_rejected) == (4, 3, 1)
    assert (entry.rows_parked, entry.rows_superseded) == (0, 0)
    assert await loader.warehouse.read_rows("raw", "things", 9, max_bytes=999) == [
        {"n": n, "x": x} for n, x in ROWS
    ]
    assert await loader.tally() == {0: (4, 3, 1, 0)}
    [reject] = await loader.kept(rejected=True)
    assert reject.table == "raw.things"


async def test_a_table_of_imports_is_listed_described_and_profiled(loading: "Loading") -> None:
    loader = await loading.prepared(THINGS)
    await loader.load("raw.things", ROWS)
    [listed] = await loader.warehouse.list_tables()
    assert (listed.schema, listed.name, listed.rows) == ("raw", "things", 3)
    described = await loader.warehouse.describe_table("raw", "things")
    assert described.updated_at is not None
    assert [(c.name, c.nullable, c.primary_key) for c in described.columns] == [
        ("n", True, False),
        ("x", True, False),
    ]
    seen = await loader.warehouse.profile("raw", "things", most=100, keys=[("n",)])
    assert (seen.rows, seen.contracted, seen.primary_key) == (3, False, ())
    assert [(column.name, column.type) for column in seen.columns] == [
        ("n", "INTEGER"),
        ("x", "STRING(5)"),
    ]
    assert [key.columns for key in seen.keys] == [("n",)]


async def test_wide_types_are_profiled(loading: "Loading") -> None:
    columns = [replace(c, name=f"c{n}") for n, c in enumerate((ANY_DECIMAL, ANY_TEXT, TIME))]
    loader = await loading.prepared(table_of(*columns))
    await loader.load("raw.things", [("1.50", "abc", "01:02:03"), ("0.50", "a", None)])
    seen = await loader.warehouse.profile("raw", "things", most=100)
    assert [(c.type, c.mean) for c in seen.columns] == [
        ("DECIMAL", 1.0),
        ("STRING", 2.0),
        ("TIME", None),
    ]


async def test_a_chunk_is_merged_once_by_whichever_attempt(
    loading: "Loading", open_warehouse: "OpenWarehouse", database_url: str
) -> None:
    loader = await loading.prepared(THINGS)
    other = loader.with_warehouse(open_warehouse(database_url))
    chunk = loader.stage("raw.things", ROWS, rejects=[9])
    merged = await asyncio.gather(
        *(each.warehouse.merge(chunk, each.catalog) for each in (loader, other, loader))
    )
    assert merged[0] == merged[1] == merged[2]
    again = await loader.load("raw.things", ROWS, attempt=2)
    assert again == merged[0]
    with pytest.raises(StaleAttemptError):
        await loader.load("raw.things", ROWS, chunk=1)
    assert await loader.count("raw.things") == 3
    await other.warehouse.close()


async def test_two_imports_add_columns_at_once(
    loading: "Loading", open_warehouse: "OpenWarehouse", database_url: str
) -> None:
    loader = await loading.prepared(THINGS)
    others = [open_warehouse(database_url) for _ in range(2)]
    for n in range(4):
        wider = [
            replace(THINGS, columns=(*THINGS.columns, replace(TIME, name=f"{letter}{n}")))
            for letter in "ab"
        ]
        loads = [loader.load("raw.things", ROWS, ingestion=f"i{n}", chunk=c) for c in range(3)]
        pairs = zip(others, wider, strict=True)
        preparing = [other.prepare_import(table, catalog={}) for other, table in pairs]
        await asyncio.gather(*loads, *preparing)
    stands = await others[0].prepare_import(THINGS, catalog={})
    assert {column.name for column in stands.columns} == {
        "n",
        "x",
        *(f"{letter}{n}" for letter in "ab" for n in range(4)),
    }
    assert await loader.count("raw.things") == 4 * 3 * len(ROWS)
    for other in others:
        await other.close()


async def test_a_table_may_have_a_key(loading: "Loading") -> None:
    keyed = table_of(Column("n", T.INTEGER), string(5), key=("n",))
    loader = await loading.prepared(keyed)
    await loader.load("raw.things", [(1, "a"), (2, "b"), (1, "c")])
    wider = table_of(Column("n", T.DECIMAL, precision=0), string(5), key=("n",))
    stands = await loading.prepared(wider)
    await stands.load("raw.things", [("2.50", "d"), ("1", "e")], chunk=1)
    # Staged before the key grew.
    await loader.load("raw.things", [(2, "f"), (3, "g"), (2, "h")], chunk=2)
    assert await stands.texts("raw.things") == [("1", "e"), ("2", "h"), ("2.5", "d"), ("3", "g")]


async def test_columns_that_a_file_lacks_may_be_null(loading: "Loading") -> None:
    loader = await loading.prepared(table_of(Column("n", T.INTEGER), Column("m", T.INTEGER)))
    await loader.load("raw.things", [(1, 2)])
    fewer = table_of(Column("m", T.INTEGER))
    stands = await loading.warehouse.prepare_import(fewer, catalog={})
    assert [(column.name, column.nullable) for column in stands.columns] == [
        ("n", True),
        ("m", False),
    ]
    await loading.of(fewer).load("raw.things", [(3,)], chunk=1)
    assert await loader.count("raw.things") == 2


async def test_what_is_said_of_unknown_columns_is_returned(loading: "Loading") -> None:
    rescuing = replace(
        table_of(NUMBER, replace(JSON, name="_rescued")),
        unknown_columns=UnknownColumns.RESCUE,
        rescue_column="_rescued",
    )
    for _ in range(2):
        stands = await loading.warehouse.prepare_import(rescuing, catalog={})
        assert stands == rescuing


KEYED = table_of(Column("n", T.INTEGER), string(5), key=("n",))


IMPOSSIBLE: list[tuple[Table, str]] = [
    (replace(KEYED, primary_key=()), ""),
    (replace(KEYED, columns=(*KEYED.columns, Column("y", T.DATE))), "y"),
    (replace(KEYED, columns=KEYED.columns[1:]), "n"),
    (replace(KEYED, columns=(*KEYED.columns, DATE)), "x"),
    (
        replace(KEYED, columns=(*KEYED.columns, Column("headrace.line", T.DATE, True))),
        "headrace.line",
    ),
]


async def test_what_cannot_be_is_refused_and_named(loading: "Loading") -> None:
    await loading.prepared(KEYED)
    for table, column in IMPOSSIBLE:
        with pytest.raises(InvalidContractError) as caught:
            await loading.warehouse.prepare_import(table, catalog={})
        assert caught.value.metadata == {"table": "raw.things", "column": column}
    assert await loading.warehouse.definition("raw.things") == KEYED


UNMAKEABLE: list[tuple[Table, str]] = [
    (table_of(NUMBER, name="headrace.ledger"), ""),
    (table_of(NUMBER, name="headrace.drafts.x"), ""),
    (table_of(NUMBER, name="Headrace_drafts.x"), ""),
    (table_of(NUMBER, name="pg_catalog.x"), ""),
    (table_of(NUMBER, name="sqlite_stat1"), ""),
    (table_of(NUMBER, name="raw." + "n" * 64), ""),
    (table_of(NUMBER, name="raw."), ""),
    (table_of(), ""),
    (table_of(*(replace(NUMBER, name=f"c{n}") for n in range(1601))), ""),
    (table_of(NUMBER, replace(NUMBER, name="X")), "x"),
    (table_of(replace(NUMBER, name="xmin")), "xmin"),
    (table_of(replace(NUMBER, name="é" * 32)), "é" * 32),
    (table_of(replace(NUMBER, name="a\0b")), "a\0b"),
    (replace(KEYED, references=(Reference(("n",), "raw.things"),)), ""),
]


async def test_a_table_that_cannot_be_made_is_refused(loading: "Loading") -> None:
    for table, column in UNMAKEABLE:
        with pytest.raises(InvalidContractError) as caught:
            await loading.warehouse.prepare_import(table, catalog={})
        assert caught.value.metadata["column"] == column
    assert await loading.warehouse.list_tables() == []


async def test_a_table_of_others_is_left_alone(loading: "Loading") -> None:
    assert await loading.warehouse.definition("things") is None
    loader = await loading.prepared(table_of(NUMBER, name="public.mine"))
    await loader.run("CREATE TABLE things (x INTEGER)")
    for name in ("things", "public.things", "headrace.ledger", "headrace.drafts.a", "pg_temp.x"):
        with pytest.raises(WrongStateError):
            await loading.warehouse.definition(name)
    with pytest.raises(InvalidContractError):
        await loading.warehouse.prepare_import(table_of(NUMBER, name="things"), catalog={})
    assert await loading.warehouse.definition("public.mine") == table_of(NUMBER, name="mine")


async def test_a_contracts_table_keeps_its_rules(loading: "Loading", loader: "Loader") -> None:
    catalog, customers = loader.catalog, loader.catalog["customers"]
    stands = await loading.warehouse.prepare_import(customers, catalog=catalog)
    assert stands is customers
    other = replace(customers, columns=(*customers.columns, NUMBER))
    with pytest.raises(InvalidContractError, match="only its contract changes it"):
        await loading.warehouse.prepare_import(other, catalog={})
    await loader.load("orders", [(1, 1, 7)])
    await loader.load("customers", [(7, 1)], chunk=1)
    assert await loader.rows("orders") == [(1, 1, 7)]


async def test_a_contract_may_declare_what_imports_made(loading: "Loading") -> None:
    loader = await loading.prepared(KEYED)
    await loader.load("raw.things", [(1, "a")])
    await loading.warehouse.prepare({"raw.things": KEYED})
    await loader.load("raw.things", [(1, "b")], chunk=1)
    with pytest.raises(InvalidContractError, match="only its contract"):
        await loading.warehouse.prepare_import(
            replace(KEYED, columns=(*KEYED.columns, replace(DATE, name="d"))), catalog={}
        )
    assert await loader.rows("raw.things") == [(1, "b")]


async def test_a_table_without_a_key_refers_to_nothing(loading: "Loading") -> None:
    orphan = replace(KEYED, primary_key=(), references=(Reference(("n",), "raw.things"),))
    with pytest.raises(InvalidContractError, match="without a primary key"):
        await loading.warehouse.prepare({"raw.things": orphan})


async def test_rows_of_another_shape_are_refused(loading: "Loading") -> None:
    await loading.prepared(THINGS)
    for column in (replace(DATE, name="n"), replace(DATE, name="y")):
        with pytest.raises(InvalidContractError, match="prepare it") as caught:
            await loading.of(table_of(column)).load("raw.things", [("2024-02-29",)])
        assert caught.value.metadata["column"] == column.name


async def test_views_indexes_and_triggers_live_on(loading: "Loading") -> None:
    loader = await loading.prepared(THINGS)
    await loader.load("raw.things", ROWS)
    target = loader._target("raw.things")
    await loader.run(
        f"CREATE VIEW seen AS SELECT n FROM {target}",
        f"CREATE INDEX things_by_n ON {target} (n)",
    )
    longer = replace(THINGS, columns=(THINGS.columns[0], string(9), replace(DATE, name="d")))
    await loading.prepared(longer)
    indexes = {"sqlite": "sqlite_schema WHERE name", "postgresql": "pg_indexes WHERE indexname"}
    found = await rows_of(
        loader, f"SELECT 1 FROM {indexes[loader.warehouse.dialect]} = 'things_by_n'"
    )
    assert found == [(1,)]
    assert await rows_of(loader, "SELECT n FROM seen ORDER BY n") == [(1,), (1,), (2,)]


@pytest.mark.parametrize("kind", ["VIEW", "MATERIALIZED VIEW"])
async def test_postgres_says_which_view_is_in_the_way(
    kind: str, postgres_url: str, open_warehouse: "OpenWarehouse", family_loader: "FamilyLoader"
) -> None:
    warehouse = open_warehouse(postgres_url)
    await warehouse.prepare_import(THINGS, catalog={})
    loader = family_loader(warehouse)
    await loader.run(f"CREATE {kind} seen AS SELECT x FROM raw.things")
    longer = replace(THINGS, columns=(THINGS.columns[0], string(9)))
    with pytest.raises(InvalidContractError, match=r"changed: .*view seen .*REJECT_ROW") as caught:
        await warehouse.prepare_import(longer, catalog={})
    assert caught.value.metadata == {"table": "raw.things", "column": "x"}
    assert await warehouse.definition("raw.things") == THINGS
    await warehouse.close()


async def rows_of(loader: "Loader", statement: str) -> list[tuple[Any, ...]]:
    async with loader.warehouse._reading() as connection:
        return [tuple(row) for row in (await connection.execute(text(statement))).fetchall()]


async def test_a_rule_that_users_made_refuses_rows_in_words(loading: "Loading") -> None:
    loader = await loading.prepared(THINGS)
    await loader.run(f"CREATE UNIQUE INDEX one_of_each ON {loader._target('raw.things')} (n)")
    with pytest.raises(InvalidContractError, match=r"(?i)refuses: .*unique"):
        await loader.load("raw.things", ROWS)
    await loading.prepared(table_of(replace(ANY_TEXT, name="n"), string(5)))
    with pytest.raises(InvalidContractError, match=r"(?i)refuses: .*unique"):
        await loader.load("raw.things", ROWS)
    assert await loader.count("raw.things") == 0


async def test_sqlite_writes_no_table_anew_that_has_columns_of_others(
    tmp_path: Path, family_loader: "FamilyLoader"
) -> None:
    warehouse = SqliteWarehouse(tmp_path / "warehouse.sqlite")
    await warehouse.prepare_import(THINGS, catalog={})
    await family_loader(warehouse).run('ALTER TABLE "raw.things" ADD COLUMN note')
    with pytest.raises(InvalidContractError, match="others added it"):
        await warehouse.prepare_import(table_of(replace(ANY_TEXT, name="n")), catalog={})
    wider = replace(THINGS, columns=(*THINGS.columns, replace(DATE, name="d")))
    assert await warehouse.prepare_import(wider, catalog={}) == wider
    await warehouse.close()
