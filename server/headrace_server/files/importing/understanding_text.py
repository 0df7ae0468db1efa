"""Delimited text understood by a sample."""

from collections.abc import Sequence
from typing import BinaryIO

from headrace_server.files.importing.field_columns import reads_all
from headrace_server.files.importing.plan import FilePlan, PlannedColumn, plan_columns
from headrace_server.files.importing.spellings import spelled
from headrace_server.files.importing.widths import widened_until
from headrace_server.files.records import MAX_LINE_BYTES
from headrace_server.files.sniffing.columns import sniff_columns
from headrace_server.files.sniffing.findings import Table
from headrace_server.files.sniffing.records import Record
from headrace_server.files.sniffing.samples import Sample, take_sample
from headrace_server.files.sniffing.tables import Given, sniff_table
from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.file_import import ImportOptions

#: bytes in which a record must have ended
_MOST_BYTES = 2 * MAX_LINE_BYTES


def understand_text(file: BinaryIO, sample: Sample, options: ImportOptions) -> FilePlan:
    """Plan delimited text. Raises InvalidFieldError and TooLargeError."""
    _check_marks(options)
    table = sniff_table(sample.data, _given(options), whole=sample.whole)
    if not table.rows and not sample.whole:
        # What comes first is longer than the sample.
        sample = take_sample(file, sample.size, _MOST_BYTES, sample.compression)
        table = sniff_table(sample.data, _given(options), whole=sample.whole)
        if not table.rows and not sample.whole:
            message = f"has no whole record in its first {_MOST_BYTES} bytes"
            raise InvalidFieldError.of("file", message)
    rows: Sequence[Sequence[str]] = table.rows
    sniffed = table.columns
    if options.null_values:
        records = [_without_nulls(row, options.null_values) for row in rows]
        rows, sniffed = records, sniff_columns([each.name for each in sniffed], records)
    used = _used(table, rows)
    if not used:
        raise InvalidFieldError.of("file", "holds no table: it has no columns")
    planned = plan_columns(sniffed[:used], options)
    dialect = table.dialect.value
    return FilePlan(
        format="tsv" if dialect.delimiter == "\t" else "csv",
        compression=sample.compression,
        columns=tuple(_held(each, rows) for each in planned),
        encoding=table.encoding.value,
        delimiter=dialect.delimiter,
        quote=dialect.quote or options.quote or _usual_quote(table),
        escape=dialect.escape or options.escape,
        has_header=table.has_header.value,
        first_line=_first_line(table, sample),
        line_end="\r" if table.line_terminator == "\r" else "\n",
        comment=table.comment,
        null_values=options.null_values,
        infers_types=options.infer_schema,
    )


def _check_marks(options: ImportOptions) -> None:
    marks = {"quote": options.quote, "escape": options.escape}
    for field, mark in marks.items():
        if mark and (len(mark) > 1 or not mark.isascii() or mark in "\r\n\0"):
            raise InvalidFieldError.of(field, f"must be one ASCII character, not {mark!r}")
    delimiter = options.delimiter
    if delimiter and (len(delimiter) > 1 or delimiter in "\r\n\0"):
        raise InvalidFieldError.of("delimiter", f"must be one character, not {delimiter!r}")


def _given(options: ImportOptions) -> Given:
    delimiter = options.delimiter or ("\t" if options.format == "tsv" else None)
    return Given(
        encoding=options.encoding or None,
        delimiter=delimiter,
        quote=options.quote or None,
        escape=options.escape or None,
        has_header=options.has_header,
        skip_lines=options.skip_lines,
        comment=options.comment,
    )


def _usual_quote(table: Table) -> str | None:
    """The quote that later records may have though none of the sample has one."""
    opened = any(field.lstrip().startswith('"') for row in table.rows for field in row)
    return None if opened else '"'


def _without_nulls(row: Sequence[str], nulls: Sequence[str]) -> Record:
    record = Record(getattr(row, "first_line", 0))
    record.quoted = set(getattr(row, "quoted", ()))
    record.extend("" if field.strip() in nulls else field for field in row)
    return record


def _used(table: Table, rows: Sequence[Sequence[str]]) -> int:
    """How many columns there are without those at the end that have neither name nor value."""
    used = len(table.columns)
    while used and table.columns[used - 1].name == f"column_{used}" and table.has_header.value:
        if any(field.strip() for row in rows for field in row[used - 1 : used]):
            break
        used -= 1
    return used


def _first_line(table: Table, sample: Sample) -> int:
    """The line of the first record with data, from 1: after the last where there is none."""
    if table.rows:
        return int(getattr(table.rows[0], "first_line", 0)) + 1
    text = sample.data.decode(table.encoding.value, errors="replace")
    return len(text.splitlines()) + 1


def _held(planned: PlannedColumn, rows: Sequence[Sequence[str]]) -> PlannedColumn:
    """Widen a type whose form fits the sample where a value does not, such as a 30 February."""
    texts = [row[planned.place] for row in rows if planned.place < len(row)]
    distinct = list(set(texts))
    held = widened_until(planned, lambda column: reads_all(column, distinct))
    return spelled(held, texts)
