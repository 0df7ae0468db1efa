"""When a draft takes the place of a table as a whole, and when its rows are written into it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from headrace_server.model.contract import Column, ColumnType, Table

if TYPE_CHECKING:
    from warehouse.conftest import FamilyLoader, Loader, OpenWarehouse

PLACES = Table(
    "raw.places",
    (
        Column("n", ColumnType.INTEGER),
        Column("x", ColumnType.STRING, nullable=True, max_length=5),
    ),
    ("n",),
)


@pytest.fixture
async def loader(
    postgres_url: str, open_warehouse: "OpenWarehouse", family_loader: "FamilyLoader"
) -> AsyncIterator["Loader"]:
    warehouse = open_warehouse(postgres_url)
    loader = family_loader(warehouse).with_catalog({PLACES.name: PLACES})
    await warehouse.prepare_import(PLACES, catalog={})
    await loader.load(PLACES.name, [(1, "old"), (2, "old")], ingestion="before")
    yield loader
    await warehouse.close()


async def replaced(loader: "Loader", name: str = "new", table: Table = PLACES) -> bool:
    """Replace the rows; tells whether by a table of its own."""
    draft = await loader.warehouse.draft(table, name)
    into = loader.with_catalog({draft.name: draft, table.name: table})
    await into.load(draft.name, [(2, "new"), (3, "new")], ingestion=name)
    before = await oid(loader, table)
    await loader.warehouse.replace(table.name, name, 1)
    assert [row[:2] for row in await into.rows(table.name)] == [(2, "new"), (3, "new")]
    assert await loader.warehouse.drafts() == []
    await into.load(table.name, [(3, "more")], ingestion=f"after {name}")
    return bool(await oid(loader, table) != before)


async def one(loader: "Loader", query: str) -> Any:
    async with loader.warehouse._reading() as connection:
        return (await connection.execute(text(query))).scalar()


async def oid(loader: "Loader", table: Table) -> Any:
    return await one(loader, f"SELECT CAST(CAST('{table.name}' AS regclass) AS oid)")


async def test_a_table_that_is_all_ours_is_put_away(loader: "Loader") -> None:
    query = (
        "SELECT string_agg(conname, ' ' ORDER BY conname) FROM pg_constraint"
        " WHERE conrelid = CAST('raw.places' AS regclass)"
    )
    constraints = await one(loader, query)
    wider = replace(PLACES, columns=(PLACES.columns[0], replace(PLACES.columns[1], max_length=9)))
    await loader.warehouse.prepare_import(wider, catalog={})
    for name in ("new", "newer"):
        assert await replaced(loader, name)
    assert await one(loader, query) == constraints
    assert "places_pkey" in constraints


async def test_rights_stay(loader: "Loader") -> None:
    await loader.run(
        'CREATE ROLE "a\\:reader"',
        'GRANT SELECT ON raw.places TO "a\\:reader" WITH GRANT OPTION',
        "GRANT INSERT ON raw.places TO PUBLIC",
    )
    query = (
        "SELECT array_agg((a.grantee, a.privilege_type, a.is_grantable) ORDER BY a)"
        " FROM pg_class AS c, aclexplode(c.relacl) AS a WHERE c.relname = 'places'"
    )
    rights = str(await one(loader, query))
    assert await replaced(loader)
    assert str(await one(loader, query)) == rights
    await loader.run('DROP OWNED BY "a\\:reader"', 'DROP ROLE "a\\:reader"')


#: on a table
MORE = [
    "CREATE VIEW seen AS SELECT n FROM {0}",
    "CREATE INDEX ON {0} (x)",
    "ALTER TABLE {0} ADD CHECK (n > 0)",
    "ALTER TABLE {0} ADD COLUMN note TEXT",
    "ALTER TABLE {0} ALTER COLUMN x SET DEFAULT 'y'",
    "COMMENT ON COLUMN {0}.x IS 'explained'",
    "ALTER TABLE {0} ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE {0} SET (fillfactor = 50)",
    "CREATE TABLE hung (n BIGINT REFERENCES {0})",
    "CREATE FUNCTION told({0}) RETURNS INTEGER LANGUAGE SQL RETURN 1",
    "GRANT SELECT (x) ON {0} TO PUBLIC",
    "CREATE STATISTICS known ON n, x FROM {0}",
    # From now on this is true of every table.
    "CREATE PUBLICATION everything FOR ALL TABLES",
]


async def test_a_table_with_more_to_it_stays(loader: "Loader") -> None:
    for n, statement in enumerate(MORE):
        table = replace(PLACES, name=f"raw.places_{n}")
        await loader.warehouse.prepare_import(table, catalog={})
        await loader.run(statement.format(table.name))
        assert not await replaced(loader, f"new{n}", table), statement


async def test_an_older_snapshot_goes_on_seeing_its_rows(loader: "Loader") -> None:
    async with loader.warehouse._reading() as connection:
        await connection.execute(text("SELECT count(*) FROM headrace.ledger"))
        assert not await replaced(loader)
        found = await connection.execute(text("SELECT * FROM raw.places ORDER BY 1"))
        assert [tuple(row) for row in found] == [(1, "old"), (2, "old")]
    assert await replaced(loader, "newer")


async def test_who_reads_for_long_is_not_waited_for(loader: "Loader") -> None:
    async with loader.warehouse._writing() as connection:
        await connection.execute(text("SELECT * FROM raw.places"))
        assert not await replaced(loader)
