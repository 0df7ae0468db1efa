"""One line of text taken apart as a JSON object: every member, duplicates too, as it came."""

import re
from json import JSONDecodeError, JSONDecoder
from typing import NamedTuple

from headrace_server.model.rows import RejectReason

MAX_NESTING = 256

_WHITESPACE = frozenset(" \t\n\r")
_COLON = re.compile(r"[ \t\n\r]*:[ \t\n\r]*")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")


class Member(NamedTuple):
    """One key and its value."""

    #: the key, unescaped
    key: str
    #: the value's JSON text
    raw: str
    #: the value, unescaped, where it is a string; else None
    text: str | None


class LineFault(Exception):  # noqa: N818  # a verdict on a line, not a failure of ours
    """The line as a whole is no row. `reason` and `message` go into the reject."""

    def __init__(self, reason: RejectReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def _refuse_constant(token: str) -> None:
    raise LineFault(
        RejectReason.MALFORMED_JSON, f"{token} is not JSON: take null, or leave the key out"
    )


def _ignore_number(_token: str) -> None:
    """Numbers are read from their text by the column, never through a double."""


_decoder = JSONDecoder(
    parse_int=_ignore_number, parse_float=_ignore_number, parse_constant=_refuse_constant
)


def read_object(line: str) -> list[Member]:
    """Take the line apart in the order of its keys.

    Raises LineFault where it is not exactly one JSON object, or is nested deeper than MAX_NESTING.
    """
    _check_nesting(line)
    try:
        return _members(line)
    except JSONDecodeError as error:
        raise LineFault(
            RejectReason.MALFORMED_JSON,
            f"the line is not JSON at character {error.pos + 1}: {error.msg.removesuffix(' at')}",
        ) from None


def _members(line: str) -> list[Member]:
    position = _skip(line, 0)
    if line[position : position + 1] != "{":
        _refuse_other(line, position)
    members: list[Member] = []
    position = _skip(line, position + 1)
    mark = line[position : position + 1]
    while mark != "}":
        member, position = _member(line, position)
        members.append(member)
        mark = line[position : position + 1]
        if mark == ",":
            position = _skip(line, position + 1)
        elif mark != "}":
            raise JSONDecodeError("expecting ',' or '}'", line, position)
    _expect_end(line, position + 1)
    return members


def _member(line: str, position: int) -> tuple[Member, int]:
    """Read a key, its value and the white space after it."""
    if line[position : position + 1] != '"':
        raise JSONDecodeError("expecting a key in double quotes", line, position)
    key, position = _decoder.raw_decode(line, position)
    colon = _COLON.match(line, position)
    if colon is None:
        raise JSONDecodeError("expecting ':'", line, position)
    start = colon.end()
    value, end = _decoder.raw_decode(line, start)
    text = value if isinstance(value, str) else None
    return Member(key, line[start:end], text), _skip(line, end)


def _skip(line: str, position: int) -> int:
    """Move past white space."""
    # Most lines have one space or none.
    while line[position : position + 1] in _WHITESPACE:
        position += 1
    return position


def _expect_end(line: str, position: int) -> None:
    position = _skip(line, position)
    if position < len(line):
        raise JSONDecodeError("more follows the object; one object a line", line, position)


def _refuse_other(line: str, position: int) -> None:
    _, end = _decoder.raw_decode(line, position)
    _expect_end(line, end)
    raise LineFault(
        RejectReason.NOT_AN_OBJECT,
        f"the line is {kind_of(line[position:])}; a row is one JSON object in braces",
    )


def kind_of(raw: str) -> str:
    """Name the kind of JSON value that the text is, with its article."""
    kinds = {'"': "a string", "{": "an object", "[": "an array", "n": "null"}
    return kinds.get(raw[0], "a boolean" if raw[0] in "tf" else "a number")


def _check_nesting(line: str) -> None:
    if line.count("[") + line.count("{") <= MAX_NESTING:
        return
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", line)):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_NESTING:
            raise LineFault(
                RejectReason.MALFORMED_JSON, f"the line is nested deeper than {MAX_NESTING} levels"
            )
