"""Records of delimited text taken apart: many at once, or one with care."""

from collections.abc import Sequence
from typing import NamedTuple

from headrace_server.files.importing.delimited_form import form_of
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
        self._field = self._form.field()
        self._regular = self._form.regular_record(self._width)

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
        """Return which of the records are regular, and their fields by column, quotes included."""
        texts = _decoded(raws, places)
        if texts is None:
            places = [place for place in places if _is_utf8(raws[place])]
            texts = [raws[place].decode() for place in places]
        quote = self._form.quote
        if quote and any(quote in raws[place] for place in places):
            return self._split_quoted(texts, places)
        return self._split_plain(texts, places)

    def _split_plain(
        self, texts: Sequence[str], places: Sequence[int]
    ) -> tuple[Sequence[int], list[Sequence[str]]]:
        delimiter = self._form.delimiter.decode()
        if not delimiter:
            return places, [texts]
        wanted = self._width - 1
        counts = [text.count(delimiter) for text in texts]
        if counts.count(wanted) < len(counts):
            regular = [n for n, count in enumerate(counts) if count == wanted]
            places, texts = [places[n] for n in regular], [texts[n] for n in regular]
        fields = delimiter.join(texts).split(delimiter) if texts else []
        return places, [fields[place :: self._width] for place in range(self._width)]

    def _split_quoted(
        self, texts: Sequence[str], places: Sequence[int]
    ) -> tuple[Sequence[int], list[Sequence[str]]]:
        matches = list(map(self._regular.fullmatch, texts))
        if None in matches:
            places = [place for place, match in zip(places, matches, strict=True) if match]
        rows = [match.groups() for match in matches if match]
        if not rows:
            return [], [[] for _ in range(self._width)]
        return places, list(zip(*rows, strict=True))

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
        fields = []
        end = -len(self._form.delimiter)
        while end < len(raw):
            found = self._field.match(raw, end + len(self._form.delimiter))
            if found is None:  # pragma: no cover  # a plain field may be empty
                break
            end = found.end()
            if found["inside"] is None:
                fields.append(Field(found["plain"].decode(), quoted=False))
            else:
                fields.append(Field(self._form.unquoted(found["inside"].decode()), quoted=True))
            if not self._form.delimiter:
                break
        return fields


def _decoded(raws: Sequence[bytes], places: Sequence[int]) -> list[str] | None:
    """Decode records, None where one is not UTF-8."""
    try:
        return [raws[place].decode() for place in places]
    except UnicodeDecodeError:
        return None


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
