"""One value of one column: from its JSON text to what a RowBlock carries, or a ValueFault."""

import math
import re
from collections.abc import Callable

from headrace_server.files.decimals import MOST_DIGITS, DoesNotFitError, decimal_digits
from headrace_server.files.json_objects import kind_of
from headrace_server.files.rules import rule_of
from headrace_server.files.timestamps import date_text, datetime_text, time_text, utc_text
from headrace_server.files.value_fault import ValueFault, shown
from headrace_server.model.contract import Column, ColumnType
from headrace_server.model.rows import RejectReason, Value

Reader = Callable[[str, str | None], Value]
"""Takes a value's JSON text, never `null`, and its unescaped text where it is a string."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_INTEGER = re.compile(r"-?[0-9]+")
_LEAST_INTEGER, _GREATEST_INTEGER = -(2**63), 2**63 - 1
_INTEGER_DIGITS = 20
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED_BACKSLASH = re.compile(r"\\\\")
_SURROGATE_PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
# PostgreSQL's jsonb keeps numbers as numeric: up to 131072 digits before the point, 16383 after.
_HUGE_NUMBER = re.compile(r"[eE][+-]?0*[1-9][0-9]{3}|(?<![0-9])[0-9]{10000}")


def reader_of(column: Column) -> Reader:
    """Return the reader of the column's values; it raises ValueFault.

    Raises InvalidContractError where a rule of the column cannot be read.
    """
    read = _READERS[column.type](column)
    rule = rule_of(column)
    if rule is None:
        return read

    def read_and_check(raw: str, text: str | None) -> Value:
        value = read(raw, text)
        rule(value)
        return value

    return read_and_check


def _text_of(column: Column, raw: str, text: str | None, takes: str) -> str:
    """Return the string's text. A string is the JSON type of texts, UUIDs, moments and days."""
    if text is None:
        raise _wrong_type(column, raw, takes)
    return text


def _wrong_type(column: Column, raw: str, takes: str) -> ValueFault:
    return ValueFault(
        RejectReason.WRONG_TYPE, f"{column.name} takes {takes}; found {kind_of(raw)}: {shown(raw)}"
    )


def _invalid(column: Column, raw: str, takes: str) -> ValueFault:
    return ValueFault(
        RejectReason.INVALID_VALUE, f"{column.name} takes {takes}; found {shown(raw)}"
    )


def _out_of_range(column: Column, raw: str, takes: str) -> ValueFault:
    return ValueFault(RejectReason.OUT_OF_RANGE, f"{column.name} takes {takes}; found {shown(raw)}")


def _string(column: Column) -> Reader:
    def read(raw: str, text: str | None) -> Value:
        text = _text_of(column, raw, text, "a string")
        if "\0" in text:
            raise _nul(column)
        if _SURROGATE.search(text):
            raise _lone_surrogate(column)
        if len(text) > column.max_length:
            raise ValueFault(
                RejectReason.TOO_LONG,
                f"{column.name} takes at most {column.max_length} characters; "
                f"found {len(text)}: {shown(raw)}",
            )
        return text

    return read


def _nul(column: Column) -> ValueFault:
    return ValueFault(
        RejectReason.NUL_CHARACTER,
        f"{column.name} holds a NUL character (\\u0000), which databases cannot store",
    )


def _lone_surrogate(column: Column) -> ValueFault:
    return ValueFault(
        RejectReason.INVALID_VALUE,
        f"{column.name} holds half of a surrogate pair (\\ud800 to \\udfff), which is no character",
    )


def _uuid(column: Column) -> Reader:
    takes = "a UUID such as 2dadea68-e328-4c96-844a-ba06ed89f6be"

    def read(raw: str, text: str | None) -> Value:
        text = _text_of(column, raw, text, takes)
        # ASCII first: U+212A lowers to k and other letters may lower to ASCII as well.
        if not text.isascii() or not _UUID.fullmatch(lower := text.lower()):
            raise _invalid(column, raw, takes)
        return lower

    return read


