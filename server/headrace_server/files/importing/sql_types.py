"""SQL types as people write them, and the columns that carry their values."""

import re
from collections.abc import Callable

from headrace_server.model.contract import Column, ColumnType
from headrace_server.model.errors import InvalidFieldError

#: characters of a TEXT: what PostgreSQL stores at most in one value
TEXT_LENGTH = 1_073_741_823

KNOWN_TYPES = (
    "VARCHAR(n), CHAR(n), TEXT, SMALLINT, INTEGER, BIGINT, NUMERIC, NUMERIC(p,s), REAL, "
    "DOUBLE PRECISION, BOOLEAN, DATE, TIME, TIMESTAMP, TIMESTAMP WITH TIME ZONE, UUID, JSON"
)

_MOST_CHARACTERS = 10_485_760
_MOST_DIGITS = 1000
#: characters of a type's spelling
_LONGEST = 60
_FORM = re.compile(
    r"\s*(?P<name>[a-z][a-z0-9]*(?:\s+[a-z]+)*?)"
    r"\s*(?:\(\s*(?P<size>[0-9]{1,9})\s*(?:,\s*(?P<scale>[0-9]{1,9})\s*)?\))?"
    r"\s*(?P<zone>with(?:out)?\s+time\s+zone)?\s*",
    re.IGNORECASE,
)

_TEXTS = {"text", "string", "clob"}
_VARCHARS = {"varchar", "character varying", "char varying", "nvarchar"}
_CHARS = {"char", "character", "nchar", "bpchar"}
_NUMERICS = {"numeric", "decimal", "dec"}
#: names of types without a size
_PLAIN = {
    **dict.fromkeys(("smallint", "int", "integer", "bigint"), ColumnType.INTEGER),
    **dict.fromkeys(("int2", "int4", "int8"), ColumnType.INTEGER),
    **dict.fromkeys(("real", "float", "double", "double precision"), ColumnType.FLOAT),
    **dict.fromkeys(("float4", "float8"), ColumnType.FLOAT),
    **dict.fromkeys(("boolean", "bool"), ColumnType.BOOLEAN),
    **dict.fromkeys(("json", "jsonb"), ColumnType.JSON),
    "date": ColumnType.DATE,
    "uuid": ColumnType.UUID,
}
#: names of types that may tell digits of a second, which are always six
_CLOCKS = {
    ("time", ""): ColumnType.TIME,
    ("time", "without"): ColumnType.TIME,
    ("timestamp", ""): ColumnType.DATETIME,
    ("timestamp", "without"): ColumnType.DATETIME,
    ("datetime", ""): ColumnType.DATETIME,
    ("timestamp", "with"): ColumnType.TIMESTAMP,
    ("timestamptz", ""): ColumnType.TIMESTAMP,
}


def column_of(name: str, sql_type: str) -> Column:
    """Return the nullable column whose values the SQL type describes, in any usual spelling.

    Whole numbers are of 64 bits and floating ones of 64, however narrow the type. Raises
    InvalidFieldError for `data_types`, which names the column and the known types.
    """
    found = _FORM.fullmatch(sql_type) if len(sql_type) <= _LONGEST else None
    column = found and _column(name, found)
    if not column:
        spelled = sql_type[:_LONGEST]
        raise InvalidFieldError.of(
            "data_types", f"{name!r}: {spelled!r} is no known type; known are {KNOWN_TYPES}"
        )
    return column


def _column(name: str, found: re.Match[str]) -> Column | None:
    words = " ".join(found["name"].lower().split())
    size, scale = (None if text is None else int(text) for text in found.group("size", "scale"))
    zone = found["zone"].lower().split()[0] if found["zone"] else ""
    if (words, zone) in _CLOCKS:
        return Column(name, _CLOCKS[words, zone], nullable=True) if scale is None else None
    if zone:
        return None
    if words in _NUMERICS:
        return _numeric(name, size, scale)
    if scale is not None:
        return None
    if words in _PLAIN and (size is None or words == "float"):
        return Column(name, _PLAIN[words], nullable=True)
    return _text(name, words, size)


def _numeric(name: str, precision: int | None, scale: int | None) -> Column | None:
    if precision is None:
        return Column(name, ColumnType.DECIMAL, nullable=True, precision=0, scale=0)
    scale = scale or 0
    if not 1 <= precision <= _MOST_DIGITS or scale > precision:
        return None
    return Column(name, ColumnType.DECIMAL, nullable=True, precision=precision, scale=scale)


def _text(name: str, words: str, size: int | None) -> Column | None:
    if words in _TEXTS or (words in _VARCHARS and size is None):
        length = TEXT_LENGTH
    elif words in _CHARS or words in _VARCHARS:
        length = 1 if size is None else size
    else:
        return None
    if not 1 <= length <= _MOST_CHARACTERS and length != TEXT_LENGTH:
        return None
    return Column(name, ColumnType.STRING, nullable=True, max_length=length)


def sql_type_of(column: Column) -> str:
    """Return the SQL type of a column's values, as `column_of` reads it."""
    return _SQL_TYPES[column.type](column)


def _sql_text(column: Column) -> str:
    return "TEXT" if column.max_length > _MOST_CHARACTERS else f"VARCHAR({column.max_length})"


def _sql_numeric(column: Column) -> str:
    if column.precision == 0:
        return "NUMERIC"
    return f"NUMERIC({column.precision},{column.scale})"


def _always(sql_type: str) -> Callable[[Column], str]:
    return lambda _column: sql_type


_SQL_TYPES: dict[ColumnType, Callable[[Column], str]] = {
    ColumnType.STRING: _sql_text,
    ColumnType.DECIMAL: _sql_numeric,
    ColumnType.UUID: _always("UUID"),
    ColumnType.INTEGER: _always("BIGINT"),
    ColumnType.FLOAT: _always("DOUBLE PRECISION"),
    ColumnType.BOOLEAN: _always("BOOLEAN"),
    ColumnType.TIMESTAMP: _always("TIMESTAMP WITH TIME ZONE"),
    ColumnType.DATETIME: _always("TIMESTAMP"),
    ColumnType.DATE: _always("DATE"),
    ColumnType.TIME: _always("TIME"),
    ColumnType.JSON: _always("JSON"),
}
