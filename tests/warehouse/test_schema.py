"""Tables that a catalog declares, and what may become of them later."""

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from headrace_server.model.commerce import COMMERCE
from headrace_server.model.contract import Column, ColumnType, Reference, Table
from headrace_server.model.errors import InvalidContractError, NotFoundError
from headrace_server.model.warehouse import WarehouseColumn
from headrace_server.warehouse.sql_warehouse import SqlWarehouse

if TYPE_CHECKING:
    from warehouse.conftest import Integers, Loader, LoaderOf, OpenWarehouse

PETS = Table(
    "pets",
    (
        Column("id", ColumnType.INTEGER),
        Column("name", ColumnType.STRING, max_length=5),
        Column("weight", ColumnType.DECIMAL, precision=6, scale=2),
        Column("owner", ColumnType.INTEGER, nullable=True),
    ),
    ("id",),
    (Reference(("owner",), "owners"),),
)
OWNERS = Table("owners", (Column("id", ColumnType.INTEGER),), ("id",))


def with_column(name: str, **changes: object) -> Table:
    """PETS with one column changed."""
    columns = tuple(
        replace(column, **changes) if column.name == name else column  # type: ignore[arg-type]
        for column in PETS.columns
    )
    return replace(PETS, columns=columns)


@pytest.fixture
def pets(loader_of: "LoaderOf") -> "Loader":
    return loader_of({"owners": OWNERS, "pets": PETS})


async def test_tables_of_a_contract_are_made_once(warehouse: SqlWarehouse) -> None:
    catalog = {table.name: table for table in COMMERCE.tables}
    for _ in range(2):
        await warehouse.prepare(catalog)
        listed = [(table.schema, table.name) for table in await warehouse.list_tables()]
        assert listed == [
            ("public", name) for name in ("customers", "order_items", "orders", "products")
        ]


async def test_a_table_is_described(pets: "Loader") -> None:
    await pets.load("owners", [(1,), (2,)])
    await pets.load("pets", [(1, "Rex", "4.5", 1)], file_no=1)
    postgres = pets.warehouse.dialect == "postgresql"
    table = await pets.warehouse.describe_table("public", "pets")
    assert table.columns == (
        WarehouseColumn("id", "bigint" if postgres else "BIGINT", False, True, None),
        WarehouseColumn(
            "name", "character varying(5)" if postgres else "VARCHAR(5)", False, False, None
        ),
        WarehouseColumn(
            "weight", "numeric(6,2)" if postgres else "DECIMAL_TEXT(6, 2)", False, False, None
        ),
        WarehouseColumn("owner", "bigint" if postgres else "BIGINT", True, False, "owners.id"),
    )
    assert table.rows == 1
    entries = await pets.warehouse.committed("ing")
    assert table.updated_at == entries[1].committed_at
    assert [listed.rows for listed in await pets.warehouse.list_tables()] == [2, 1]
    assert table.size_bytes is None or table.size_bytes > 0


@pytest.mark.parametrize(
    ("schema", "name"),
    [("public", "nothing"), ("other", "pets"), ("headrace", "ledger"), ("public", "")],
)
async def test_what_is_not_there_or_ours_is_not_found(
    pets: "Loader", schema: str, name: str
) -> None:
    await pets.warehouse.prepare(pets.catalog)
    with pytest.raises(NotFoundError):
        await pets.warehouse.describe_table(schema, name)


async def test_names_need_no_care(loader_of: "LoaderOf") -> None:
    parent = Table('or"der: x', (Column("a:b", ColumnType.INTEGER),), ("a:b",))
    child = Table(
        "select",
        (Column("line", ColumnType.INTEGER), Column('the "x"', ColumnType.INTEGER)),
        ("line",),
        (Reference(('the "x"',), parent.name),),
    )
    loader = loader_of({parent.name: parent, child.name: child})
    await loader.load("select", [(1, 7), (2, 8)])
    await loader.load(parent.name, [(7,)], file_no=1)
    assert await loader.rows("select") == [(1, 7)]
    [parked] = await loader.kept(parked=True)
    assert parked.raw == '{"line": 2, "the \\"x\\"": 8}'


async def test_a_table_may_stand_in_a_schema(loader_of: "LoaderOf", integers: "Integers") -> None:
    loader = loader_of({"raw.things": integers("raw.things", "size")})
    await loader.load("raw.things", [(1, 2)])
    described = await loader.warehouse.describe_table("raw", "things")
    assert (described.schema, described.name, described.rows) == ("raw", "things", 1)
    assert described.updated_at is not None


async def test_a_later_version_may_ask_for_less(pets: "Loader") -> None:
    await pets.load("owners", [(1,)])
    await pets.load("pets", [(1, "Rex", "4.50", 1), (2, "Kim", "1.00", 8)], file_no=1)
    wider = with_column("name", max_length=200, nullable=True)
    wider = replace(
        wider, columns=(Column("colour", ColumnType.STRING, nullable=True), *wider.columns)
    )
    later = pets.with_catalog({"owners": OWNERS, "pets": wider})
    await later.load(
        "pets", [("red", 3, "R" * 200, "2.00", 1), (None, 4, None, "1.00", 9)], chunk=1
    )
    await later.load("owners", [(8,)], chunk=2)
    rows = await later.rows("pets")
    assert [tuple(map(str, row)) for row in rows] == [
        ("1", "Rex", "4.50", "1", "None"),
        ("2", "Kim", "1.00", "8", "None"),
        ("3", "R" * 200, "2.00", "1", "red"),
    ]
    assert await later.parked("pets") == 1
    described = await later.warehouse.describe_table("public", "pets")
    assert [column.name for column in described.columns][-1] == "colour"
    assert described.columns[1].nullable
    assert described.columns[3].references == "owners.id"


