"""What the columns of a table are called and of which types they are."""

from collections.abc import Iterable, Sequence

from headrace_server.files.sniffing.cells import (
    are_decimal_commas,
    day_formats,
    moment_formats,
    strict_type,
)
from headrace_server.files.sniffing.findings import Column, ColumnType
from headrace_server.files.sniffing.records import Record
from headrace_server.model.errors import TooLargeError

#: columns that a table may have
MOST_COLUMNS = 5000
_MOST_BIGINT_DIGITS = 18
_MOST_VARCHAR = 255
_SURE_FROM = 20

_SQL_TYPES = {
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.DATE: "DATE",
    ColumnType.DATETIME: "TIMESTAMP",
    ColumnType.TIME: "TIME",
    ColumnType.UUID: "UUID",
    ColumnType.ARRAY: "JSON",
    ColumnType.OBJECT: "JSON",
    ColumnType.MIXED: "JSON",
}


def check_columns(count: int) -> None:
    """Raise TooLargeError for more columns than are taken."""
    if count > MOST_COLUMNS:
        limit = str(MOST_COLUMNS)
        raise TooLargeError(f"the file has {count} columns; {limit} are taken at most", limit=limit)


def unique_names(names: Sequence[str], width: int) -> list[str]:
    """Name every column: nameless ones by their place, repeated ones with a number."""
    given = [name or f"column_{place + 1}" for place, name in enumerate(names)]
    given += [f"column_{place + 1}" for place in range(len(given), width)]
    taken = set(given)
    numbers: dict[str, int] = {}
    unique = []
    for name in given:
        own = name
        number = numbers.get(name, 0) + 1
        while number > 1 and own in taken:
            own = f"{name}_{number}"
            number += own in taken
        numbers[name] = number
        taken.add(own)
        unique.append(own)
    return unique


def sniff_columns(names: Sequence[str], body: Sequence[Record]) -> tuple[Column, ...]:
    """Type the columns by all records; every value must fit, and what is in doubt is text.

    Quoted numbers are text where the same table has others that are not quoted.
    """
    quoting_tells = _some_numbers_are_plain(body, len(names))
    return tuple(
        _column(name, place, body, quoting_tells=quoting_tells) for place, name in enumerate(names)
    )


def _some_numbers_are_plain(body: Sequence[Record], width: int) -> bool:
    if not any(record.quoted for record in body):
        return False
    numbers = {ColumnType.INTEGER, ColumnType.FLOAT}
    return any(
        strict_type(plain) in numbers
        for place in range(width)
        if (plain := [value for value, quoted in _values(body, place) if not quoted])
        and len(plain) * 2 > len(body)
    )


def _values(body: Sequence[Record], place: int) -> Iterable[tuple[str, bool]]:
    """The values of a column that are there, each with whether it was quoted."""
    for record in body:
        if place < len(record) and (value := record[place].strip()):
            yield value, place in record.quoted


def _column(name: str, place: int, body: Sequence[Record], *, quoting_tells: bool) -> Column:
    pairs = list(_values(body, place))
    values = [value for value, _ in pairs]
    if quoting_tells and pairs and all(quoted for _, quoted in pairs):
        numeric = strict_type(values) in {ColumnType.INTEGER, ColumnType.FLOAT}
        if numeric:
            return typed_column(name, ColumnType.STRING, values, 0.9)
    return column_of(name, values)


def column_of(name: str, values: Sequence[str]) -> Column:
    """Type a column by its values as text, none of them empty."""
    confidence = round(min(1.0, 0.5 + len(values) / (2 * _SURE_FROM)), 2)
    type_ = strict_type(values)
    if type_ is ColumnType.EMPTY:
        return typed_column(name, type_, values, 0.0)
    if type_ is not None:
        return typed_column(name, type_, values, confidence)
    for formats, day_type in (
        (day_formats(values), ColumnType.DATE),
        (moment_formats(values), ColumnType.DATETIME),
    ):
        if formats:
            sure = confidence if len(formats) == 1 else confidence / 2
            return typed_column(name, day_type, values, sure, date_format=formats[0])
    if are_decimal_commas(values):
        return typed_column(name, ColumnType.FLOAT, values, confidence, decimal_mark=",")
    return typed_column(name, ColumnType.STRING, values, confidence)


def typed_column(
    name: str,
    type_: ColumnType,
    values: Sequence[str],
    confidence: float,
    *,
    date_format: str = "",
    decimal_mark: str = ".",
) -> Column:
    """Describe a column whose type is known."""
    return Column(
        name,
        type_,
        confidence,
        _sql_type(type_, values),
        date_format=date_format,
        decimal_mark=decimal_mark,
    )


def _sql_type(type_: ColumnType, values: Sequence[str]) -> str:
    """The narrowest of the usual SQL types that loses nothing of the values."""
    if type_ is ColumnType.INTEGER:
        digits = max((len(value.lstrip("+-")) for value in values), default=0)
        return "BIGINT" if digits <= _MOST_BIGINT_DIGITS else "NUMERIC"
    if type_ is ColumnType.FLOAT:
        exponents = any("e" in value.lower() for value in values)
        return "DOUBLE PRECISION" if exponents else "NUMERIC"
    if type_ in {ColumnType.STRING, ColumnType.EMPTY}:
        longest = max(map(len, values), default=0)
        return f"VARCHAR({_MOST_VARCHAR})" if longest <= _MOST_VARCHAR else "TEXT"
    if type_ is ColumnType.DATETIME and any(_has_offset(value) for value in values):
        return "TIMESTAMP WITH TIME ZONE"
    return _SQL_TYPES[type_]


def _has_offset(value: str) -> bool:
    clock = value[11:]
    return clock[-1:] in {"Z", "z"} or "+" in clock or "-" in clock
