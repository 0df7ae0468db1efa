"""Values as texts, where a file has no better form for them."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

#: what spreadsheets take for the beginning of a formula
FORMULA_MARKS = frozenset("=+-@")


def text_of(value: Any) -> str:
    """A value as text: moments in ISO 8601, in UTC if they have a zone; bytes as hexadecimal."""
    write = _WRITERS.get(type(value))
    if write is not None:
        return write(value)
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, default=text_of, ensure_ascii=False)
    return str(value)


def is_formula_like(text: str) -> bool:
    """Whether a spreadsheet might take a text for a formula, also behind white space."""
    return text.lstrip()[:1] in FORMULA_MARKS if text.strip() else False


def _moment(value: datetime) -> str:
    return (value if value.tzinfo is None else value.astimezone(UTC)).isoformat(" ")


def _float(value: float) -> str:
    if value - value == 0:
        return repr(value)
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"  # noqa: PLR0124


def _decimal(value: Decimal) -> str:
    return format(value, "f") if value.is_finite() else _float(float(value))


_WRITERS: dict[type, Callable[[Any], str]] = {
    str: lambda value: value,
    bool: lambda value: "true" if value else "false",
    int: str,
    float: _float,
    Decimal: _decimal,
    datetime: _moment,
    date: date.isoformat,
    time: time.isoformat,
    bytes: bytes.hex,
}
