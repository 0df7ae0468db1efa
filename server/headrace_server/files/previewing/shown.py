"""Values as JSON can say them without changing them."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from types import NoneType
from typing import Any

from headrace_server.files.previewing.request import MOST_CELL, MOST_SHOWN
from headrace_server.files.sniffing.findings import Column, ColumnType
from headrace_server.model.preview import Shown

#: beyond it not every integer is a double
_EXACT = 2**53
#: digits that every double of them prints again
_EXACT_DIGITS = 15
_DEEPEST = 20


class ShownRows:
    """Rows for an answer of bounded size."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._characters = 0
        #: what is shown
        self.rows: list[tuple[Shown, ...]] = []
        #: values that are longer than what is shown of them
        self.truncated = 0

    @property
    def full(self) -> bool:
        """Whether it takes no more rows."""
        return len(self.rows) >= self._limit or self._characters >= MOST_SHOWN

    def add_all(self, rows: Iterable[Sequence[Shown]]) -> None:
        """Take rows until it is full."""
        for row in rows:
            if self.full:
                return
            self.rows.append(tuple(map(self._bounded, row)))

    def _bounded(self, value: Shown) -> Shown:
        text = value if isinstance(value, str) else ""
        self._characters += len(text) or 8
        if isinstance(value, list | dict):
            text = str(value)
            self._characters += len(text)
        if len(text) <= MOST_CELL:
            return value
        self.truncated += 1
        self._characters -= len(text) - MOST_CELL
        return f"{text[:MOST_CELL]}…"


def shown_integer(value: int) -> Shown:
    """An integer, as text beyond 2^53."""
    return value if -_EXACT <= value <= _EXACT else str(value)


def shown_decimal(text: str) -> Shown:
    """A number where a double prints all its digits again, else its text."""
    digits = Decimal(text).normalize().as_tuple()
    number = float(text)
    if len(digits.digits) > _EXACT_DIGITS or not math.isfinite(number):
        return text
    return text if Decimal(repr(number)) != Decimal(text) else number


def shown_field(text: str, column: Column) -> Shown:
    """A field of delimited text as its column's type says; nothing where it is empty."""
    value = text.strip()
    if not value:
        return None
    if column.type is ColumnType.INTEGER:
        return shown_integer(int(value)) if len(value) < _EXACT_DIGITS * 2 else value
    if column.type is ColumnType.FLOAT:
        return shown_decimal(value.replace(",", ".") if column.decimal_mark == "," else value)
    if column.type is ColumnType.BOOLEAN:
        return value.lower() == "true"
    return text


def shown_value(value: object, depth: int = 0) -> Shown:
    """A value of JSON, XLSX or Parquet."""
    if isinstance(value, list | tuple | dict):
        return _shown_nest(value, depth + 1)
    for types, show in _SHOWN:
        if isinstance(value, types):
            return show(value)
    return str(value)


def _shown_nest(value: Sequence[object] | Mapping[object, object], depth: int) -> Shown:
    if depth > _DEEPEST:
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): shown_value(each, depth) for key, each in value.items()}
    return [shown_value(each, depth) for each in value]


def _shown_float(value: float) -> Shown:
    return value if math.isfinite(value) else str(value)


def _shown_number(value: Decimal) -> Shown:
    return shown_decimal(str(value)) if value.is_finite() else str(value)


def _shown_bytes(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.hex()


#: how values are shown, by the first type that fits
_SHOWN: tuple[tuple[Any, Callable[[Any], Shown]], ...] = (
    ((NoneType, bool, str), lambda value: value),
    (int, shown_integer),
    (float, _shown_float),
    (Decimal, _shown_number),
    ((datetime, date, time), lambda value: value.isoformat()),
    (bytes, _shown_bytes),
)