def _integer(column: Column) -> Reader:
    takes = "a whole number of 64 bits without quotes, point or exponent"

    def read(raw: str, _text: str | None) -> Value:
        if not _INTEGER.fullmatch(raw):
            raise _wrong_type(column, raw, takes)
        if len(raw) <= _INTEGER_DIGITS and _LEAST_INTEGER <= int(raw) <= _GREATEST_INTEGER:
            return int(raw)
        raise _out_of_range(column, raw, takes)

    return read


def _decimal(column: Column) -> Reader:
    takes = _takes_decimal(column)

    def read(raw: str, text: str | None) -> Value:
        if text is None and raw[0] not in "-0123456789":
            raise _wrong_type(column, raw, takes)
        try:
            return decimal_digits(
                raw if text is None else text,
                column.precision,
                column.scale,
                exponent=text is None,
            )
        except DoesNotFitError:
            raise _out_of_range(column, raw, takes) from None
        except ValueError:
            raise _invalid(column, raw, takes) from None

    return read


def _takes_decimal(column: Column) -> str:
    if column.precision == 0:
        return f"a decimal number of at most {MOST_DIGITS} digits"
    return (
        f"a decimal number of at most {column.precision - column.scale} digits before the point "
        f"and {column.scale} after it"
    )


def _float(column: Column) -> Reader:
    takes = "a number that 64 bits of floating point hold, without quotes"

    def read(raw: str, _text: str | None) -> Value:
        if raw[0] not in "-0123456789":
            raise _wrong_type(column, raw, takes)
        value = float(raw)
        vanished = value == 0 and bool(re.search("[1-9]", re.split("[eE]", raw)[0]))
        if vanished or not math.isfinite(value):
            raise _out_of_range(column, raw, takes)
        return value

    return read


def _boolean(column: Column) -> Reader:
    def read(raw: str, _text: str | None) -> Value:
        if raw not in {"true", "false"}:
            raise _wrong_type(column, raw, "true or false")
        return raw == "true"

    return read


def _timestamp(column: Column) -> Reader:
    return _calendar(
        column, utc_text, "a timestamp such as 2011-01-31T23:59:59Z, up to microseconds"
    )


def _date(column: Column) -> Reader:
    return _calendar(column, date_text, "a day such as 2011-01-31")


def _datetime(column: Column) -> Reader:
    return _calendar(
        column, datetime_text, "a moment of no zone such as 2011-01-31T23:59:59, up to microseconds"
    )


def _time(column: Column) -> Reader:
    return _calendar(column, time_text, "a time of day such as 23:59:59, up to microseconds")


def _calendar(column: Column, normalised: Callable[[str], str], takes: str) -> Reader:
    def read(raw: str, text: str | None) -> Value:
        try:
            return normalised(_text_of(column, raw, text, takes))
        except ValueError:
            raise _invalid(column, raw, takes) from None

    return read


def _json(column: Column) -> Reader:
    def read(raw: str, _text: str | None) -> Value:
        check_json(column, raw)
        return raw

    return read


def check_json(column: Column, raw: str) -> None:
    """Raise ValueFault where valid JSON holds what PostgreSQL's jsonb refuses."""
    if "\\u" in raw:
        escapes = _SURROGATE_PAIR.sub(" ", _ESCAPED_BACKSLASH.sub(" ", raw))
        if "\\u0000" in escapes:
            raise _nul(column)
        if _ESCAPED_SURROGATE.search(escapes):
            raise _lone_surrogate(column)
    if _HUGE_NUMBER.search(raw) and _HUGE_NUMBER.search(_JSON_STRING.sub("", raw)):
        raise _out_of_range(column, raw, "JSON with numbers of exponents below 1000")


_READERS: dict[ColumnType, Callable[[Column], Reader]] = {
    ColumnType.STRING: _string,
    ColumnType.UUID: _uuid,
    ColumnType.INTEGER: _integer,
    ColumnType.DECIMAL: _decimal,
    ColumnType.FLOAT: _float,
    ColumnType.BOOLEAN: _boolean,
    ColumnType.TIMESTAMP: _timestamp,
    ColumnType.DATE: _date,
    ColumnType.JSON: _json,
    ColumnType.DATETIME: _datetime,
    ColumnType.TIME: _time,
}
