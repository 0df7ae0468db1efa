"""Rows on their way from a file into a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

Value = str | int | float | bool | None


class RejectReason(Enum):
    """Why a row was kept aside; the names are those of the contract."""

    MALFORMED_JSON = "MALFORMED_JSON"
    NOT_AN_OBJECT = "NOT_AN_OBJECT"
    INVALID_UTF8 = "INVALID_UTF8"
    LINE_TOO_LONG = "LINE_TOO_LONG"
    MISSING_COLUMN = "MISSING_COLUMN"
    NULL_VALUE = "NULL_VALUE"
    UNKNOWN_COLUMN = "UNKNOWN_COLUMN"
    DUPLICATE_COLUMN = "DUPLICATE_COLUMN"
    WRONG_TYPE = "WRONG_TYPE"
    INVALID_VALUE = "INVALID_VALUE"
    TOO_LONG = "TOO_LONG"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    PATTERN_MISMATCH = "PATTERN_MISMATCH"
    NOT_ALLOWED = "NOT_ALLOWED"
    NUL_CHARACTER = "NUL_CHARACTER"
    MISSING_PARENT = "MISSING_PARENT"
    WRONG_FIELD_COUNT = "WRONG_FIELD_COUNT"


@dataclass(frozen=True, slots=True)
class RowBlock:
    """Valid rows by column, in the order of their lines.

    How each type is carried (None is null everywhere):
    STRING str · UUID str, 36 characters, lower case · INTEGER int within 64 bits ·
    DECIMAL str, plain digits with optional sign and point, as exact as the source, never an
    exponent · FLOAT float, finite · BOOLEAN bool ·
    TIMESTAMP str, UTC, `YYYY-MM-DDTHH:MM:SS[.ffffff]Z` · DATE str, `YYYY-MM-DD` ·
    JSON str, one JSON text as it came · DATETIME str, `YYYY-MM-DDTHH:MM:SS[.ffffff]`, of no zone ·
    TIME str, `HH:MM:SS[.ffffff]`. No text holds a NUL character.
    """

    #: line of each row in its file, from 1
    lines: Sequence[int]
    #: first byte of each row's line in its file
    byte_offsets: Sequence[int]
    #: one sequence per column of the table, in the table's order
    columns: Sequence[Sequence[Value]]


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """One line that breaks the contract."""

    #: line in the file, from 1
    line: int
    #: first byte of the line in the file
    byte_offset: int
    #: column at fault; None when the whole line is
    column: str | None
    #: why
    reason: RejectReason
    #: why, in words, with what would be right
    message: str
    #: the line as it came; bytes that are not UTF-8, and NUL, as \xNN
    raw: str
    #: whether raw is only the beginning
    raw_truncated: bool = False
