"""Whole columns of values that a layout's pattern found, read at once."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from json import loads

from headrace_server.files.rules import rule_of
from headrace_server.files.timestamps import are_utc_texts
from headrace_server.files.value_fault import ValueFault
from headrace_server.files.values import reader_of
from headrace_server.model.contract import Column, ColumnType
from headrace_server.model.rows import Value

ColumnReader = Callable[[Sequence[str]], tuple[Sequence[Value], set[int]]]
"""Takes the groups of one column and returns its values and the places of those at fault.

The values at the faulty places mean nothing."""

_CHECKED_ONE_BY_ONE = {
    ColumnType.FLOAT,
    ColumnType.TIMESTAMP,
    ColumnType.DATE,
    ColumnType.DATETIME,
    ColumnType.TIME,
}
_BOOLEANS = {"true": True, "false": False, "": None}


def column_reader_of(column: Column) -> ColumnReader:
    """Return the reader of groups that `layouts` found for the column.

    Raises InvalidContractError as `values.reader_of` does.
    """
    read = _READERS[column.type](column)
    rule = rule_of(column)
    if rule is None or column.type in _CHECKED_ONE_BY_ONE:
        return read

    def read_and_check(groups: Sequence[str]) -> tuple[Sequence[Value], set[int]]:
        values, faulty = read(groups)
        refused = {value for value in set(values) if value is not None and _breaks(rule, value)}
        if refused:
            faulty |= {place for place, value in enumerate(values) if value in refused}
        return values, faulty

    return read_and_check


def _breaks(rule: Callable[[Value], None], value: Value) -> bool:
    try:
        rule(value)
    except ValueFault:
        return True
    return False


def _uuids(column: Column) -> ColumnReader:
    careful = _by_distinct_value(column)

    def read(groups: Sequence[str]) -> tuple[Sequence[Value], set[int]]:
        joined = "".join(groups)
        lower = joined.lower()
        if not _are_uuids(
            lower, len(groups) - groups.count("") if column.nullable else len(groups)
        ):
            return careful(groups)
        values: Sequence[Value] = groups if lower == joined else [text.lower() for text in groups]
        return _with_nulls(column, values), set()

    return read


def _are_uuids(joined: str, count: int) -> bool:
    """Tell whether texts of 36 characters each, joined, are lower-case UUIDs."""
    if not joined.isascii():
        return False
    digits = joined.encode()
    hyphens = b"-" * count
    return digits.translate(None, b"0123456789abcdef") == hyphens * 4 and all(
        digits[place::36] == hyphens for place in (8, 13, 18, 23)
    )


def _with_nulls(column: Column, values: Sequence[Value]) -> Sequence[Value]:
    return [value or None for value in values] if column.nullable else values


def _integers(column: Column) -> ColumnReader:
    def read(groups: Sequence[str]) -> tuple[Sequence[Value], set[int]]:
        if column.nullable and "" in groups:
            return [int(group) if group else None for group in groups], set()
        return list(map(int, groups)), set()

    return read


def _decimals(column: Column) -> ColumnReader:
    return lambda groups: (_with_nulls(column, groups), set())


def _timestamps(column: Column) -> ColumnReader:
    careful = _by_distinct_value(column)
    # Those read one by one are checked by their rule as well.
    may_skip = rule_of(column) is None

    def read(groups: Sequence[str]) -> tuple[Sequence[Value], set[int]]:
        return (groups, set()) if may_skip and are_utc_texts(groups) else careful(groups)

    return read


def _booleans(_column: Column) -> ColumnReader:
    return lambda groups: ([_BOOLEANS[group] for group in groups], set())


def _strings(column: Column) -> ColumnReader:
    def read(groups: Sequence[str]) -> tuple[Sequence[Value], set[int]]:
        texts = _unescaped(groups, quoted=column.nullable) if "\\" in "".join(groups) else groups
        if max(map(len, texts)) <= column.max_length:
            faulty = set()
        else:
            most = column.max_length + (2 if column.nullable else 0)
            faulty = {place for place, text in enumerate(texts) if len(text) > most}
        if not column.nullable:
            return texts, faulty
        return [None if text == "null" else text[1:-1] for text in texts], faulty

    return read


def _unescaped(groups: Sequence[str], *, quoted: bool) -> list[str]:
    """Undo the escapes; quotes around the text stay."""
    if quoted:
        return [f'"{loads(group)}"' if "\\" in group else group for group in groups]
    return [loads(f'"{group}"') if "\\" in group else group for group in groups]


def _json(column: Column) -> ColumnReader:
    def read(groups: Sequence[str]) -> tuple[Sequence[Value], set[int]]:
        if not column.nullable:
            return groups, set()
        return [None if group == "null" else group for group in groups], set()

    return read


def _by_distinct_value(column: Column) -> ColumnReader:
    """Read each distinct text by the careful reader."""
    read_value = reader_of(column)
    is_string = column.type is not ColumnType.FLOAT

    def read(groups: Sequence[str]) -> tuple[Sequence[Value], set[int]]:
        values: dict[str, Value] = {"": None}
        for group in set(groups) - {""}:
            with suppress(ValueFault):
                values[group] = (
                    read_value(f'"{group}"', group) if is_string else read_value(group, None)
                )
        faulty = {place for place, group in enumerate(groups) if group not in values}
        return [values.get(group) for group in groups], faulty

    return read


_READERS: dict[ColumnType, Callable[[Column], ColumnReader]] = {
    ColumnType.STRING: _strings,
    ColumnType.UUID: _uuids,
    ColumnType.INTEGER: _integers,
    ColumnType.DECIMAL: _decimals,
    ColumnType.FLOAT: _by_distinct_value,
    ColumnType.BOOLEAN: _booleans,
    ColumnType.TIMESTAMP: _timestamps,
    ColumnType.DATE: _by_distinct_value,
    ColumnType.JSON: _json,
    ColumnType.DATETIME: _by_distinct_value,
    ColumnType.TIME: _by_distinct_value,
}
