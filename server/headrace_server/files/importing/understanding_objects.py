"""Objects understood by a sample: lines of JSON and JSON documents."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import BinaryIO

from headrace_server.files.importing.objects import holds
from headrace_server.files.importing.plan import FilePlan, PlannedColumn, plan_columns
from headrace_server.files.importing.spellings import spelled
from headrace_server.files.importing.widths import widened_until
from headrace_server.files.previewing.json_text import DECODER, Row, rows_of
from headrace_server.files.previewing.request import MOST_JSON_BYTES
from headrace_server.files.sniffing.columns import check_columns
from headrace_server.files.sniffing.containers import FileFormat
from headrace_server.files.sniffing.encodings import decode, sniff_encoding
from headrace_server.files.sniffing.findings import Column
from headrace_server.files.sniffing.kinds import column_of_values, keys_of
from headrace_server.files.sniffing.records import line_terminator
from headrace_server.files.sniffing.samples import Sample, take_sample
from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.file_import import ImportOptions

_LINE_END = re.compile(r"\r\n|\n|\r")


def understand_objects(
    file: BinaryIO, sample: Sample, options: ImportOptions, format_: str
) -> FilePlan:
    """Plan JSON of the format json or ndjson. Raises InvalidFieldError and TooLargeError."""
    encoding = options.encoding or sniff_encoding(sample.data).value
    rows = _rows(sample, encoding, format_)
    if not rows and not sample.whole:
        sample = take_sample(file, sample.size, MOST_JSON_BYTES, sample.compression)
        rows = _rows(sample, encoding, format_)
    if not rows:
        raise InvalidFieldError.of("file", f"holds no {format_} that can be read")
    ends = line_terminator(decode(sample.data, encoding)) if format_ == "ndjson" else ""
    return planned_objects(
        FilePlan(
            format=format_,
            compression=sample.compression,
            columns=(),
            encoding=encoding,
            line_end="\r" if ends == "\r" else "\n",
            null_values=options.null_values,
            infers_types=options.infer_schema,
        ),
        keys_of(rows),
        rows,
        options,
    )


def planned_objects(
    plan: FilePlan, names: Sequence[str], rows: Sequence[Row], options: ImportOptions
) -> FilePlan:
    """Plan the columns of rows that are objects. Raises what `plan_columns` raises."""
    check_columns(len(names))
    nulls = frozenset(options.null_values)
    sniffed = [_sniffed(name, (row.get(name) for row in rows), nulls) for name in names]
    if not sniffed:
        raise InvalidFieldError.of("file", "holds no table: it has no columns")
    planned = [
        spelled(widened_until(each, lambda column: holds(column, rows, nulls)), _texts(each, rows))
        for each in plan_columns(sniffed, options)
    ]
    return replace(plan, columns=tuple(planned))


def _texts(planned: PlannedColumn, rows: Sequence[Row]) -> list[str]:
    values = (row.get(planned.source) for row in rows)
    return [value for value in values if isinstance(value, str)]


def _sniffed(name: str, values: Iterable[object], nulls: frozenset[str]) -> Column:
    there = (
        value
        for value in values
        if value is not None and not (isinstance(value, str) and value.strip() in nulls)
    )
    return column_of_values(name, there)


def _rows(sample: Sample, encoding: str, format_: str) -> list[Row]:
    if format_ == "json":
        return rows_of(sample, encoding, FileFormat.JSON)[0]
    lines = _LINE_END.split(decode(sample.data, encoding))
    if not sample.whole:
        lines.pop()  # cut somewhere
    return [row for line in lines if isinstance(row := _value(line), dict)]


def _value(line: str) -> object:
    try:
        return DECODER.decode(line)
    except (ValueError, RecursionError):
        return None