async def test_a_column_may_be_added_alone(pets: "Loader") -> None:
    await pets.load("pets", [(1, "Rex", "4.50", None)])
    added = replace(PETS, columns=(*PETS.columns, Column("x", ColumnType.FLOAT, nullable=True)))
    later = pets.with_catalog({"owners": OWNERS, "pets": added})
    await later.load("pets", [(2, "Kim", "1.00", 7, 0.5)], chunk=1)
    await later.load("owners", [(7,)], chunk=2)
    assert [row[-1] for row in await later.rows("pets")] == [None, 0.5]


@pytest.mark.parametrize(
    ("table", "column"),
    [
        (with_column("name", type=ColumnType.INTEGER), "name"),
        (with_column("weight", scale=3), "weight"),
        (replace(PETS, columns=(*PETS.columns, Column("x", ColumnType.UUID))), "x"),
        (replace(PETS, columns=(PETS.columns[0], *PETS.columns[2:])), "name"),
        (replace(PETS, primary_key=("id", "name")), "id,name"),
        (replace(PETS, references=()), "owner"),
    ],
)
async def test_an_impossible_change_is_refused(pets: "Loader", table: Table, column: str) -> None:
    await pets.load("pets", [(1, "Rex", "4.50", None)])
    with pytest.raises(InvalidContractError, match=r"table 'pets', column") as caught:
        await pets.warehouse.prepare({"owners": OWNERS, "pets": table})
    assert caught.value.metadata == {"table": "pets", "column": column}
    await pets.load("pets", [(2, "Kim", "1.00", None)], chunk=1)
    assert await pets.count("pets") == 2


@pytest.mark.parametrize(
    ("later", "row"),
    [
        (with_column("name", max_length=200), (4, "R" * 200, "1.00", 1)),
        (with_column("weight", precision=9), (4, "Rex", "1000000.00", 1)),
        (with_column("name", nullable=True), (4, None, "1.00", 1)),
        (
            replace(PETS, columns=(*PETS.columns, Column("x", ColumnType.DATE, nullable=True))),
            (4, "Rex", "1.00", 1, "2026-01-31"),
        ),
    ],
)
async def test_a_load_goes_on_under_the_version_it_began_with(
    pets: "Loader",
    open_warehouse: "OpenWarehouse",
    database_url: str,
    later: Table,
    row: tuple[object, ...],
) -> None:
    await pets.load("owners", [(1,)])
    await pets.load("pets", [(1, "Rex", "4.50", 1)], file_no=1)
    newer = pets.with_catalog({"owners": OWNERS, "pets": later})
    await newer.warehouse.prepare(newer.catalog)
    wide = await pets.warehouse.describe_table("public", "pets")
    other = open_warehouse(database_url)
    await pets.with_warehouse(other).load("pets", [(2, "Kim", "1.00", 1)], chunk=1)
    await other.close()
    await pets.load("pets", [(3, "Bob", "1.00", 1)], chunk=2)
    after = await pets.warehouse.describe_table("public", "pets")
    assert after.columns == wide.columns, "nothing shrinks"
    await newer.load("pets", [row], chunk=3)
    assert await pets.count("pets") == 4


async def test_a_nullable_column_may_be_forgotten(pets: "Loader") -> None:
    noted = replace(OWNERS, columns=(*OWNERS.columns, Column("n", ColumnType.DATE, nullable=True)))
    await pets.warehouse.prepare({"owners": noted})
    await pets.load("owners", [(1,)])
    assert await pets.rows("owners") == [(1, None)]


async def test_a_reference_must_lead_to_a_whole_key(
    warehouse: SqlWarehouse, integers: "Integers"
) -> None:
    orphan = integers("orphan", parent="nowhere")
    with pytest.raises(InvalidContractError) as caught:
        await warehouse.prepare({"orphan": orphan})
    assert caught.value.metadata == {"table": "orphan", "column": "parent"}


async def test_a_table_that_no_contract_made_is_left_alone(
    pets: "Loader",
) -> None:
    await pets.warehouse.prepare({})
    await pets.run("CREATE TABLE pets (x INTEGER)")
    with pytest.raises(InvalidContractError, match="no contract made"):
        await pets.warehouse.prepare(pets.catalog)
    assert [table.name for table in await pets.warehouse.list_tables()] == ["pets"]


async def test_the_database_itself_keeps_references(pets: "Loader") -> None:
    await pets.load("owners", [(1,)])
    await pets.load("pets", [(1, "Rex", "4.50", 1)], file_no=1)
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        await pets.run("DELETE FROM owners")
