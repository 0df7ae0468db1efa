"""What a contract must satisfy on its own, before any data."""

import re
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError
from typing import TypeVar

from headrace_server.core.contracts.column_rules import column_faults
from headrace_server.model.contract import (
    Column,
    ColumnType,
    Contract,
    Reference,
    Table,
    UnknownColumns,
    in_dependency_order,
)
from headrace_server.model.errors import FieldViolation, InvalidContractError

H = TypeVar("H", bound=Hashable)

#: most characters of the texts of a primary key together; an index entry of PostgreSQL holds
#: 2,704 bytes, a character takes up to 4
MAX_KEY_LENGTH = 640

_TABLE_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_COLUMN_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
#: names of the service's own tables, of those of SQLite and of PostgreSQL
_RESERVED_TABLES = re.compile(r"(headrace|sqlite_|pg_).*")
#: names of the service's own columns, and of those PostgreSQL has in every table
_RESERVED_COLUMNS = re.compile(r"headrace.*|cmax|cmin|ctid|tableoid|xmax|xmin")
_NO_KEY = frozenset({ColumnType.JSON, ColumnType.FLOAT})


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with a contract."""

    #: path in the request
    field: str
    #: what would be right
    description: str
    #: table at fault
    table: str
    #: column at fault; None when it is the table
    column: str | None = None


@dataclass(frozen=True, slots=True)
class TablePlace:
    """A table and where in the contract it stands."""

    #: position among the contract's tables
    index: int
    table: Table

    def finding(self, path: str, description: str, column: str | None = None) -> Finding:
        """Return the finding about `path` under this table, such as ".name"."""
        field = f"contract.tables[{self.index}]{path}"
        return Finding(field, description, self.table.name, column)


def check(contract: Contract) -> None:
    """Raise InvalidContractError, with a violation for each fault, where it contradicts itself."""
    refuse([*_findings(contract)])


def refuse(findings: Sequence[Finding]) -> None:
    """Raise InvalidContractError with these findings, if there are any."""
    if not findings:
        return
    first = findings[0]
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    violations = [FieldViolation(finding.field, finding.description) for finding in findings]
    raise InvalidContractError(
        f"{first.field}: {first.description}{more}",
        *violations,
        table=first.table,
        **({"column": first.column} if first.column else {}),
    )


def places(contract: Contract) -> list[TablePlace]:
    """Return the tables with their places, in the order of the contract."""
    return [TablePlace(index, table) for index, table in enumerate(contract.tables)]


def _findings(contract: Contract) -> Iterator[Finding]:
    by_name = {table.name: table for table in contract.tables}
    seen: set[str] = set()
    for place in places(contract):
        if place.table.name in seen:
            yield place.finding(".name", f"{place.table.name!r} is declared twice")
        seen.add(place.table.name)
        yield from _table_name_findings(place)
        yield from _column_findings(place)
        yield from _key_findings(place)
        yield from _reference_findings(place, by_name)
        yield from _rescue_findings(place)
    yield from _circle_findings(contract)


def _table_name_findings(place: TablePlace) -> Iterator[Finding]:
    reason = _why_bad_name(place.table.name, _TABLE_NAME, _RESERVED_TABLES)
    if reason is not None:
        yield place.finding(".name", reason)


def _why_bad_name(name: str, form: re.Pattern[str], reserved: re.Pattern[str]) -> str | None:
    if form.fullmatch(name) is None:
        return f"{name!r} must match {form.pattern}"
    if reserved.fullmatch(name) is not None:
        return f"{name!r} is reserved: choose another name"
    return None


def _column_findings(place: TablePlace) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, column in enumerate(place.table.columns):
        path = f".columns[{index}]"
        if column.name in seen:
            yield place.finding(f"{path}.name", f"{column.name!r} is declared twice", column.name)
        seen.add(column.name)
        reason = _why_bad_name(column.name, _COLUMN_NAME, _RESERVED_COLUMNS)
        if reason is not None:
            yield place.finding(f"{path}.name", reason, column.name)
        for rule, description in column_faults(column):
            yield place.finding(f"{path}.{rule}", description, column.name)


def _key_findings(place: TablePlace) -> Iterator[Finding]:
    table = place.table
    if not table.primary_key:
        yield place.finding(".primary_key", "must name at least one column")
    twice = _twice(table.primary_key)
    for index, name in enumerate(table.primary_key):
        reason = _why_no_key(_column(table, name))
        if reason is None and name in twice:
            reason = "is named twice"
        if reason is not None:
            yield place.finding(f".primary_key[{index}]", f"{name!r} {reason}", name)
    if _key_length(table) > MAX_KEY_LENGTH:
        yield place.finding(
            ".primary_key",
            f"its texts may have {MAX_KEY_LENGTH} characters together: lower their max_length",
        )


def _why_no_key(column: Column | None) -> str | None:
    if column is None:
        return "is no column of the table"
    if column.nullable:
        return "is nullable, a column of the primary key may not be"
    if column.type in _NO_KEY:
        return f"is of type {column.type.value}, which cannot be a key"
    return None


def _key_length(table: Table) -> int:
    columns = (_column(table, name) for name in table.primary_key)
    return sum(
        column.max_length for column in columns if column and column.type is ColumnType.STRING
    )


def _reference_findings(place: TablePlace, by_name: Mapping[str, Table]) -> Iterator[Finding]:
    twice = _twice(place.table.references)
    for index, reference in enumerate(place.table.references):
        path = f".references[{index}]"
        if reference in twice:
            yield place.finding(path, f"to {reference.table!r} is declared twice")
        unknown = [name for name in reference.columns if _column(place.table, name) is None]
        for name in unknown:
            yield place.finding(f"{path}.columns", f"{name!r} is no column of the table", name)
        for name in sorted(_twice(reference.columns)):
            yield place.finding(f"{path}.columns", f"{name!r} is named twice", name)
        parent = by_name.get(reference.table)
        if parent is None:
            yield place.finding(
                f"{path}.table", f"{reference.table!r} is no table of this contract"
            )
        elif not unknown:
            yield from _parent_findings(place, path, reference, parent)


def _parent_findings(
    place: TablePlace, path: str, reference: Reference, parent: Table
) -> Iterator[Finding]:
    key = ", ".join(parent.primary_key)
    if len(reference.columns) != len(parent.primary_key):
        yield place.finding(
            f"{path}.columns",
            f"must be as many as the primary key of {parent.name!r} has, in its order: {key}",
        )
        return
    for index, names in enumerate(zip(reference.columns, parent.primary_key, strict=True)):
        column, target = _column(place.table, names[0]), _column(parent, names[1])
        if column and target and _shape(column) != _shape(target):
            yield place.finding(
                f"{path}.columns[{index}]",
                f"{column.name!r} is of type {_shape(column)}, but the column it refers to, "
                f"{parent.name}.{target.name}, is of type {_shape(target)}",
                column.name,
            )
        elif column and target and _exceeds(column, target):
            yield place.finding(
                f"{path}.columns[{index}]",
                f"{column.name!r} may have {column.max_length} characters, but the column it "
                f"refers to, {parent.name}.{target.name}, only {target.max_length}: what is "
                "longer could never match; declare both alike",
                column.name,
            )
    if parent.name == place.table.name and not _may_be_null(place.table, reference):
        yield place.finding(
            f"{path}.columns",
            "must be nullable where a table refers to itself: its first row refers to nothing",
            reference.columns[0],
        )


def _shape(column: Column) -> str:
    # Two scales write one number in two ways, which SQLite would hold for two keys.
    decimal = column.type is ColumnType.DECIMAL
    return f"DECIMAL of scale {column.scale}" if decimal else column.type.value


def _exceeds(column: Column, target: Column) -> bool:
    return column.type is ColumnType.STRING and column.max_length > target.max_length


def _may_be_null(table: Table, reference: Reference) -> bool:
    return any(table.column(name).nullable for name in reference.columns)


def _rescue_findings(place: TablePlace) -> Iterator[Finding]:
    table, name = place.table, place.table.rescue_column
    if table.unknown_columns is not UnknownColumns.RESCUE:
        if name is not None:
            yield place.finding(".rescue_column", "goes with unknown_columns RESCUE only", name)
        return
    column = None if name is None else _column(table, name)
    if column is None or column.type is not ColumnType.JSON or not column.nullable:
        yield place.finding(
            ".rescue_column", "must name a nullable column of type JSON of this table", name
        )


def _circle_findings(contract: Contract) -> Iterator[Finding]:
    try:
        in_dependency_order(contract.tables)
    except CycleError as error:
        circle: list[str] = error.args[1]
        place = next(place for place in places(contract) if place.table.name == circle[-1])
        yield place.finding(
            ".references",
            f"the tables refer to each other in a circle, so none can be loaded first: "
            f"{' -> '.join(reversed(circle))}; drop one of these references",
        )


def _column(table: Table, name: str) -> Column | None:
    return next((column for column in table.columns if column.name == name), None)


def _twice(items: Sequence[H]) -> set[H]:
    return {item for item, count in Counter(items).items() if count > 1}
