"""The tables that a catalog declares: created when missing, altered when that loses nothing."""

import json
from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.contract import (
    Column,
    ColumnType,
    Reference,
    Table,
    in_dependency_order,
)
from headrace_server.model.errors import FieldViolation, InvalidContractError
from headrace_server.model.warehouse import Catalog
from headrace_server.warehouse.bookkeeping import DEFINITIONS
from headrace_server.warehouse.dialect import BYTE_OFFSET, LINE, NUMBER, Change, Dialect
from headrace_server.warehouse.sql import columns_of, execute, quote, rows

#: most characters that are indexed together: an index entry of PostgreSQL holds 2,704 bytes, a
#: character takes up to 4
_MOST_INDEXED = 640


async def apply_catalog(connection: AsyncConnection, dialect: Dialect, catalog: Catalog) -> None:
    """Create and alter tables. The caller holds the lock that keeps other processes out.

    Raises InvalidContractError.
    """
    known = await read_definitions(connection, dialect)
    for table in in_dependency_order(catalog.values()):
        before = known.get(table.name)
        if before is None:
            await _create(connection, dialect, table, catalog)
        elif (change := _change(before, table)) is not None:
            await dialect.alter(connection, change, catalog)
            await _remember(connection, dialect, change.after)


async def read_definitions(connection: AsyncConnection, dialect: Dialect) -> dict[str, Table]:
    """The tables that were prepared so far, as they are, by name."""
    found = await rows(
        connection, f"SELECT table_name, definition FROM {dialect.system(DEFINITIONS)}"
    )
    return {row.table_name: _table(json.loads(row.definition)) for row in found}


async def _create(
    connection: AsyncConnection, dialect: Dialect, table: Table, catalog: Catalog
) -> None:
    if await dialect.is_taken(connection, table.name):
        raise _invalid(table.name, "", "a table of that name is there that no contract made")
    statements = [create_table(dialect, table, catalog)]
    if table.references:
        statements += [*_parked_table(dialect, table), *dialect.gate(table.name)]
    for statement in statements:
        await execute(connection, statement)
    await _remember(connection, dialect, table)


async def _remember(connection: AsyncConnection, dialect: Dialect, table: Table) -> None:
    await execute(
        connection,
        f"INSERT INTO {dialect.system(DEFINITIONS)} VALUES (:name, :definition)"
        " ON CONFLICT (table_name) DO UPDATE SET definition = excluded.definition",
        name=table.name,
        definition=json.dumps(_definition(table)),
    )


def create_table(
    dialect: Dialect, table: Table, catalog: Catalog, *, name: str | None = None
) -> str:
    """Statement that creates a user's table, under another (quoted) name if given."""
    lines = [_column_line(dialect, table, column) for column in table.columns]
    lines.append(f"PRIMARY KEY ({columns_of(table.primary_key)})")
    for reference in table.references:
        parent = _parent(table, reference, catalog)
        lines.append(
            f"FOREIGN KEY ({columns_of(reference.columns)}) "
            f"REFERENCES {dialect.target(parent.name)} ({columns_of(parent.primary_key)})"
        )
    return f"CREATE TABLE {name or dialect.target(table.name)} ({', '.join(lines)})"


def _column_line(dialect: Dialect, table: Table, column: Column) -> str:
    required = not column.nullable or column.name in table.primary_key
    return f"{quote(column.name)} {dialect.column_type(column)}{' NOT NULL' if required else ''}"


def _parent(table: Table, reference: Reference, catalog: Catalog) -> Table:
    parent = catalog.get(reference.table)
    if parent is None or len(parent.primary_key) != len(reference.columns):
        raise _invalid(
            table.name,
            ",".join(reference.columns),
            f"must refer to the whole primary key of a declared table, not to {reference.table!r}",
        )
    return parent


