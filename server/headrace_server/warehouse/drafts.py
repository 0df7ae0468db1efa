"""Rows that an import brings to replace a table's: kept in a draft until all of them are there."""

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.contract import Table
from headrace_server.model.errors import WrongStateError
from headrace_server.warehouse.bookkeeping import LEDGER, REJECTS, REPLACEMENTS
from headrace_server.warehouse.definitions import (
    Definition,
    find_definition,
    forget,
    read_definitions,
)
from headrace_server.warehouse.dialect import Dialect
from headrace_server.warehouse.import_tables import apply_import, make
from headrace_server.warehouse.schema import invalid
from headrace_server.warehouse.sql import execute, rows


async def draft(
    connection: AsyncConnection, dialect: Dialect, table: Table, import_id: str
) -> Definition:
    """See `Warehouse.draft`. The caller holds the lock on definitions."""
    target = await _replaceable(connection, dialect, table.name)
    if await _was_replaced(connection, dialect, import_id):
        return target
    name = dialect.draft(import_id)
    drafted = replace(target.table, name=name)
    if await find_definition(connection, dialect, name) is not None:
        return await apply_import(connection, dialect, drafted)
    return await make(connection, dialect, Definition(drafted, imported=True, draft_of=table.name))


async def _replaceable(connection: AsyncConnection, dialect: Dialect, name: str) -> Definition:
    """The definition of a table that neither refers to others nor is referred to."""
    definitions = await read_definitions(connection, dialect)
    if name not in definitions:
        raise WrongStateError(f"there is no table {name!r} to replace: prepare it first")
    tables = [definition.table for definition in definitions.values()]
    pairs = [(table.name, reference.table) for table in tables for reference in table.references]
    if related := [pair for pair in pairs if name in pair]:
        child, parent = related[0]
        raise invalid(name, "", f"its rows cannot be replaced: {child!r} refers to {parent!r}")
    return definitions[name]


async def replace_rows(
    connection: AsyncConnection, dialect: Dialect, name: str, import_id: str
) -> None:
    """See `Warehouse.replace`. The caller holds the lock on definitions, and the fence."""
    if await _was_replaced(connection, dialect, import_id):
        return
    drafted = dialect.draft(import_id)
    if await find_definition(connection, dialect, drafted, "UPDATE") is None:
        raise WrongStateError(f"import {import_id!r} has no draft to replace rows with")
    target = await _replaceable(connection, dialect, name)
    # Merges into the table wait, and those under way have ended.
    await find_definition(connection, dialect, name, "UPDATE")
    await apply_import(connection, dialect, replace(target.table, name=drafted))
    await dialect.exchange(connection, target.table, drafted)
    await forget(connection, dialect, drafted)
    await _add_replacement(connection, dialect, import_id, drafted, name)


async def drop(connection: AsyncConnection, dialect: Dialect, import_id: str) -> None:
    """See `Warehouse.drop_draft`. The caller holds the lock on definitions."""
    name = dialect.draft(import_id)
    if await find_definition(connection, dialect, name, "UPDATE") is not None:
        await execute(connection, f"DROP TABLE {dialect.target(name)}")
        await forget(connection, dialect, name)
        await _forget_chunks(connection, dialect, import_id, name)


async def _forget_chunks(
    connection: AsyncConnection, dialect: Dialect, ingestion_id: str, draft: str
) -> None:
    """Strike off all chunks of an ingestion, and what they rejected, if rows went with its draft.

    Where all rows were rejected none did, and the rejects may still be replayed.
    """
    lost = await rows(
        connection,
        f"SELECT 1 FROM {dialect.system(LEDGER)} WHERE ingestion_id = :ingestion_id"
        " AND table_name = :draft AND rows_loaded > 0 LIMIT 1",
        ingestion_id=ingestion_id,
        draft=draft,
    )
    for name in (LEDGER, REJECTS) if lost else ():
        await execute(
            connection,
            f"DELETE FROM {dialect.system(name)} WHERE ingestion_id = :ingestion_id",
            ingestion_id=ingestion_id,
        )


async def _was_replaced(connection: AsyncConnection, dialect: Dialect, ingestion_id: str) -> bool:
    """Whether the rows of an ingestion have taken the place of a table's."""
    found = await rows(
        connection,
        f"SELECT 1 FROM {dialect.system(REPLACEMENTS)} WHERE ingestion_id = :ingestion_id",
        ingestion_id=ingestion_id,
    )
    return bool(found)


async def _add_replacement(
    connection: AsyncConnection, dialect: Dialect, ingestion_id: str, draft: str, table: str
) -> None:
    """Note that they have; the chunks of the draft are the table's from now on."""
    given = {"ingestion_id": ingestion_id, "table_name": table}
    await execute(
        connection,
        f"INSERT INTO {dialect.system(REPLACEMENTS)} VALUES (:ingestion_id, :table_name)",
        **given,
    )
    await execute(
        connection,
        f"UPDATE {dialect.system(LEDGER)} SET table_name = :table_name"
        " WHERE ingestion_id = :ingestion_id AND table_name = :draft",
        **given,
        draft=draft,
    )
