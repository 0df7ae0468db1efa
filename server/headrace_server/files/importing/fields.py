"""One field of delimited text: from its text to what a RowBlock carries, or a ValueFault."""

import json
import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import lru_cache

from headrace_server.files.decimals import MOST_DIGITS, DoesNotFitError, decimal_digits
from headrace_server.files.importing.moments import (
    Normalised,
    datetime_reader,
    day_reader,
    time_reader,
    timestamp_reader,
)
from headrace_server.files.importing.plan import PlannedColumn
from headrace_server.files.rules import rule_of
from headrace_server.files.value_fault import ValueFault, shown
from headrace_server.files.values import check_json, reader_of
from headrace_server.model.contract import Column, ColumnType
from headrace_server.model.rows import RejectReason, Value

FieldReader = Callable[[str], Value]
"""Takes a text that is there; typed values come without spaces around them."""

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_GIVEN_INTEGER = re.compile(r"[+-]?(?:0|[1-9][0-9]*)")
_INT64 = range(-(2**63), 2**63)
_INTEGER_DIGITS = 20
_NUMBER = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>0|[1-9][0-9]*|(?=\.[0-9]))(?:\.(?P<fraction>[0-9]*))?"
    r"(?P<exponent>[eE][+-]?[0-9]+)?"
)
_BOOLEANS = {"true": True, "false": False}
#: taken where somebody says that the column is BOOLEAN
_GIVEN_BOOLEANS = {
    **_BOOLEANS,
    **dict.fromkeys(("t", "yes", "y", "1"), True),
    **dict.fromkeys(("f", "no", "n", "0"), False),
}


def field_reader_of(column: Column, planned: PlannedColumn) -> FieldReader:
    """Return the reader of a column's fields; it raises ValueFault.

    Raises InvalidContractError where a rule of the column cannot be read.
    """
    read = _READERS[column.type](column, planned)
    rule = rule_of(column)
    if rule is None:
        return read

    def read_and_check(text: str) -> Value:
        value = read(text)
        rule(value)
        return value

    return read_and_check


def reads(planned: PlannedColumn, text: str | None) -> bool:
    """Tell whether a field is null in the column or one of its values."""
    return next(reads_each(planned, (text,)))


def reads_each(planned: PlannedColumn, texts: Iterable[str | None]) -> Iterator[bool]:
    """Tell of each field whether it is null in the column or one of its values."""
    column, read = _reader(planned)
    is_text = column.type is ColumnType.STRING
    for text in texts:
        there = text if is_text else (text or "").strip()
        try:
            if there:
                read(there)
        except ValueFault:
            yield False
        else:
            yield True


@lru_cache(maxsize=1024)
def _reader(planned: PlannedColumn) -> tuple[Column, FieldReader]:
    column = planned.column
    return column, field_reader_of(column, planned)


def _misfit(reason: RejectReason, column: Column, text: str, takes: str) -> ValueFault:
    return ValueFault(reason, f"{column.name} takes {takes}; found {shown(text)!r}")


def _string(column: Column, _planned: PlannedColumn) -> FieldReader:
    # The rules of texts are the same in JSON; those of the column are checked once.
    read = reader_of(replace(column, pattern=None, allowed_values=()))
    return lambda text: read(text, text)


def _uuid(column: Column, _planned: PlannedColumn) -> FieldReader:
    read = reader_of(column)
    return lambda text: read(text, text)


def _integer(column: Column, planned: PlannedColumn) -> FieldReader:
    form = _GIVEN_INTEGER if planned.given else _INTEGER
    takes = "a whole number of 64 bits without leading zeros"

    def read(text: str) -> Value:
        if not form.fullmatch(text):
            raise _misfit(RejectReason.INVALID_VALUE, column, text, takes)
        if len(text) > _INTEGER_DIGITS or int(text) not in _INT64:
            raise _misfit(RejectReason.OUT_OF_RANGE, column, text, takes)
        return int(text)

    return read


