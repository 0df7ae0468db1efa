"""The layout that a file's writer gave its lines, as one pattern that takes whole lines apart.

Programs write each line alike: the same keys in the same order, the same spaces. One such line
tells the layout; its pattern then finds the values of all lines of a block in one pass, at the
speed of the regular expression engine. What a pattern accepts is a strict part of what the careful
reading of `json_objects` and `values` accepts; every other line is left to those.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from headrace_server.files.json_objects import Member
from headrace_server.files.timestamps import (
    DATE_FORM,
    DATETIME_FORM,
    TIME_FORM,
    TIMESTAMP_FORM,
)
from headrace_server.model.contract import Column, ColumnType, Table, UnknownColumns

_CHARACTERS = r'[^"\\\x00-\x1f]*+'
_ESCAPE = r'\\(?:["\\/bfnrt]|u(?!0000|[dD][89a-fA-F])[0-9a-fA-F]{4})'
_STRING = rf'"{_CHARACTERS}(?:{_ESCAPE}{_CHARACTERS})*+"'
_WHOLE = r"-?(?:0|[1-9][0-9]{0,17}+)"
_NUMBER = rf"{_WHOLE}(?:\.[0-9]{{1,300}}+)?+(?:[eE][+-]?[0-9]{{1,2}}+)?+"
_SPACE = r"[ \t]*+"
_PLAIN_KEY = re.compile(_CHARACTERS)
_JSON_LEVELS = 3


def _json(levels: int) -> str:
    """Return the pattern of a JSON value but null, nested at most so deep."""
    scalar = rf"{_STRING}|{_NUMBER}|true|false"
    if levels == 0:
        return rf"(?>{scalar})"
    item = rf"(?:{_json(levels - 1)}|null)"
    comma, colon = rf"{_SPACE},{_SPACE}", rf"{_SPACE}:{_SPACE}"
    array = rf"\[{_SPACE}(?:{item}(?:{comma}{item})*+{_SPACE})?+\]"
    pair = rf"{_STRING}{colon}{item}"
    members = rf"\{{{_SPACE}(?:{pair}(?:{comma}{pair})*+{_SPACE})?+\}}"
    return rf"(?>{scalar}|{array}|{members})"


_JSON = _json(_JSON_LEVELS)


@dataclass(frozen=True, slots=True)
class Layout:
    """How one line was written."""

    #: the keys in their order
    keys: tuple[str, ...]
    #: DECIMAL columns among them whose value is a string
    quoted: frozenset[str]
    #: what stands between two members, and between key and value
    comma: str
    colon: str


def layout_of(line: str, members: Sequence[Member], table: Table) -> Layout | None:
    """Read the layout off the first member of a line, or None for one that no pattern describes.

    That the other members follow it is a guess, which matching the line proves or refutes.
    """
    if not members or not all(map(_PLAIN_KEY.fullmatch, (member.key for member in members))):
        return None
    first = members[0]
    opening = re.match(
        rf'\{{"{re.escape(first.key)}"([ \t]*:[ \t]*){re.escape(first.raw)}([ \t]*,[ \t]*)?', line
    )
    if opening is None:
        return None
    decimals = {column.name for column in table.columns if column.type is ColumnType.DECIMAL}
    quoted = frozenset(member.key for member in members if member.text is not None) & decimals
    return Layout(tuple(member.key for member in members), quoted, opening[2] or ",", opening[1])


def pattern_of(layout: Layout, table: Table) -> tuple[re.Pattern[str], list[int | None]] | None:
    """Compile the pattern of the layout's lines, with the group of each column of the table.

    A match has one group a column that has a key, as the readers of `columnar` take them, and a
    last one with the whole line where it is of another layout. Returns None for layouts whose rows
    need care or are at fault: no column at all, a required one missing, keys unknown (unless
    discarded) or twice.
    """
    columns = {column.name: column for column in table.columns}
    groups = [name for name in layout.keys if name in columns]
    required = {column.name for column in table.columns if not column.nullable}
    unknown = len(groups) < len(layout.keys)
    if (
        not groups
        or len(set(layout.keys)) < len(layout.keys)
        or not required <= set(groups)
        or (unknown and table.unknown_columns is not UnknownColumns.DISCARD)
    ):
        return None
    members = layout.comma.join(
        f'"{re.escape(key)}"{layout.colon}'
        + (_fragment(columns[key], quoted=key in layout.quoted) if key in columns else _ANY)
        for key in layout.keys
    )
    pattern = re.compile(rf"^\{{{members}\}}\r?$|^(.+)$", re.MULTILINE)
    return pattern, [
        groups.index(column.name) if column.name in groups else None for column in table.columns
    ]


_ANY = rf"(?:{_JSON}|null)"


def _fragment(column: Column, *, quoted: bool) -> str:
    """Return the pattern of a value, with one group: the text of strings, empty for null.

    A nullable STRING's or JSON's group is the JSON text, so that null differs from empty text.
    """
    if column.type is ColumnType.JSON:
        return rf"({_ANY})" if column.nullable else rf"({_JSON})"
    if column.type is ColumnType.STRING:
        return rf"({_STRING}|null)" if column.nullable else f'"({_STRING[1:-1]})"'
    fragment = _scalar(column, quoted=quoted)
    return rf"(?:{fragment}|null)" if column.nullable else fragment


def _scalar(column: Column, *, quoted: bool) -> str:
    if column.type is ColumnType.DECIMAL:
        fragment = f"({_decimal(column)})"
        return f'"{fragment}"' if quoted else fragment
    return {
        ColumnType.UUID: '"([^"]{36})"',
        ColumnType.INTEGER: rf"({_WHOLE})",
        ColumnType.FLOAT: rf"({_WHOLE}(?:\.[0-9]{{1,20}}+)?+(?:[eE][+-]?[0-9]{{1,3}}+)?+)",
        ColumnType.BOOLEAN: "(true|false)",
        ColumnType.TIMESTAMP: f'"({TIMESTAMP_FORM})"',
        ColumnType.DATE: f'"({DATE_FORM})"',
        ColumnType.DATETIME: f'"({DATETIME_FORM})"',
        ColumnType.TIME: f'"({TIME_FORM})"',
    }[column.type]


def _decimal(column: Column) -> str:
    if column.precision == 0:
        return rf"{_WHOLE}(?:\.[0-9]{{1,300}}+)?+"
    before = column.precision - column.scale
    whole = rf"(?:0|[1-9][0-9]{{0,{before - 1}}}+)" if before > 0 else "0"
    return rf"-?{whole}(?:\.[0-9]{{1,{column.scale}}}+)?+" if column.scale else rf"-?{whole}"
