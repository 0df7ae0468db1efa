"""What a column's rules must satisfy to make sense for its type."""

import math
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import re2

from headrace_server.files.timestamps import date_text, datetime_text, time_text, utc_text
from headrace_server.model.contract import Column, ColumnType

#: attribute of the column, and what would be right
Fault = tuple[str, str]

#: longest text in characters: the most that a PostgreSQL varchar declares
MAX_LENGTH = 10_485_760
#: most digits of a number: the most that a PostgreSQL numeric declares
MAX_PRECISION = 1000

_INT64 = range(-(2**63), 2**63)
_UNSET = Column("", ColumnType.STRING)
#: rules that only some types take
_TAKEN_BY: dict[str, frozenset[ColumnType]] = {
    "max_length": frozenset({ColumnType.STRING}),
    "precision": frozenset({ColumnType.DECIMAL}),
    "scale": frozenset({ColumnType.DECIMAL}),
    "pattern": frozenset({ColumnType.STRING}),
    "allowed_values": frozenset({ColumnType.STRING, ColumnType.INTEGER}),
    "minimum": frozenset(
        {
            ColumnType.INTEGER,
            ColumnType.DECIMAL,
            ColumnType.FLOAT,
            ColumnType.TIMESTAMP,
            ColumnType.DATE,
            ColumnType.DATETIME,
            ColumnType.TIME,
        }
    ),
}
_TAKEN_BY["maximum"] = _TAKEN_BY["minimum"]


def column_faults(column: Column) -> Iterator[Fault]:
    """Yield each rule of the column that does not fit its type or the other rules."""
    misplaced = list(_misplaced(column))
    yield from misplaced
    if not misplaced:
        yield from _size_faults(column)
        yield from _bound_faults(column)
        yield from _pattern_faults(column)
        yield from _allowed_value_faults(column)


def _misplaced(column: Column) -> Iterator[Fault]:
    for rule, types in _TAKEN_BY.items():
        if column.type not in types and getattr(column, rule) != getattr(_UNSET, rule):
            takers = ", ".join(sorted(type_.value for type_ in types))
            yield rule, f"is a rule for {takers}; leave it out for {column.type.value}"


def _size_faults(column: Column) -> Iterator[Fault]:
    if not 1 <= column.max_length <= MAX_LENGTH:
        yield "max_length", f"must be from 1 to {MAX_LENGTH}"
    if not 1 <= column.precision <= MAX_PRECISION:
        yield "precision", f"must be from 1 to {MAX_PRECISION}"
    if not 0 <= column.scale <= column.precision:
        yield "scale", f"must be from 0 to the precision, {column.precision}"


def _bound_faults(column: Column) -> Iterator[Fault]:
    bounds: dict[str, Any] = {}
    for rule in ("minimum", "maximum"):
        text = getattr(column, rule)
        if text is None:
            continue
        try:
            bounds[rule] = _BOUND_PARSERS[column.type](text)
        except ValueError:
            yield rule, f"must be {_BOUND_FORMS[column.type]}, not {text!r}"
    if len(bounds) == len(("minimum", "maximum")) and bounds["minimum"] > bounds["maximum"]:
        yield "minimum", f"must not be above the maximum, {column.maximum!r}"


def _pattern_faults(column: Column) -> Iterator[Fault]:
    if column.pattern is None:
        return
    try:
        _compile(column.pattern)
    except re2.error as error:
        reason = error.args[0]
        words = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        yield "pattern", f"must be an RE2 expression: {words}"


def _allowed_value_faults(column: Column) -> Iterator[Fault]:
    for position, value in enumerate(column.allowed_values):
        reason = _why_never_allowed(column, value)
        if reason is not None:
            yield f"allowed_values[{position}]", f"{value!r} can never occur: {reason}"


def _why_never_allowed(column: Column, value: str) -> str | None:
    if column.type is ColumnType.INTEGER:
        return _why_no_integer(column, value)
    if len(value) > column.max_length:
        return f"it is longer than {column.max_length} characters"
    if "\0" in value:
        return "it holds a NUL character"
    return _why_no_match(column, value)


def _why_no_integer(column: Column, value: str) -> str | None:
    try:
        number = _integer(value)
    except ValueError:
        return f"it is not {_BOUND_FORMS[ColumnType.INTEGER]}"
    if str(number) != value:
        return f"it is written {number}"
    try:
        least = number if column.minimum is None else _integer(column.minimum)
        greatest = number if column.maximum is None else _integer(column.maximum)
    except ValueError:
        return None  # a bound that does not parse is a fault of its own
    return None if least <= number <= greatest else "it is outside the bounds"


def _why_no_match(column: Column, value: str) -> str | None:
    if column.pattern is None:
        return None
    try:
        matched = _compile(column.pattern).fullmatch(value)
    except re2.error:
        return None  # a pattern that does not compile is a fault of its own
    return None if matched else "it does not match the pattern"


def _compile(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options=options)


def _matching(form: str, text: str) -> str:
    if re.fullmatch(form, text, re.ASCII) is None:
        raise ValueError(text)
    return text


def _integer(text: str) -> int:
    value = int(_matching(r"-?\d+", text))
    if value not in _INT64:
        raise ValueError(text)
    return value


def _decimal(text: str) -> Decimal:
    return Decimal(_matching(r"-?\d+(\.\d+)?", text))


def _float(text: str) -> float:
    value = float(_matching(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", text))
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _timestamp(text: str) -> str:
    # Without the Z, a second orders before its fractions.
    return utc_text(text).removesuffix("Z")


_BOUND_PARSERS: dict[ColumnType, Callable[[str], Any]] = {
    ColumnType.INTEGER: _integer,
    ColumnType.DECIMAL: _decimal,
    ColumnType.FLOAT: _float,
    ColumnType.TIMESTAMP: _timestamp,
    ColumnType.DATE: date_text,
    ColumnType.DATETIME: datetime_text,
    ColumnType.TIME: time_text,
}
_BOUND_FORMS: dict[ColumnType, str] = {
    ColumnType.INTEGER: "a whole number of 64 bits",
    ColumnType.DECIMAL: "a number in plain digits, such as -0.5",
    ColumnType.FLOAT: "a finite number",
    ColumnType.TIMESTAMP: "an RFC 3339 instant, such as 2026-01-31T23:59:59Z",
    ColumnType.DATE: "a day, such as 2026-01-31",
    ColumnType.DATETIME: "a moment of no zone, such as 2026-01-31T23:59:59",
    ColumnType.TIME: "a time of day, such as 23:59:59",
}
