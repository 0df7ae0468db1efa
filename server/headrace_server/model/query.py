"""What a query answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any


class ValueKind(Enum):
    """What the values of a column are, whatever the database calls it."""

    #: str, as everything that has no kind of its own
    STRING = "STRING"
    #: int
    INTEGER = "INTEGER"
    #: Decimal; on SQLite int and float where a value is not kept as text
    DECIMAL = "DECIMAL"
    #: float
    FLOAT = "FLOAT"
    #: bool
    BOOLEAN = "BOOLEAN"
    #: datetime with a time zone; the database's text beyond Python's years
    TIMESTAMP = "TIMESTAMP"
    #: datetime without one, or text likewise
    DATETIME = "DATETIME"
    #: date, or text likewise
    DATE = "DATE"
    #: time
    TIME = "TIME"
    #: str: JSON as it is written
    JSON = "JSON"
    #: UUID
    UUID = "UUID"
    #: bytes
    BYTES = "BYTES"
    #: of one kind or another, row by row: SQLite's computed columns
    ANY = "ANY"


@dataclass(frozen=True, slots=True)
class QueryColumn:
    """One column of a result."""

    #: as the query names it; not always unique
    name: str
    #: SQL type in the words of the database; empty where SQLite cannot tell
    type: str
    kind: ValueKind


@dataclass(frozen=True, slots=True)
class QueryBatch:
    """One piece of a result; the first has the columns and no rows."""

    #: in the first piece only
    columns: tuple[QueryColumn, ...] = ()
    #: a value for each column, None for null; arrays are lists
    rows: tuple[tuple[Any, ...], ...] = ()
    #: whether this is the last piece
    last: bool = False
    #: in the last piece: whether there are more rows than were asked for
    truncated: bool = False


def unique_names(columns: Sequence[QueryColumn]) -> list[str]:
    """The names of columns; of those of one name each further one has a number after it."""
    names: list[str] = []
    taken = {column.name for column in columns}
    for column in columns:
        name, number = column.name, 2
        while name in names or (name != column.name and name in taken):
            name, number = f"{column.name}_{number}", number + 1
        names.append(name)
    return names
