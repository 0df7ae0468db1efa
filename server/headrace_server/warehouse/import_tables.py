"""Tables of imports: made, and widened along with what the files bring."""

import re
from collections import Counter
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.contract import Column, Table
from headrace_server.model.errors import StaleAttemptError, WrongStateError
from headrace_server.warehouse.definitions import (
    Definition,
    bare,
    find_definition,
    remember,
    shape,
)
from headrace_server.warehouse.dialect import Change, Dialect
from headrace_server.warehouse.schema import alter, create, invalid
from headrace_server.warehouse.widening import is_stored_alike, widest

#: bytes of PostgreSQL's longest name, and columns of its widest table
_LONGEST_NAME, _MOST_COLUMNS = 63, 1600
#: ours, and those of the engines
_RESERVED_TABLES = re.compile(r"(headrace(_.*)?|pg_.*|information_schema)\..*|headrace|sqlite_.*")
#: of a table whose columns others read
_WAY_OUT = "; drop what is in the way, or import with options.type_changes REJECT_ROW"
_RESERVED_COLUMNS = re.compile(r"headrace\..*|cmax|cmin|ctid|tableoid|xmax|xmin")


def standing(table: Table, definition: Definition) -> Table:
    """The table as it stands, with what the declaration says of unknown columns."""
    return replace(
        definition.table,
        columns=tuple(map(bare, definition.table.columns)),
        unknown_columns=table.unknown_columns,
        rescue_column=table.rescue_column,
    )


async def apply_import(connection: AsyncConnection, dialect: Dialect, table: Table) -> Definition:
    """Create or widen a table of imports; returns how it stands.

    The caller holds the lock that keeps other processes out. Raises InvalidContractError.
    """
    found = await find_definition(connection, dialect, table.name, "UPDATE")
    if found is None:
        return await make(connection, dialect, Definition(table, imported=True))
    change = import_change(found, table)
    if change is None:
        return found
    catalog = {table.name: change.after}
    await alter(connection, dialect, change, catalog, way_out=_WAY_OUT)
    changed = replace(found, table=change.after)
    await remember(connection, dialect, changed)
    return changed


async def make(connection: AsyncConnection, dialect: Dialect, made: Definition) -> Definition:
    """Create a table of imports. Raises InvalidContractError."""
    if made.draft_of is None:
        _check_name(made.table.name)
    _check_columns(made.table)
    await create(connection, dialect, made, {made.table.name: made.table})
    return made


def import_change(found: Definition, table: Table) -> Change | None:
    """The change that the table needs to take rows of the declared one; None where it needs none.

    Raises InvalidContractError.
    """
    _check_columns(table)
    before = found.table
    if not found.imported:
        raise invalid(table.name, "", "is a contract's: only its contract changes it")
    if before.primary_key != table.primary_key:
        raise invalid(table.name, ",".join(table.primary_key), "the primary key cannot change")
    old = {column.name for column in before.columns}
    new = {column.name: column for column in table.columns}
    added = tuple(column for column in table.columns if column.name not in old)
    for column in added:
        if not column.nullable:
            raise invalid(table.name, column.name, "a column added later must be nullable")
    kept = tuple(_kept(before, column, new.get(column.name)) for column in before.columns)
    pairs = zip(kept, before.columns, strict=True)
    widened = tuple(now for now, column in pairs if shape(now) != shape(column))
    if not added and not widened:
        return None
    after = replace(before, columns=kept + added)
    _check_columns(after)
    return Change(before, after, added, widened)


def _kept(before: Table, column: Column, declared: Column | None) -> Column:
    """A column as it shall be; one that is not declared may be null from now on."""
    in_key = column.name in before.primary_key
    if declared is None and in_key:
        raise invalid(before.name, column.name, "a column of the primary key cannot be left out")
    kept = replace(column, nullable=True) if declared is None else widest(column, declared)
    return replace(kept, nullable=column.nullable) if in_key else kept


def _check_name(table: str) -> None:
    if _RESERVED_TABLES.fullmatch(table.lower()):
        raise invalid(table, "", "the name is reserved: choose another schema or table")
    for part in table.rsplit(".", 1):
        if not 0 < len(part.encode()) <= _LONGEST_NAME or "\0" in part:
            raise invalid(table, "", f"names of schema and table have 1 to {_LONGEST_NAME} bytes")


def _check_columns(table: Table) -> None:
    if table.references:
        raise invalid(table.name, "", "a table of imports refers to no other")
    if not 0 < len(table.columns) <= _MOST_COLUMNS:
        raise invalid(table.name, "", f"a table has 1 to {_MOST_COLUMNS} columns")
    for column in table.columns:
        if not 0 < len(column.name.encode()) <= _LONGEST_NAME or "\0" in column.name:
            raise invalid(table.name, column.name, f"names have 1 to {_LONGEST_NAME} bytes")
        if _RESERVED_COLUMNS.fullmatch(column.name.lower()):
            raise invalid(table.name, column.name, "the name is reserved: choose another")
    # SQLite tells no capitals from small letters.
    [(name, times)] = Counter(column.name.lower() for column in table.columns).most_common(1)
    if times > 1:
        raise invalid(table.name, name, "two columns differ in capital letters only")


def plain_name(table: str) -> str:
    """The name as definitions have it: what stands in `public` needs no schema."""
    return table.removeprefix("public.")


async def find_made(connection: AsyncConnection, dialect: Dialect, name: str) -> Table | None:
    """The table of that name as it stands, None where there is none.

    Raises WrongStateError where the name is another's.
    """
    found = await find_definition(connection, dialect, name)
    if found is not None and found.draft_of is None:
        return found.table
    if _RESERVED_TABLES.fullmatch(name.lower()):
        raise WrongStateError(f"the name {name!r} is reserved: choose another schema or table")
    if await dialect.is_taken(connection, name):
        raise WrongStateError(f"{name!r} is there and was made by others: choose another table")
    return None


async def hold_standing(connection: AsyncConnection, dialect: Dialect, table: Table) -> Definition:
    """The table as it stands, and stays until the transaction ends, for rows of the given one.

    Raises StaleAttemptError where it is gone, InvalidContractError where it cannot take the rows.
    """
    found = await find_definition(connection, dialect, table.name, "SHARE")
    if found is None:
        raise StaleAttemptError(f"the table {table.name!r} is gone: its import has ended")
    now = {column.name: column for column in found.table.columns}
    for column in table.columns:
        if column.name not in now:
            raise invalid(table.name, column.name, "the table has no such column: prepare it first")
        taking = now[column.name]
        if not is_stored_alike(widest(column, taking), taking):
            raise invalid(table.name, column.name, "the column is of another type: prepare it")
    return found


def is_as_staged(table: Table, now: Table) -> bool:
    """Whether the table keeps values as they were staged for the given one."""
    columns = {column.name: column for column in now.columns}
    return all(is_stored_alike(column, columns[column.name]) for column in table.columns)
