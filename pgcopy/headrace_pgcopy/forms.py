"""What records look like, and the types of PostgreSQL that their fields are for."""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

#: what values are written with
_OF_VALUES = frozenset(
    "0123456789+-.: ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
)
_OF_LINES = frozenset("\0\r\n")


class Kind(IntEnum):
    """The form of a field's text; its name is that of PostgreSQL's type."""

    #: any UTF-8 text without NUL; VARCHAR, too
    TEXT = 0
    #: whole numbers of at most 18 digits without leading zeros
    INT8 = 1
    #: digits without leading zeros, with a point among them or without
    NUMERIC = 2
    #: likewise, at most 15 digits in all
    FLOAT8 = 3
    #: true or false, in small letters or capitals
    BOOL = 4
    #: 2011-01-31, of the years 1 to 9999
    DATE = 5
    #: 2011-01-31 23:59:59.123456; T may stand for the space, and the fraction be shorter or none
    TIMESTAMP = 6
    #: likewise with Z or an offset such as +01:00, of the years 1000 to 2999
    TIMESTAMPTZ = 7
    #: 23:59:59.123456
    TIME = 8
    #: hexadecimal digits in five groups
    UUID = 9


class Field(NamedTuple):
    """One field of each record."""

    kind: Kind
    #: characters of a TEXT at most, 0 for any; of a NUMERIC, digits before the point
    most: int = 0
    #: of a NUMERIC, digits after the point
    scale: int = 0


@dataclass(frozen=True, slots=True)
class RecordForm:
    """Records of delimited text, one a line; only quoted texts hold ends of lines."""

    fields: tuple[Field, ...]
    delimiter: str = ","
    #: around fields that may hold anything, where it is doubled; None where no field has any
    quote: str | None = '"'
    #: bytes of a record at most
    longest: int = 16 << 20

    def __post_init__(self) -> None:
        """Raise ValueError unless values cannot hold what parts them."""
        marks = [self.delimiter, *([] if self.quote is None else [self.quote])]
        taken = _OF_VALUES | _OF_LINES
        if not self.fields or len(set(marks)) < len(marks):
            raise ValueError(f"a record has fields, and different marks: {marks}")
        if any(len(mark) != 1 or not mark.isascii() or mark in taken for mark in marks):
            raise ValueError(f"delimiter and quote are one ASCII character of no value: {marks}")
