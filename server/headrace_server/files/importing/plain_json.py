"""JSON documents of any size as lines of one object each."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from headrace_server.files.importing.plain_text import Writer, texts_of, utf8_of
from headrace_server.files.importing.plan import FilePlan
from headrace_server.files.previewing.json_text import VALUE
from headrace_server.model.errors import InvalidFieldError, TooLargeError

#: characters of one value
MOST_CHARACTERS = 32 << 20

#: characters of the longest that is no text, such as -Infinity or an escape, and one more
_LONGEST_WORD = 16
_SPACE = re.compile(r"[ \t\r\n]*+")
#: what the digits of a number may be parted by, up to where the text is cut
_MAY_GO_ON = re.compile(r"[.eE+-]*\Z")
_LINE_ENDS = re.compile(r"[\r\n]")


def write_values(source: BinaryIO, target: Writer, plan: FilePlan) -> None:
    """Write each value of the document's list, or of several documents, as a line.

    Values are as they came, but for line ends between their parts; one that is no object becomes
    the key `value`, one that is a list `column_1` and so on. Raises InvalidFieldError with the line
    where the document is broken, and TooLargeError for a value of more than MOST_CHARACTERS.
    """
    for raw in _Values(texts_of(source, plan.encoding)).all():
        target.write(utf8_of(_line_of(raw)) + b"\n")


def _ignore(_token: str) -> None:
    """Numbers stay their text."""


_DECODER = json.JSONDecoder(parse_int=_ignore, parse_float=_ignore, parse_constant=_ignore)


class _Values:
    """The values of a text that comes in pieces, of which little more than one is held."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = iter(texts)
        self._text = ""
        self._place = 0
        self._lines_before = 0

    def all(self) -> Iterator[str]:
        """Yield the JSON text of each value."""
        while mark := self._next_mark():
            if mark == "[":
                self._place += 1
                yield from self._listed()
            else:
                yield self._value()

    def _listed(self) -> Iterator[str]:
        if self._next_mark() == "]":
            self._place += 1
            return
        mark = ","
        while mark == ",":
            yield self._value()
            mark = self._next_mark()
            if mark not in {",", "]"}:
                raise self._broken("expecting ',' or ']'", self._place)
            self._place += 1

    def _next_mark(self) -> str:
        """Move past white space and return the character there; empty at the end."""
        while True:
            found = _SPACE.match(self._text, self._place)
            self._place = found.end() if found else self._place
            if self._place < len(self._text):
                return self._text[self._place]
            if not self._read_on():
                return ""

    def _value(self) -> str:
        self._next_mark()
        while True:
            try:
                _, end = _DECODER.raw_decode(self._text, self._place)
            except json.JSONDecodeError as error:
                # It may only be cut here, be it in a text.
                if not self._may_be_cut(error):
                    raise self._broken(error.msg, error.pos) from None
                after = error.pos - self._place
                if not self._read_on():
                    raise self._broken(error.msg, self._place + after) from None
                continue
            except RecursionError:
                raise self._broken("it is nested too deeply", self._place) from None
            length = end - self._place
            if not _MAY_GO_ON.match(self._text, end) or not self._read_on():
                raw = self._text[self._place : self._place + length]
                self._place += length
                return raw

    def _may_be_cut(self, error: json.JSONDecodeError) -> bool:
        return error.msg.startswith("Unterminated") or error.pos > len(self._text) - _LONGEST_WORD

    def _read_on(self) -> bool:
        """Read as much again as there is of the present value; False at the end."""
        if self._place:
            self._lines_before += len(_LINE_ENDS.findall(self._text, 0, self._place))
            self._text, self._place = self._text[self._place :], 0
        if len(self._text) > MOST_CHARACTERS:
            limit = str(MOST_CHARACTERS)
            raise TooLargeError(
                f"a value of the JSON document is longer than {limit} characters; send lines of "
                f"one object each",
                limit=limit,
            )
        pieces = [self._text]
        wanted = 2 * len(self._text) + 1
        while wanted > 0 and (piece := next(self._texts, "")):
            pieces.append(piece)
            wanted -= len(piece)
        self._text = "".join(pieces)
        return len(pieces) > 1

    def _broken(self, words: str, place: int) -> InvalidFieldError:
        line = self._lines_before + len(_LINE_ENDS.findall(self._text, 0, place)) + 1
        return InvalidFieldError.of(
            "file", f"is no JSON document at its line {line}: {words.removesuffix(' at')}"
        )


def _line_of(raw: str) -> str:
    # No string holds a line end: that is no JSON.
    one_line = _LINE_ENDS.sub(" ", raw)
    if one_line[0] == "{":
        return one_line
    if one_line[0] != "[":
        return f'{{"{VALUE}":{one_line}}}'
    values = _Values([one_line]).all()
    pairs = (f'"column_{place}":{value}' for place, value in enumerate(values, 1))
    return f"{{{','.join(pairs)}}}"