def _parked_table(dialect: Dialect, table: Table) -> list[str]:
    """The target's columns and where the row came from; found by key, by parent, by file."""
    parked = dialect.parked(table.name)
    columns = [f"{quote(c.name)} {dialect.column_type(c)}" for c in table.columns]
    statements = [
        (
            f"CREATE TABLE {parked} ({NUMBER} {dialect.numbered}, {', '.join(columns)},"
            ' "headrace.ingestion_id" TEXT NOT NULL, "headrace.file_no" INTEGER NOT NULL,'
            f' "headrace.run" INTEGER NOT NULL, {LINE} BIGINT NOT NULL,'
            f" {BYTE_OFFSET} BIGINT NOT NULL,"
            f' "headrace.parked_since" {dialect.instant} NOT NULL,'
            ' "headrace.missing_reference" INTEGER NOT NULL,'
            f" UNIQUE ({columns_of(table.primary_key)}))"
        ),
        dialect.create_index(
            parked, f"{table.name}.by_file", f'"headrace.ingestion_id", "headrace.file_no", {LINE}'
        ),
    ]
    for position, reference in enumerate(table.references):
        # Without an index a release reads them all; with one a long text could not be parked.
        if _length(table, reference) > _MOST_INDEXED:
            continue
        indexed = columns_of(reference.columns)
        name = f"{table.name}.by_reference_{position}"
        statements.append(dialect.create_index(parked, name, indexed))
    return statements


def _length(table: Table, reference: Reference) -> int:
    """Most characters of the texts of the referring columns together."""
    columns = map(table.column, reference.columns)
    return sum(column.max_length for column in columns if column.type is ColumnType.STRING)


def _change(before: Table, table: Table) -> Change | None:
    """The change that the declaration needs; None where the table is wide enough as it is."""
    if before.primary_key != table.primary_key:
        raise _invalid(table.name, ",".join(table.primary_key), "the primary key cannot change")
    if set(before.references) != set(table.references):
        changed = set(before.references) ^ set(table.references)
        columns = ",".join(next(iter(changed)).columns)
        raise _invalid(table.name, columns, "references of an existing table cannot change")
    old = {column.name: column for column in before.columns}
    new = {column.name: column for column in table.columns}
    added = tuple(c for c in table.columns if c.name not in old)
    for column in added:
        if not column.nullable:
            raise _invalid(table.name, column.name, "a column added later must be nullable")
    merged = {name: _widest(table, old[name], new[name]) for name in old.keys() & new.keys()}
    widened = tuple(c for c in merged.values() if _shape(c) != _shape(old[c.name]))
    for column in before.columns:
        if column.name not in new and not column.nullable:
            raise _invalid(table.name, column.name, "a required column cannot be taken away")
    if not added and not widened:
        return None
    kept = tuple(merged.get(column.name, column) for column in before.columns)
    return Change(before, replace(before, columns=kept + added), added, widened)


def _widest(table: Table, old: Column, new: Column) -> Column:
    """The column that holds what either declaration allows.

    A load goes on under the version it began with, so the table may be wider than declared.
    """
    if _shape(old)[:1] + _shape(old)[4:] != _shape(new)[:1] + _shape(new)[4:]:
        raise _invalid(table.name, new.name, f"the type cannot change from {old.type.value}")
    return replace(
        new,
        nullable=old.nullable or new.nullable,
        max_length=max(old.max_length, new.max_length),
        precision=max(old.precision, new.precision),
    )


def _shape(column: Column) -> tuple[Any, ...]:
    """What the database knows of a column: type, nullable, max_length, precision, scale."""
    text, decimal = column.type is ColumnType.STRING, column.type is ColumnType.DECIMAL
    return (
        column.type.value,
        column.nullable,
        column.max_length if text else None,
        column.precision if decimal else None,
        column.scale if decimal else None,
    )


def _definition(table: Table) -> dict[str, Any]:
    return {
        "name": table.name,
        "columns": [[column.name, *_shape(column)] for column in table.columns],
        "primary_key": table.primary_key,
        "references": [[reference.columns, reference.table] for reference in table.references],
    }


def _table(definition: dict[str, Any]) -> Table:
    return Table(
        name=definition["name"],
        columns=tuple(
            Column(
                name,
                ColumnType(kind),
                nullable=nullable,
                max_length=255 if max_length is None else max_length,
                precision=18 if precision is None else precision,
                scale=4 if scale is None else scale,
            )
            for name, kind, nullable, max_length, precision, scale in definition["columns"]
        ),
        primary_key=tuple(definition["primary_key"]),
        references=tuple(
            Reference(tuple(columns), table) for columns, table in definition["references"]
        ),
    )


def _invalid(table: str, column: str, description: str) -> InvalidContractError:
    field = f"tables[{table}].columns[{column}]" if column else f"tables[{table}]"
    return InvalidContractError(
        f"table {table!r}, column {column!r}: {description}",
        FieldViolation(field, description),
        table=table,
        column=column,
    )