def plain_number(text: str, planned: PlannedColumn) -> str:
    """Write a number as JSON does: a point for the decimal mark, digits on both sides of it.

    Raises ValueError where it is no number, has leading zeros, marks of thousands, or a plus that
    nobody said to be one of numbers.
    """
    if planned.decimal_mark == ",":
        if "." in text:
            raise ValueError(text)
        text = text.replace(",", ".", 1)
    found = _NUMBER.fullmatch(text)
    if found is None or (found["sign"] == "+" and not planned.given):
        raise ValueError(text)
    fraction = f".{found['fraction']}" if found["fraction"] else ""
    sign = "-" if found["sign"] == "-" else ""
    return f"{sign}{found['whole'] or '0'}{fraction}{found['exponent'] or ''}"


def _decimal(column: Column, planned: PlannedColumn) -> FieldReader:
    before, after = column.precision - column.scale, column.scale
    takes = (
        f"a decimal number of at most {before} digits before the point and {after} after it"
        if column.precision
        else f"a decimal number of at most {MOST_DIGITS} digits"
    )

    def read(text: str) -> Value:
        try:
            token = plain_number(text, planned)
            return decimal_digits(token, column.precision, column.scale, exponent=True)
        except DoesNotFitError:
            raise _misfit(RejectReason.OUT_OF_RANGE, column, text, takes) from None
        except ValueError:
            raise _misfit(RejectReason.INVALID_VALUE, column, text, takes) from None

    return read


def _float(column: Column, planned: PlannedColumn) -> FieldReader:
    takes = "a number that 64 bits of floating point hold to 15 digits"

    def read(text: str) -> Value:
        try:
            token = plain_number(text, planned)
        except ValueError:
            raise _misfit(RejectReason.INVALID_VALUE, column, text, takes) from None
        value = float(token)
        is_zero = not re.search("[1-9]", re.split("[eE]", token)[0])
        # Below the least normal number, digits vanish one by one.
        if not math.isfinite(value) or (abs(value) < sys.float_info.min and not is_zero):
            raise _misfit(RejectReason.OUT_OF_RANGE, column, text, takes)
        return value

    return read


def _boolean(column: Column, planned: PlannedColumn) -> FieldReader:
    known = _GIVEN_BOOLEANS if planned.given else _BOOLEANS

    def read(text: str) -> Value:
        value = known.get(text.lower())
        if value is None:
            raise _misfit(RejectReason.INVALID_VALUE, column, text, "true or false")
        return value

    return read


def _calendar(
    reader: Callable[[str], Normalised], takes: str
) -> Callable[[Column, PlannedColumn], FieldReader]:
    def make(column: Column, planned: PlannedColumn) -> FieldReader:
        normalised = reader(planned.date_format)
        form = f" written {planned.date_format}" if planned.date_format else ""

        def read(text: str) -> Value:
            try:
                return normalised(text)
            except ValueError:
                reason = RejectReason.INVALID_VALUE
                raise _misfit(reason, column, text, f"{takes}{form}") from None

        return read

    return make


def _json(column: Column, _planned: PlannedColumn) -> FieldReader:
    def read(text: str) -> Value:
        try:
            json.loads(text, parse_int=str, parse_float=str, parse_constant=_refuse)
        except (ValueError, RecursionError):
            raise _misfit(RejectReason.MALFORMED_JSON, column, text, "JSON") from None
        check_json(column, text)
        return text

    return read


def _refuse(token: str) -> None:
    raise ValueError(token)


_READERS: dict[ColumnType, Callable[[Column, PlannedColumn], FieldReader]] = {
    ColumnType.STRING: _string,
    ColumnType.UUID: _uuid,
    ColumnType.INTEGER: _integer,
    ColumnType.DECIMAL: _decimal,
    ColumnType.FLOAT: _float,
    ColumnType.BOOLEAN: _boolean,
    ColumnType.TIMESTAMP: _calendar(timestamp_reader, "an instant such as 2011-01-31T23:59:59Z"),
    ColumnType.DATETIME: _calendar(
        datetime_reader, "a moment of no zone such as 2011-01-31T23:59:59"
    ),
    ColumnType.DATE: _calendar(day_reader, "a day such as 2011-01-31"),
    ColumnType.TIME: _calendar(time_reader, "a time of day such as 23:59:59"),
    ColumnType.JSON: _json,
}
