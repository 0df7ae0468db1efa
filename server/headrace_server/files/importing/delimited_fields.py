"""Records of delimited text taken apart: many at once, or one with care."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from headrace_server.files.importing.delimited_form import RECORD_END, form_of
from headrace_server.files.importing.plan import FilePlan
from headrace_server.files.object_reader import RowFault
from headrace_server.model.rows import RejectReason


class Field(NamedTuple):
    """One field of a record."""

    #: without its quotes
    text: str
    quoted: bool


class FieldSplitter:
    """Takes records of one plan apart."""

    def __init__(self, plan: FilePlan) -> None:
        self._form = form_of(plan)
        self._width = len(plan.columns)
        self._delimiter, self._quote = self._form.delimiter.decode(), self._form.quote.decode()
        self._marks = {self._delimiter, self._quote, self._form.escape.decode()}
        #: whether no quotes were seen to hold more than they could do without
        self._are_simple = True
        self._field = self._form.field()
        self._regular = self._form.regular_records(self._width)

    def records_of(self, raws: Sequence[bytes]) -> Sequence[int]:
        """Return the places of what are records: no blank lines and no comments."""
        delimiter, comment = self._form.delimiter, self._form.comment
        places = [
            place
            for place, raw in enumerate(raws)
            if raw and not (raw.isspace() and not (delimiter and delimiter in raw))
        ]
        if comment:
            return [place for place in places if not raws[place].startswith(comment)]
        return places

    def split_all(
        self, raws: Sequence[bytes], places: Sequence[int]
    ) -> tuple[Sequence[int], list[Sequence[str]]]:
        """Return which of the records are regular, and their fields by column, quotes included.

        No field of these holds RECORD_END.
        """
        places, text = self._joined(raws, places)
        if not places:
            return [], [() for _ in range(self._width)]
        columns = self._parted(text, len(places))
        if not self._quote or self._quote not in text:
            return (places, columns) if columns else self._split_lines(text, places)
        if columns and all(map(self._is_simple, columns)):
            return places, columns
        self._are_simple = False
        return self._split_quoted(text, places)

    def _joined(self, raws: Sequence[bytes], places: Sequence[int]) -> tuple[Sequence[int], str]:
        """Join records that are UTF-8, each ended by RECORD_END, and tell their places."""
        if RECORD_END in self._marks:
            return [], ""
        end = RECORD_END.encode()
        joined = _ended(raws, places)
        if joined.count(end) > len(places):
            places = [place for place in places if end not in raws[place]]
            joined = _ended(raws, places)
        try:
            return places, joined.decode()
        except UnicodeDecodeError:
            places = [place for place in places if _is_utf8(raws[place])]
            return places, _ended(raws, places).decode()

    def _parted(self, text: str, count: int) -> list[Sequence[str]] | None:
        """Part records of one line each at their delimiters; None where the fields do not fit.

        Once quotes were found to hold what parts fields it is not tried again.
        """
        if "\n" in text or "\r" in text or (self._quote in text and not self._are_simple):
            return None
        if not self._delimiter:
            return [text[:-1].split(RECORD_END)]
        between = f"{self._delimiter}{RECORD_END}{self._delimiter}"
        fields = text[:-1].replace(RECORD_END, between).split(self._delimiter)
        step = self._width + 1
        ends = fields[self._width :: step]
        if len(fields) != count * step - 1 or ends.count(RECORD_END) != count - 1:
            return None
        return [fields[place::step] for place in range(self._width)]

    def _is_simple(self, fields: Sequence[str]) -> bool:
        """Whether no field has a quote, or each has one at both ends and none between them."""
        joined = RECORD_END.join(fields)
        quotes = joined.count(self._quote)
        if not quotes:
            return True
        between = f"{self._quote}{RECORD_END}{self._quote}"
        # A single quote does not both begin and end a field.
        begin = joined.startswith(self._quote) and joined[1:2] != RECORD_END
        end = joined.endswith(self._quote) and joined[-2:-1] != RECORD_END
        return begin and end and quotes == 2 * len(fields) == 2 * joined.count(between) + 2

    def _split_lines(
        self, text: str, places: Sequence[int]
    ) -> tuple[Sequence[int], list[Sequence[str]]]:
        """Split those records that are of one line, and of as many fields as there are columns."""
        texts = text[:-1].split(RECORD_END)
        regular = [
            n
            for n, each in enumerate(texts)
            if (each.count(self._delimiter) if self._delimiter else 0) == self._width - 1
            and "\n" not in each
            and "\r" not in each
        ]
        kept = "".join(f"{texts[n]}{RECORD_END}" for n in regular)
        columns = self._parted(kept, len(regular)) if regular else None
        return [places[n] for n in regular], columns or [() for _ in range(self._width)]

    def _split_quoted(
        self, text: str, places: Sequence[int]
    ) -> tuple[Sequence[int], list[Sequence[str]]]:
        *columns, others = zip(*self._regular.findall(text), strict=True)
        if not any(others):
            return places, [*columns]
        regular = [n for n, other in enumerate(others) if not other]
        return [places[n] for n in regular], [[each[n] for n in regular] for each in columns]

    def split(self, raw: bytes) -> list[Field]:
        """Return the fields of one record, as many as the file has columns.

        Raises RowFault where it is not UTF-8 or has more or fewer; empty fields at its end are no
        matter.
        """
        try:
            raw.decode()
        except UnicodeDecodeError as error:
            message = f"the record is not UTF-8 at its byte {error.start + 1}"
            raise RowFault(None, RejectReason.INVALID_UTF8, message) from None
        fields = self._fields_of(raw)
        found = len(fields)
        while len(fields) > self._width and not fields[-1].text.strip():
            fields.pop()
        if len(fields) != self._width:
            message = f"the record has {found} fields; the file has {self._width} columns"
            raise RowFault(None, RejectReason.WRONG_FIELD_COUNT, message)
        return fields

    def _fields_of(self, raw: bytes) -> list[Field]:
        delimiter = self._form.delimiter
        fields, begin = [], 0
        while True:
            found = self._field.match(raw, begin)
            if found is None:  # pragma: no cover  # a plain field may be empty
                raise RuntimeError(raw)
            fields.append(self._field_of(found))
            begin = found.end() + len(delimiter)
            if found.end() == len(raw):
                return fields
            if not delimiter or not raw.startswith(delimiter, found.end()):
                message = "the record goes on after the end of its line; quotes would hold it"
                raise RowFault(None, RejectReason.WRONG_FIELD_COUNT, message)

    def _field_of(self, found: re.Match[bytes]) -> Field:
        if found["inside"] is None:
            return Field(found["plain"].decode(), quoted=False)
        return Field(self._form.unquoted(found["inside"].decode()), quoted=True)


def _ended(raws: Sequence[bytes], places: Sequence[int]) -> bytes:
    picked = raws if len(places) == len(raws) else [raws[place] for place in places]
    return RECORD_END.encode().join([*picked, b""])


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
