"""The transformation of a mapping: renames, casts, sets constants and picks fields.

A scalar value is a constant; `{"from": FIELD, "cast": TYPE}` takes a field under a new name and,
if a type is given, as that type. Only the fields named are written; without any, all are.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isfinite
from typing import Any

from headrace_server.model.mapping import Record, Transformation

_TRUE = frozenset({"true", "t", "yes", "y", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "0"})


class TransformationError(ValueError):
    """A transformation makes no sense, or a record does not fit it; the words name the field."""


def check(transformation: Transformation) -> None:
    """Raise TransformationError where it is wrong whatever the records are."""
    for field, rule in transformation.items():
        if isinstance(rule, list) or (isinstance(rule, float) and not isfinite(rule)):
            raise TransformationError(f"field {field!r}: {rule!r} is no constant and no rule")
        if isinstance(rule, Mapping):
            _check_rule(field, rule)


def _check_rule(field: str, rule: Mapping[str, Any]) -> None:
    surplus = ", ".join(sorted(rule.keys() - {"from", "cast"}))
    if surplus:
        raise TransformationError(f"field {field!r}: {surplus} is unknown; use from and cast")
    if not isinstance(rule.get("from"), str):
        raise TransformationError(f"field {field!r}: from must name a field of the source")
    cast = rule.get("cast", "string")
    if not isinstance(cast, str) or cast not in _CASTS:
        known = ", ".join(_CASTS)
        raise TransformationError(f"field {field!r}: cast {cast!r} is unknown; use {known}")


def transformed(transformation: Transformation, record: Record) -> Record:
    """Return the fields that are written. Raises TransformationError that names the field."""
    if not transformation:
        return record
    return dict(_fields(transformation, record))


def _fields(transformation: Transformation, record: Record) -> Iterator[tuple[str, Any]]:
    for field, rule in transformation.items():
        if not isinstance(rule, Mapping):
            yield field, rule
            continue
        source = rule["from"]
        if source not in record:
            raise TransformationError(f"field {field!r}: the source has no field {source!r}")
        yield field, _cast(field, record[source], rule.get("cast"))


def _cast(field: str, value: Any, name: str | None) -> Any:
    if name is None or value is None:
        return value
    try:
        return _CASTS[name](value)
    except (ValueError, TypeError, OSError, ArithmeticError) as error:
        shown = repr(value)[:100]
        raise TransformationError(f"field {field!r}: {shown} is no {name}") from error


def _string(value: Any) -> str:
    if isinstance(value, dict | list):
        raise TypeError(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def _integer(value: Any) -> int:
    """Whole numbers, however they are written; nothing is rounded."""
    number = _decimal(value)
    # Not int() at once: an exponent may ask for more digits than there is memory.
    if number.adjusted() > _MOST_DIGITS or number != number.to_integral_value():
        raise ValueError(value)
    return int(number)


_MOST_DIGITS = 30


def _float(value: Any) -> float:
    number = float(_decimal(value))
    if not isfinite(number):
        raise ValueError(value)
    return number


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise TypeError(value)
    number = Decimal(value.strip() if isinstance(value, str) else str(value))
    if not number.is_finite():
        raise ValueError(value)
    return number


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = _string(value).strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError(value)
    return word in _TRUE


def _timestamp(value: Any) -> datetime:
    """ISO 8601 without zone means UTC; a number means seconds since 1970."""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return datetime.fromtimestamp(float(value), UTC)
    instant = datetime.fromisoformat(value)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _date(value: Any) -> date:
    return datetime.fromisoformat(value).date()


_CASTS: dict[str, Callable[[Any], Any]] = {
    "string": _string,
    "integer": _integer,
    "float": _float,
    "decimal": _decimal,
    "boolean": _boolean,
    "timestamp": _timestamp,
    "date": _date,
}
