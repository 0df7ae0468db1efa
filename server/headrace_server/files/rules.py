"""The rules a contract declares for a column: range, pattern, allowed values."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from json import dumps

import re2

from headrace_server.files.timestamps import date_text, datetime_text, time_text, utc_text
from headrace_server.files.value_fault import ValueFault, shown
from headrace_server.model.contract import Column, ColumnType
from headrace_server.model.errors import FieldViolation, InvalidContractError
from headrace_server.model.rows import RejectReason, Value

Rule = Callable[[Value], None]
"""Takes a value that is not null; raises ValueFault where it breaks the rule."""

_Comparable = Decimal | str

_ORDERED = {
    ColumnType.INTEGER,
    ColumnType.DECIMAL,
    ColumnType.FLOAT,
    ColumnType.TIMESTAMP,
    ColumnType.DATE,
    ColumnType.DATETIME,
    ColumnType.TIME,
}
#: as text they order as in time
_CALENDAR = {
    ColumnType.DATE: date_text,
    ColumnType.DATETIME: datetime_text,
    ColumnType.TIME: time_text,
}


def rule_of(column: Column) -> Rule | None:
    """Return all rules of the column as one, or None where it has none.

    Raises InvalidContractError where a bound or the pattern cannot be read.
    """
    rules: list[Rule] = []
    if column.allowed_values:
        rules.append(_allowed(column, frozenset(column.allowed_values)))
    if column.minimum is not None or column.maximum is not None:
        rules.append(_range(column))
    if column.pattern is not None:
        rules.append(_pattern(column, column.pattern))
    if len(rules) <= 1:
        return rules[0] if rules else None

    def check_all(value: Value) -> None:
        for rule in rules:
            rule(value)

    return check_all


def _allowed(column: Column, allowed: frozenset[str]) -> Rule:
    takes = shown(", ".join(column.allowed_values))

    def check(value: Value) -> None:
        if str(value) not in allowed:
            raise ValueFault(
                RejectReason.NOT_ALLOWED,
                f"{column.name} takes one of {takes}; found {_shown_value(value)}",
            )

    return check


def _range(column: Column) -> Rule:
    least = _bound(column, column.minimum, "minimum")
    greatest = _bound(column, column.maximum, "maximum")
    comparable = _comparable_of(column)

    def check(value: Value) -> None:
        found = comparable(str(value))
        if least is not None and found < least:  # type: ignore[operator]  # both of one type
            raise _out_of_bounds(column, value, f"at least {column.minimum}")
        if greatest is not None and found > greatest:  # type: ignore[operator]  # both of one type
            raise _out_of_bounds(column, value, f"at most {column.maximum}")

    return check


def _out_of_bounds(column: Column, value: Value, takes: str) -> ValueFault:
    return ValueFault(
        RejectReason.OUT_OF_RANGE, f"{column.name} takes {takes}; found {_shown_value(value)}"
    )


def _comparable_of(column: Column) -> Callable[[str], _Comparable]:
    """Return what maps a carried value, as text, to something that orders as the values do."""
    if column.type is ColumnType.TIMESTAMP:
        # Without the Z, a second orders before its fractions.
        return lambda text: utc_text(text)[:-1]
    return _CALENDAR.get(column.type, Decimal)


def _bound(column: Column, text: str | None, name: str) -> _Comparable | None:
    if text is None:
        return None
    if column.type not in _ORDERED:
        raise _invalid(column, name, f"{column.type.value} values have no order")
    try:
        bound = _comparable_of(column)(text)
    except (ValueError, InvalidOperation):
        raise _invalid(column, name, f"{text!r} is no bound of {column.type.value}") from None
    if isinstance(bound, Decimal) and not bound.is_finite():
        raise _invalid(column, name, f"{text!r} is not finite")
    return bound


def _pattern(column: Column, pattern: str) -> Rule:
    options = re2.Options()
    options.log_errors = False
    try:
        fullmatch = re2.compile(pattern, options).fullmatch
    except re2.error as error:
        raise _invalid(column, "pattern", f"{pattern!r} is no RE2 expression: {error}") from None

    def check(value: Value) -> None:
        if not fullmatch(value):
            raise ValueFault(
                RejectReason.PATTERN_MISMATCH,
                f"{column.name} takes text that matches {pattern}; found {_shown_value(value)}",
            )

    return check


def _shown_value(value: Value) -> str:
    return shown(dumps(value, ensure_ascii=False))


def _invalid(column: Column, field: str, description: str) -> InvalidContractError:
    return InvalidContractError(
        f"column {column.name}: {field}: {description}",
        FieldViolation(field, description),
        column=column.name,
    )
