"""The tables that a catalog declares: created when missing, altered when that loses nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy.exc import DBAPIError
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
from headrace_server.warehouse.candidates import BYTE_OFFSET, LINE, NUMBER
from headrace_server.warehouse.definitions import (
    Definition,
    read_definitions,
    remember,
    shape,
)
from headrace_server.warehouse.dialect import Change, Dialect
from headrace_server.warehouse.sql import columns_of, execute, quote

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
            await create(connection, dialect, Definition(table), catalog)
            continue
        change = _change(before.table, table)
        if change is not None:
            await alter(connection, dialect, change, catalog)
        if change is not None or before.imported:
            # What a contract declares is no longer of imports only.
            await remember(
                connection, dialect, Definition(change.after if change else before.table)
            )


async def create(
    connection: AsyncConnection, dialect: Dialect, definition: Definition, catalog: Catalog
) -> None:
    """Create a table. Raises InvalidContractError."""
    table = definition.table
    if table.references and not table.primary_key:
        raise invalid(table.name, "", "a table without a primary key cannot refer to others")
    await dialect.create_schema(connection, table.name)
    if await dialect.is_taken(connection, table.name):
        raise invalid(table.name, "", "a table of that name is there that no contract made")
    statements = [create_table(dialect, table, catalog)]
    if table.references:
        statements += [*_parked_table(dialect, table), *dialect.gate(table.name)]
    with _saying_invalid(dialect, table.name, "cannot be created"):
        for statement in statements:
            await execute(connection, statement)
    await remember(connection, dialect, definition)


async def alter(
    connection: AsyncConnection,
    dialect: Dialect,
    change: Change,
    catalog: Catalog,
    *,
    way_out: str = "",
) -> None:
    """Change a table. Raises InvalidContractError, which ends with the way out."""
    columns = ",".join(column.name for column in (*change.added, *change.widened))
    with _saying_invalid(dialect, change.after.name, "cannot be changed", columns, way_out):
        await dialect.alter(connection, change, catalog)


@contextmanager
def _saying_invalid(
    dialect: Dialect, table: str, what: str, columns: str = "", way_out: str = ""
) -> Iterator[None]:
    """Raise InvalidContractError where the database has a reason of its own to refuse."""
    try:
        yield
    except DBAPIError as error:
        if (reason := dialect.why_refused(error)) is None:
            raise
        raise invalid(table, columns, f"{what}: {reason}{way_out}") from error


def create_table(
    dialect: Dialect, table: Table, catalog: Catalog, *, name: str | None = None
) -> str:
    """Statement that creates a user's table, under another (quoted) name if given."""
    lines = [_column_line(dialect, table, column) for column in table.columns]
    if table.primary_key:
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
        raise invalid(
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
        raise invalid(table.name, ",".join(table.primary_key), "the primary key cannot change")
    if set(before.references) != set(table.references):
        changed = set(before.references) ^ set(table.references)
        columns = ",".join(next(iter(changed)).columns)
        raise invalid(table.name, columns, "references of an existing table cannot change")
    old = {column.name: column for column in before.columns}
    new = {column.name: column for column in table.columns}
    added = tuple(c for c in table.columns if c.name not in old)
    for column in added:
        if not column.nullable:
            raise invalid(table.name, column.name, "a column added later must be nullable")
    merged = {name: _widest(table, old[name], new[name]) for name in old.keys() & new.keys()}
    widened = tuple(c for c in merged.values() if shape(c) != shape(old[c.name]))
    for column in before.columns:
        if column.name not in new and not column.nullable:
            raise invalid(table.name, column.name, "a required column cannot be taken away")
    if not added and not widened:
        return None
    kept = tuple(merged.get(column.name, column) for column in before.columns)
    return Change(before, replace(before, columns=kept + added), added, widened)


def _widest(table: Table, old: Column, new: Column) -> Column:
    """The column that holds what either declaration allows.

    A load goes on under the version it began with, so the table may be wider than declared.
    """
    if shape(old)[:1] + shape(old)[4:] != shape(new)[:1] + shape(new)[4:]:
        raise invalid(table.name, new.name, f"the type cannot change from {old.type.value}")
    return replace(
        new,
        nullable=old.nullable or new.nullable,
        max_length=max(old.max_length, new.max_length),
        precision=max(old.precision, new.precision),
    )


def invalid(table: str, column: str, description: str) -> InvalidContractError:
    """The error of a table, or of one of its columns."""
    field = f"tables[{table}].columns[{column}]" if column else f"tables[{table}]"
    return InvalidContractError(
        f"table {table!r}, column {column!r}: {description}",
        FieldViolation(field, description),
        table=table,
        column=column,
    )
