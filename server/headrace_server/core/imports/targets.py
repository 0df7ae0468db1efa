"""The table for a file's rows: a contract's, or what is there and the file together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from headrace_server.files.importing.plan import FilePlan
from headrace_server.model.contract import Column, ColumnType, Table, UnknownColumns
from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.file_import import (
    RESCUE_COLUMN,
    ImportMode,
    ImportOptions,
    NewColumns,
    TypeChanges,
)


def table_of_file(plan: FilePlan, name: str) -> Table:
    """Return the table that the file's own columns make."""
    return Table(name, plan.table_columns(), ())


@dataclass(frozen=True, slots=True)
class Target:
    """What an import asks of its table."""

    #: as the warehouse shall have it
    table: Table
    mode: ImportMode


def contract_target(declared: Table, plan: FilePlan, options: ImportOptions) -> Target:
    """Check that a file fits a table that a contract declares; its rows are merged by their key.

    Raises InvalidFieldError.
    """
    if options.mode in {ImportMode.APPEND, ImportMode.REPLACE}:
        raise InvalidFieldError.of(
            "options.mode",
            f"{declared.name} is a contract's table: its rows are told apart by their key; use "
            "UPSERT, or another target_table",
        )
    if options.data_types:
        raise InvalidFieldError.of(
            "data_types", f"the types of {declared.name} are declared by its contract"
        )
    known = {column.name for column in declared.columns}
    names = {column.name for column in plan.columns}
    missing = [c.name for c in declared.columns if not c.nullable and c.name not in names]
    if missing:
        raise InvalidFieldError.of(
            "file_path", f"{declared.name} needs the columns {_listed(missing)}, the file has not"
        )
    unknown = [column.source for column in plan.columns if column.name not in known]
    if unknown and declared.unknown_columns is UnknownColumns.REJECT:
        raise InvalidFieldError.of(
            "file_path", f"{declared.name} has no columns {_listed(unknown)}, and takes no others"
        )
    return Target(declared, ImportMode.UPSERT)


def imported_target(
    before: Table | None, plan: FilePlan, options: ImportOptions, name: str
) -> Target:
    """Return the table that imports make: of what is there, and of the file.

    Raises InvalidFieldError where the options do not allow it.
    """
    ours = table_of_file(plan, name)
    if not ours.columns:
        raise InvalidFieldError.of("file_path", "the file holds no columns")
    key = _key(before, plan, options)
    mode = _mode(before, key, options)
    columns = ours.columns if before is None else _together(before, plan, ours, options)
    rescue = _rescue(before, plan, options)
    if rescue and all(column.name != RESCUE_COLUMN for column in columns):
        columns = (*columns, Column(RESCUE_COLUMN, ColumnType.JSON, nullable=True))
    columns = tuple(
        replace(column, nullable=False) if column.name in key else column for column in columns
    )
    table = Table(
        name,
        columns,
        key,
        unknown_columns=UnknownColumns.RESCUE if rescue else UnknownColumns.DISCARD,
        rescue_column=RESCUE_COLUMN if rescue else None,
    )
    return Target(table, mode)


def _key(before: Table | None, plan: FilePlan, options: ImportOptions) -> tuple[str, ...]:
    names = plan.names_of("key_columns", options.key_columns)
    if before is None:
        return names
    if names and set(names) != set(before.primary_key):
        has = _listed(before.primary_key) if before.primary_key else "none"
        raise InvalidFieldError.of("options.key_columns", f"the key of {before.name} is {has}")
    return before.primary_key


def _mode(before: Table | None, key: Sequence[str], options: ImportOptions) -> ImportMode:
    if options.mode is ImportMode.UPSERT and not key:
        raise InvalidFieldError.of(
            "options.key_columns", "UPSERT needs the columns that tell rows apart"
        )
    if options.mode is ImportMode.APPEND and key:
        raise InvalidFieldError.of(
            "options.mode",
            f"{before.name if before else 'the table'} has a key: rows are told apart by "
            f"{_listed(key)}; use UPSERT or REPLACE",
        )
    return options.mode or (ImportMode.UPSERT if key else ImportMode.APPEND)


def _together(
    before: Table, plan: FilePlan, ours: Table, options: ImportOptions
) -> tuple[Column, ...]:
    """What the table has, wide enough for the file where that is wanted, and what is new."""
    wanted = {column.name: column for column in ours.columns}
    given = {column.name for column in plan.columns if column.given}
    widens = options.type_changes is TypeChanges.WIDEN
    columns = [
        wanted[column.name]
        if column.name in wanted and (widens or column.name in given)
        else column
        for column in before.columns
    ]
    known = {column.name for column in before.columns}
    new = [column for column in ours.columns if column.name not in known]
    if new and options.new_columns is NewColumns.REJECT:
        raise InvalidFieldError.of(
            "file_path",
            f"{before.name} has no columns {_listed(column.name for column in new)}; "
            "options.new_columns says to refuse such files",
        )
    return (*columns, *(new if options.new_columns is NewColumns.ADD else ()))


def _rescue(before: Table | None, plan: FilePlan, options: ImportOptions) -> bool:
    if before is None or options.new_columns is not NewColumns.RESCUE:
        return False
    known = {column.name for column in before.columns}
    return any(column.name not in known for column in plan.columns)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
