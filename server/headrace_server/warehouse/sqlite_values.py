"""Values of SQLite as Python has them, by the types that their columns were declared with."""

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from headrace_server.model.query import ValueKind

#: what a declared type begins with, with the kind of its values; the first that fits counts
_KINDS = (
    ("UUID", ValueKind.UUID),
    ("BOOL", ValueKind.BOOLEAN),
    ("TIMESTAMP", ValueKind.TIMESTAMP),
    ("DATETIME", ValueKind.DATETIME),
    ("DATE", ValueKind.DATE),
    ("TIME", ValueKind.TIME),
    ("JSON", ValueKind.JSON),
    ("DEC", ValueKind.DECIMAL),
    ("NUMERIC", ValueKind.DECIMAL),
    ("DOUBLE", ValueKind.FLOAT),
    ("FLOAT", ValueKind.FLOAT),
    ("REAL", ValueKind.FLOAT),
    ("BLOB", ValueKind.BYTES),
    ("INT", ValueKind.INTEGER),
    ("BIGINT", ValueKind.INTEGER),
    ("SMALLINT", ValueKind.INTEGER),
    ("TEXT", ValueKind.STRING),
    ("VARCHAR", ValueKind.STRING),
    ("CHAR", ValueKind.STRING),
)


def kind_of(declared: str) -> ValueKind:
    """The kind of a column's values; ANY where nothing was declared that we know."""
    kinds = (kind for start, kind in _KINDS if declared.upper().startswith(start))
    return next(kinds, ValueKind.ANY)


def _boolean(value: Any) -> Any:
    return bool(value) if value in (0, 1) else value


def _text_by(read: Callable[[str], Any]) -> Callable[[Any], Any]:
    """A reader of texts that leaves what it cannot read: SQLite holds nobody to a type."""

    def converted(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return read(value)
        except (ValueError, InvalidOperation):
            return value

    return converted


#: what makes a value of a kind of what SQLite keeps; those of other kinds are as they are kept
CONVERTERS: dict[ValueKind, Callable[[Any], Any]] = {
    ValueKind.UUID: _text_by(UUID),
    ValueKind.BOOLEAN: _boolean,
    ValueKind.TIMESTAMP: _text_by(datetime.fromisoformat),
    ValueKind.DATETIME: _text_by(datetime.fromisoformat),
    ValueKind.DATE: _text_by(date.fromisoformat),
    ValueKind.TIME: _text_by(time.fromisoformat),
    ValueKind.DECIMAL: _text_by(Decimal),
}
