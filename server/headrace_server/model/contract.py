"""Contracts: declared tables, columns, keys and references."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from graphlib import TopologicalSorter


class ColumnType(Enum):
    """The type of a column's values; `RowBlock` says how each is carried."""

    STRING = "STRING"
    UUID = "UUID"
    INTEGER = "INTEGER"
    DECIMAL = "DECIMAL"
    FLOAT = "FLOAT"
    BOOLEAN = "BOOLEAN"
    TIMESTAMP = "TIMESTAMP"
    DATE = "DATE"
    JSON = "JSON"
    DATETIME = "DATETIME"
    TIME = "TIME"


class UnknownColumns(Enum):
    """What becomes of a row that has a key no column declares."""

    REJECT = "REJECT"
    DISCARD = "DISCARD"
    RESCUE = "RESCUE"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its type and the rules its values obey."""

    #: name of the column, and of its key in the objects
    name: str
    #: type of the values
    type: ColumnType
    #: whether null and a missing key are allowed
    nullable: bool = False
    #: STRING: most characters
    max_length: int = 255
    #: DECIMAL: digits in all; 0 for as many as there are, on either side of the point
    precision: int = 18
    #: DECIMAL: digits after the point
    scale: int = 4
    #: numbers, timestamps, dates: least value, as text; None for no bound
    minimum: str | None = None
    #: numbers, timestamps, dates: greatest value, as text; None for no bound
    maximum: str | None = None
    #: STRING: RE2 expression the whole text matches; None for any
    pattern: str | None = None
    #: STRING, INTEGER: the only values allowed, as text; empty for any
    allowed_values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reference:
    """The columns hold the primary key of a row of the parent table, or a null."""

    #: referring columns, in the order of the parent's primary key
    columns: tuple[str, ...]
    #: parent table
    table: str


@dataclass(frozen=True, slots=True)
class Table:
    """One table; its name is the data type of the files that hold its rows."""

    #: name of the table
    name: str
    #: columns, in the order of the table
    columns: tuple[Column, ...]
    #: names of the primary key's columns; none in a table of imports whose rows nothing tells apart
    primary_key: tuple[str, ...]
    #: references to other tables or to this one
    references: tuple[Reference, ...] = ()
    #: what becomes of unknown keys
    unknown_columns: UnknownColumns = UnknownColumns.REJECT
    #: JSON column that takes unknown keys; set with RESCUE only
    rescue_column: str | None = None

    def column(self, name: str) -> Column:
        """Return the column of that name. Raises StopIteration where there is none."""
        return next(column for column in self.columns if column.name == name)


@dataclass(frozen=True, slots=True)
class Contract:
    """A set of tables declared together."""

    #: name, unique in the tenant
    name: str
    #: the tables
    tables: tuple[Table, ...]
    #: rises with each registration that changes something
    version: int = 1
    #: whether it ships with the server
    builtin: bool = False
    #: when this version was registered; None for built-in ones
    created_at: datetime | None = None


def in_dependency_order(tables: Iterable[Table]) -> list[Table]:
    """Order tables so that parents come before children; ties by name.

    Raises graphlib.CycleError where tables refer to each other in a circle (a table may refer to
    itself).
    """
    by_name: Mapping[str, Table] = {
        table.name: table for table in sorted(tables, key=lambda table: table.name)
    }
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for table in by_name.values():
        parents = {ref.table for ref in table.references} & by_name.keys() - {table.name}
        sorter.add(table.name, *sorted(parents))
    return [by_name[name] for name in sorter.static_order()]


def ancestors_of(table: Table, tables: Mapping[str, Table]) -> frozenset[str]:
    """Names of all tables that a table refers to, directly or not, itself left out."""
    found: set[str] = set()
    ahead = [table]
    while ahead:
        new = {ref.table for ref in ahead.pop().references} - found - {table.name}
        found |= new
        ahead += [tables[name] for name in new]
    return frozenset(found)
