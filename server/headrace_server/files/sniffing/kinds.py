"""Types of columns whose values are typed already: those of JSON and XLSX."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal

from headrace_server.files.sniffing.cells import strict_type
from headrace_server.files.sniffing.columns import typed_column
from headrace_server.files.sniffing.findings import Column, ColumnType

_SURE_FROM = 20
#: what texts may be as a whole; a text of digits stays text
_IN_TEXT = {ColumnType.DATE, ColumnType.DATETIME, ColumnType.TIME, ColumnType.UUID}
#: the first that fits; the order matters as a bool is an int and a datetime a date
_KINDS: tuple[tuple[type, ColumnType], ...] = (
    (bool, ColumnType.BOOLEAN),
    (int, ColumnType.INTEGER),
    (float, ColumnType.FLOAT),
    (Decimal, ColumnType.FLOAT),
    (str, ColumnType.STRING),
    (datetime, ColumnType.DATETIME),
    (date, ColumnType.DATE),
    (time, ColumnType.TIME),
    (list, ColumnType.ARRAY),
    (dict, ColumnType.OBJECT),
)
#: kinds that may stand together, and what they are then
_WIDER = (
    ({ColumnType.INTEGER, ColumnType.FLOAT}, ColumnType.FLOAT),
    ({ColumnType.DATE, ColumnType.DATETIME}, ColumnType.DATETIME),
)


def column_of_values(name: str, values: Iterable[object]) -> Column:
    """Type a column by values of which none is None; kinds that do not fit together are MIXED."""
    listed = list(values)
    kinds = {kind_of(value) for value in listed}
    confidence = round(min(1.0, 0.5 + len(listed) / (2 * _SURE_FROM)), 2)
    if not kinds:
        return typed_column(name, ColumnType.EMPTY, [], 0.0)
    type_ = _together(kinds)
    texts = [value if isinstance(value, str) else str(value) for value in listed]
    if type_ is ColumnType.STRING:
        inner = strict_type(texts)
        type_ = inner if inner in _IN_TEXT else type_
    return typed_column(name, type_, texts, confidence)


def kind_of(value: object) -> ColumnType:
    """Return what one value is."""
    return next((kind for type_, kind in _KINDS if isinstance(value, type_)), ColumnType.STRING)


def _together(kinds: set[ColumnType]) -> ColumnType:
    if len(kinds) == 1:
        return next(iter(kinds))
    return next((wider for those, wider in _WIDER if kinds <= those), ColumnType.MIXED)


def keys_of(rows: Sequence[dict[str, object]]) -> list[str]:
    """Return the keys of all rows in the order in which they first appear."""
    return list(dict.fromkeys(key for row in rows for key in row))
