"""Previews of JSON documents and of lines of JSON."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal

from headrace_server.files.previewing.delimited import grown, packing, preview_column
from headrace_server.files.previewing.request import (
    GROWN_BYTES,
    MOST_JSON_BYTES,
    OpenedFile,
    PreviewRequest,
)
from headrace_server.files.previewing.shown import ShownRows, shown_value
from headrace_server.files.sniffing.columns import check_columns
from headrace_server.files.sniffing.containers import FileFormat
from headrace_server.files.sniffing.encodings import decode, sniff_encoding
from headrace_server.files.sniffing.findings import Finding, given
from headrace_server.files.sniffing.kinds import column_of_values, keys_of
from headrace_server.files.sniffing.samples import Sample, estimate_rows
from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.preview import Preview

_LINE_END = re.compile(r"\r\n|\n|\r")
_MOST_DIGITS = 4000
#: name of the column of values that have no names
VALUE = "value"

Row = dict[str, object]


def _integer(token: str) -> object:
    return int(token) if len(token) < _MOST_DIGITS else token


#: reads numbers exactly
DECODER = json.JSONDecoder(parse_float=Decimal, parse_int=_integer, parse_constant=str)


def preview_json(
    opened: OpenedFile, sample: Sample, request: PreviewRequest, format_: Finding[FileFormat]
) -> Preview:
    """Show JSON. Raises TooLargeError, InvalidFieldError for a document that is broken."""
    encoding = given(request.given.encoding) if request.given.encoding else None
    encoding = encoding or sniff_encoding(sample.data)
    rows, unreadable = rows_of(sample, encoding.value, format_.value)
    if len(rows) < request.limit and not sample.whole and len(sample.data) < GROWN_BYTES:
        sample = grown(sample, opened, request.limit, len(rows))
        rows, unreadable = rows_of(sample, encoding.value, format_.value)
    if not rows and not sample.whole:
        sample = opened.sample(MOST_JSON_BYTES, sample.compression)
        rows, unreadable = rows_of(sample, encoding.value, format_.value)
    if not rows and (unreadable or not sample.whole):
        raise InvalidFieldError.of("file", f"holds no {format_.value.value} that can be read")
    names = keys_of(rows)
    check_columns(len(names))
    columns = [
        column_of_values(name, (row[name] for row in rows if row.get(name) is not None))
        for name in names
    ]
    shown = ShownRows(request.limit)
    shown.add_all([shown_value(row.get(name)) for name in names] for row in rows)
    return Preview(
        file_name=request.file_name,
        file_size_bytes=opened.size,
        format=format_.value.value,
        compression=packing(sample),
        columns=tuple(map(preview_column, columns)),
        rows=tuple(shown.rows),
        estimated_total_rows=_estimate(sample, rows, opened, format_.value),
        rows_are_exact=sample.whole,
        confidences={"format": format_.confidence, "encoding": encoding.confidence},
        sample_bytes=len(sample.data),
        encoding=encoding.value,
        unreadable_rows=unreadable,
        truncated_cells=shown.truncated,
    )


def _estimate(sample: Sample, rows: list[Row], opened: OpenedFile, format_: FileFormat) -> int:
    # In a document, lines are no records.
    line_end = b"\n" if format_ is FileFormat.NDJSON else b"\0"
    return estimate_rows(sample, len(rows), opened.file, line_end)


def rows_of(sample: Sample, encoding: str, format_: FileFormat) -> tuple[list[Row], int]:
    """Return the rows of a sample and how many records of it cannot be read."""
    text = decode(sample.data, encoding)
    if format_ is FileFormat.NDJSON:
        return _rows_of_lines(text, whole=sample.whole)
    return _rows_of_document(text, whole=sample.whole)


def _rows_of_lines(text: str, *, whole: bool) -> tuple[list[Row], int]:
    lines = _LINE_END.split(text)
    if not whole:
        lines.pop()  # cut somewhere
    rows, unreadable = [], 0
    for line in filter(str.strip, lines):
        try:
            rows.append(_row(DECODER.decode(line)))
        except (ValueError, RecursionError):
            unreadable += 1
    return rows, unreadable


def _rows_of_document(text: str, *, whole: bool) -> tuple[list[Row], int]:
    text = text.strip()
    if not text.startswith("["):
        try:
            return [_row(DECODER.decode(text))], 0
        except (ValueError, RecursionError):
            return [], 1
    rows: list[Row] = []
    try:
        rows.extend(_row(value) for value in _elements(text))
    except (ValueError, RecursionError):
        return rows, int(whole)
    return rows, 0


_SPACE = re.compile(r"\s*")


def _elements(text: str) -> Iterator[object]:
    """Yield the values of a list that may end cut. Raises ValueError where it is broken or cut."""
    place = _after_space(text, 1)
    while text[place : place + 1] != "]":
        value, place = DECODER.raw_decode(text, place)
        place = _after_space(text, place)
        mark = text[place : place + 1]
        if mark not in {",", "]"} or not mark:
            raise ValueError(place)
        yield value
        if mark == ",":
            place = _after_space(text, place + 1)


def _after_space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place


def _row(value: object) -> Row:
    if isinstance(value, dict):
        return value
    if isinstance(value, list):
        return {f"column_{place + 1}": each for place, each in enumerate(value)}
    return {VALUE: value}
