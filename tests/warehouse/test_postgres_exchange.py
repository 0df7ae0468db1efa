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


async def replaced(loader: "Loader", name: str = "new") -> bool:
    """Replace the rows; tells whether by a table of its own."""
    draft = await loader.warehouse.draft(PLACES, name)
    into = loader.with_catalog({draft.name: draft})
    await into.load(draft.name, [(2, "new"), (3, "new")], ingestion=name)
    before = await oid(loader)
    await loader.warehouse.replace(PLACES.name, name, 1)
    assert [row[:2] for row in await loader.rows(PLACES.name)] == [(2, "new"), (3, "new")]
    assert await loader.warehouse.drafts() == []
    assert await one(loader, "SELECT count(*) FROM pg_class WHERE relname = 'places'") == 1
    await loader.load(PLACES.name, [(3, "more")], ingestion=f"after {name}")
    return bool(await oid(loader) != before)


async def one(loader: "Loader", query: str) -> Any:
    async with loader.warehouse._reading() as connection:
        return (await connection.execute(text(query))).scalar()


async def oid(loader: "Loader") -> Any:
    return await one(loader, "SELECT CAST(CAST('raw.places' AS regclass) AS oid)")


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


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE VIEW seen AS SELECT n FROM raw.places",
        "CREATE INDEX ON raw.places (x)",
        "ALTER TABLE raw.places ADD CHECK (n > 0)",
        "ALTER TABLE raw.places ADD COLUMN note TEXT",
        "ALTER TABLE raw.places ALTER COLUMN x SET DEFAULT 'y'",
        "COMMENT ON COLUMN raw.places.x IS 'explained'",
        "ALTER TABLE raw.places ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE raw.places SET (fillfactor = 50)",
        "CREATE TABLE hung (n BIGINT REFERENCES raw.places)",
        "CREATE FUNCTION told(raw.places) RETURNS INTEGER LANGUAGE SQL RETURN 1",
        "GRANT SELECT (x) ON raw.places TO PUBLIC",
        "CREATE PUBLICATION everything FOR ALL TABLES",
        "CREATE STATISTICS known ON n, x FROM raw.places",
    ],
)
async def test_a_table_with_more_to_it_stays(loader: "Loader", statement: str) -> None:
    await loader.run(statement)
    assert not await replaced(loader)


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
