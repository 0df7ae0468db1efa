"""What sniffing finds: each answer with the confidence it deserves."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Finding(Generic[T]):
    """An answer."""

    value: T
    #: 0 for a guess, 1 for what was given or proven by the bytes
    confidence: float


def given(value: T) -> Finding[T]:
    """Return the answer of somebody who knows."""
    return Finding(value, 1.0)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How records and fields are told apart in text."""

    #: one character; None for a single column
    delimiter: str | None
    #: one character; None where no field is quoted
    quote: str | None
    #: one character before a quote that is data; None where quotes are doubled
    escape: str | None = None


class ColumnType(Enum):
    """What all values of a column are; the values are the names that a preview shows."""

    INTEGER = "integer"
    FLOAT = "float"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    UUID = "uuid"
    STRING = "string"
    #: lists and objects of JSON and Parquet
    ARRAY = "array"
    OBJECT = "object"
    #: values of several kinds
    MIXED = "mixed"
    #: no value in the sample
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    #: unique in the table; as in the header where there is one
    name: str
    type: ColumnType
    #: share of the sample that speaks for the type
    confidence: float
    #: SQL type that holds every value of the sample without loss
    sql_type: str
    #: strptime's directives where dates are not written as ISO 8601 says; else empty
    date_format: str = ""
    #: "," where that parts the digits of decimals
    decimal_mark: str = "."


@dataclass(frozen=True, slots=True)
class Table:
    """What was found out about delimited text."""

    encoding: Finding[str]
    dialect: Finding[Dialect]
    has_header: Finding[bool]
    #: "\\n", "\\r\\n", "\\r", or "mixed"; empty where there is one line
    line_terminator: str
    #: physical lines before the header, or before the data
    preamble_rows: int
    #: what lines that are no records begin with; None where there are none
    comment: str | None
    columns: tuple[Column, ...]
    #: records after the header in the sample, as their fields' text
    rows: list[list[str]] = field(repr=False)

    @property
    def confidence(self) -> float:
        """The confidence of the weakest link."""
        return min(self.encoding.confidence, self.dialect.confidence, self.has_header.confidence)
