"""What is known of a file when its rows are loaded."""

from dataclasses import replace
from pathlib import Path

from headrace_server.app import Core
from headrace_server.core.imports.planning import Planned
from headrace_server.core.imports.targets import table_of_file
from headrace_server.files.chunks import ChunkRange
from headrace_server.files.formats import Compression
from headrace_server.files.importing.plan import FilePlan, PlannedColumn
from headrace_server.model.contract import Table

from .conftest import CALLER

SQL_TYPES = (
    "BIGINT",
    "NUMERIC",
    "NUMERIC(6,2)",
    "DOUBLE PRECISION",
    "BOOLEAN",
    "DATE",
    "TIMESTAMP",
    "TIMESTAMP WITH TIME ZONE",
    "TIME",
    "UUID",
    "VARCHAR(5)",
    "TEXT",
    "JSONB",
)


CHUNK = ChunkRange(0, 0, 4, 1, 1)


def planned_of(*sql_types: str) -> tuple[Planned, Table]:
    columns = tuple(
        PlannedColumn(f"c{place}", place, f"c{place}", sql_type)
        for place, sql_type in enumerate(sql_types)
    )
    plan = FilePlan("csv", Compression.NONE, columns, encoding="utf-8", delimiter=",")
    table = table_of_file(plan, "raw.known")
    looked_at = table_of_file(plan, "file")
    return Planned(plan, Path(), cut=(CHUNK,), looked_at=looked_at), table


async def test_what_was_looked_at_is_known_to_the_table_made_for_it(core: Core) -> None:
    planned, table = planned_of(*SQL_TYPES)
    async with core.warehouses.use(CALLER.tenant_id) as warehouse:
        made = await warehouse.prepare_import(table, catalog={})
    assert planned.cut_for(made) == (CHUNK,)


async def test_it_is_where_columns_of_the_file_are_its_key(core: Core) -> None:
    planned, table = planned_of("BIGINT", "VARCHAR(5)")
    key = replace(table.columns[0], nullable=False)
    keyed = replace(table, columns=(key, *table.columns[1:]), primary_key=(key.name,))
    async with core.warehouses.use(CALLER.tenant_id) as warehouse:
        made = await warehouse.prepare_import(keyed, catalog={})
    assert planned.cut_for(made) == (CHUNK,)


async def test_it_is_not_to_one_of_other_types(core: Core) -> None:
    planned, table = planned_of("BIGINT", "VARCHAR(5)")
    wider = replace(table, columns=planned_of("BIGINT", "VARCHAR(6)")[1].columns)
    async with core.warehouses.use(CALLER.tenant_id) as warehouse:
        made = await warehouse.prepare_import(wider, catalog={})
    assert planned.cut_for(made) == (replace(CHUNK, binary_rows=None),)
