"""Types of columns that grow with what imports bring: no value that is there changes by it."""

from dataclasses import replace

from headrace_server.model.contract import Column, ColumnType

#: characters of PostgreSQL's longest VARCHAR; what is longer is TEXT on both engines
LONGEST_VARCHAR = 10_485_760
#: characters of a text that no declaration bounds
_UNBOUNDED = (1 << 30) - 1
#: digits of PostgreSQL's longest NUMERIC with bounds
_MOST_DIGITS = 1000
#: digits of 64 bits
_INTEGER_DIGITS = 19

_Type = ColumnType
_NUMBERS = frozenset((_Type.INTEGER, _Type.DECIMAL, _Type.FLOAT))
_DAYS = frozenset((_Type.DATE, _Type.DATETIME))
#: characters of a type's longest text
_LENGTHS = {
    _Type.UUID: 36,
    _Type.INTEGER: 20,
    _Type.FLOAT: 24,
    _Type.BOOLEAN: 5,
    _Type.TIMESTAMP: 27,
    _Type.DATE: 10,
    _Type.DATETIME: 26,
    _Type.TIME: 15,
}


def is_text(column: Column) -> bool:
    """Whether the column's texts are longer than any VARCHAR."""
    return column.type is _Type.STRING and column.max_length > LONGEST_VARCHAR


def is_unbounded(column: Column) -> bool:
    """Whether the column takes decimals of any size."""
    return column.type is _Type.DECIMAL and not column.precision


def is_stored_alike(one: Column, other: Column) -> bool:
    """Whether both columns keep a value in the same form, however long it may be."""
    return _form(one) == _form(other)


def _form(column: Column) -> tuple[ColumnType, int | None]:
    fixed = column.type is _Type.DECIMAL and column.precision
    return column.type, column.scale if fixed else None


def widest(old: Column, new: Column) -> Column:
    """The column that takes what either takes; the old one where it takes all that is new.

    Numbers become decimals without bounds, days moments, and what else differs texts. A column of
    floating point takes any number as such a column does, and one of JSON whatever JSON can say.
    """
    return replace(_joined(old, new), name=old.name, nullable=old.nullable or new.nullable)


def _joined(old: Column, new: Column) -> Column:
    types = {old.type, new.type}
    if old.type is _Type.JSON or (old.type is _Type.FLOAT and types <= _NUMBERS):
        return old
    if _Type.STRING in types:
        return replace(old, type=_Type.STRING, max_length=max(_length(old), _length(new)))
    if types <= _NUMBERS and types != {_Type.INTEGER}:
        return _decimal(old, new)
    if len(types) == 1:
        return old
    if types == _DAYS:
        return replace(old, type=_Type.DATETIME)
    return replace(old, type=_Type.STRING, max_length=_UNBOUNDED)


def _length(column: Column) -> int:
    """Characters of the longest text of a column's values."""
    if column.type is _Type.STRING:
        return column.max_length
    if column.type is _Type.DECIMAL and column.precision:
        return column.precision + len("-0.")
    return _LENGTHS.get(column.type, _UNBOUNDED)


def _decimal(old: Column, new: Column) -> Column:
    (whole, scale), (new_whole, new_scale) = _digits(old), _digits(new)
    whole, scale = max(whole, new_whole), max(scale, new_scale)
    if whole + scale > _MOST_DIGITS or old.type is not new.type:
        return replace(old, type=_Type.DECIMAL, precision=0, scale=0)
    return replace(old, precision=whole + scale, scale=scale)


def _digits(column: Column) -> tuple[int, int]:
    """Digits before and after the point."""
    if column.type is _Type.DECIMAL and column.precision:
        return column.precision - column.scale, column.scale
    return (_INTEGER_DIGITS, 0) if column.type is _Type.INTEGER else (_MOST_DIGITS + 1, 0)
