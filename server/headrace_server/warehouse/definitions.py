"""What was prepared so far: each table as it stands, and what it is for."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.contract import Column, ColumnType, Reference, Table
from headrace_server.warehouse.bookkeeping import DEFINITIONS
from headrace_server.warehouse.dialect import Dialect
from headrace_server.warehouse.sql import execute, rows
from headrace_server.warehouse.widening import is_unbounded


@dataclass(frozen=True, slots=True)
class Definition:
    """A table of ours in the warehouse."""

    #: the table as it stands
    table: Table
    #: whether it is of imports only, whose columns may change their types
    imported: bool = False
    #: table whose rows its own are to replace; None where it is no draft
    draft_of: str | None = None


async def read_definitions(
    connection: AsyncConnection, dialect: Dialect, names: Sequence[str] | None = None
) -> dict[str, Definition]:
    """Those of the tables that are named, of all tables if none are, by the table's name."""
    condition, given = "", {}
    if names is not None:
        given = {f"name_{place}": name for place, name in enumerate(names)}
        condition = f" WHERE table_name IN ({', '.join(f':{each}' for each in given)})"
    found = await rows(
        connection,
        f"SELECT table_name, definition FROM {dialect.system(DEFINITIONS)}{condition}",
        **given,
    )
    return {row.table_name: _definition(json.loads(row.definition)) for row in found}


async def find_definition(
    connection: AsyncConnection, dialect: Dialect, name: str, lock: str = ""
) -> Definition | None:
    """The definition of one table.

    Who merges may lock it with SHARE, so that the table stays as it is until the transaction ends;
    who changes the table locks it with UPDATE first.
    """
    locking = dialect.locking(lock, "d") if lock else ""
    found = await rows(
        connection,
        f"SELECT d.definition FROM {dialect.system(DEFINITIONS)} AS d"
        f" WHERE d.table_name = :name {locking}",
        name=name,
    )
    return _definition(json.loads(found[0].definition)) if found else None


async def remember(connection: AsyncConnection, dialect: Dialect, definition: Definition) -> None:
    """Note how a table stands now."""
    await execute(
        connection,
        f"INSERT INTO {dialect.system(DEFINITIONS)} VALUES (:name, :definition)"
        " ON CONFLICT (table_name) DO UPDATE SET definition = excluded.definition",
        name=definition.table.name,
        definition=json.dumps(_document(definition)),
    )


async def forget(connection: AsyncConnection, dialect: Dialect, name: str) -> None:
    """Strike off a table that is gone."""
    await execute(
        connection,
        f"DELETE FROM {dialect.system(DEFINITIONS)} WHERE table_name = :name",
        name=name,
    )


async def names_after(connection: AsyncConnection, dialect: Dialect, prefix: str) -> list[str]:
    """What follows the prefix in the names of tables that begin with it."""
    found = await rows(
        connection,
        f"SELECT substr(table_name, {len(prefix) + 1}) FROM {dialect.system(DEFINITIONS)}"
        f" WHERE substr(table_name, 1, {len(prefix)}) = :prefix ORDER BY table_name",
        prefix=prefix,
    )
    return [row[0] for row in found]


def shape(column: Column) -> tuple[Any, ...]:
    """What the database knows of a column: type, nullable, max_length, precision, scale."""
    text, decimal = column.type is ColumnType.STRING, column.type is ColumnType.DECIMAL
    return (
        column.type.value,
        column.nullable,
        column.max_length if text else None,
        column.precision if decimal else None,
        column.scale if decimal and not is_unbounded(column) else None,
    )


def bare(column: Column) -> Column:
    """The column with nothing but what the database knows."""
    return _column(column.name, *shape(column))


def _column(
    name: str,
    kind: str,
    nullable: bool,
    max_length: int | None,
    precision: int | None,
    scale: int | None,
) -> Column:
    return Column(
        name,
        ColumnType(kind),
        nullable=nullable,
        max_length=255 if max_length is None else max_length,
        precision=18 if precision is None else precision,
        scale=4 if scale is None else scale,
    )


def _document(definition: Definition) -> dict[str, Any]:
    table = definition.table
    return {
        "name": table.name,
        "columns": [[column.name, *shape(column)] for column in table.columns],
        "primary_key": table.primary_key,
        "references": [[reference.columns, reference.table] for reference in table.references],
        "imported": definition.imported,
        "draft_of": definition.draft_of,
    }


def _definition(document: dict[str, Any]) -> Definition:
    # Those of earlier versions were of contracts, and no drafts.
    return Definition(_table(document), document.get("imported", False), document.get("draft_of"))


def _table(document: dict[str, Any]) -> Table:
    return Table(
        name=document["name"],
        columns=tuple(_column(*described) for described in document["columns"]),
        primary_key=tuple(document["primary_key"]),
        references=tuple(
            Reference(tuple(columns), table) for columns, table in document["references"]
        ),
    )
