"""Previews of delimited text."""

from headrace_server.files.formats import Compression
from headrace_server.files.previewing.request import (
    GROWN_BYTES,
    OpenedFile,
    PreviewRequest,
)
from headrace_server.files.previewing.shown import ShownRows, shown_field
from headrace_server.files.sniffing.containers import FileFormat
from headrace_server.files.sniffing.findings import Column, Finding, Table
from headrace_server.files.sniffing.samples import Sample, estimate_rows
from headrace_server.files.sniffing.tables import sniff_table
from headrace_server.model.preview import Preview, PreviewColumn, Shown


def preview_delimited(
    opened: OpenedFile, sample: Sample, request: PreviewRequest, format_: Finding[FileFormat]
) -> Preview:
    """Show delimited text. Raises TooLargeError for too many columns."""
    table = sniff_table(sample.data, request.given, whole=sample.whole)
    if len(table.rows) < request.limit and not sample.whole and len(sample.data) < GROWN_BYTES:
        sample = grown(sample, opened, request.limit, len(table.rows))
        table = sniff_table(sample.data, request.given, whole=sample.whole)
    shown = ShownRows(request.limit)
    shown.add_all(_shown(row, table.columns) for row in table.rows)
    width = len(table.columns)
    dialect = table.dialect.value
    line_end = (table.line_terminator or "\n")[-1].encode()
    if table.line_terminator == "mixed":
        line_end = b"\n"
    return Preview(
        file_name=request.file_name,
        file_size_bytes=opened.size,
        format=(FileFormat.TSV if dialect.delimiter == "\t" else FileFormat.CSV).value,
        compression=packing(sample),
        columns=tuple(map(preview_column, table.columns)),
        rows=tuple(shown.rows),
        estimated_total_rows=estimate_rows(sample, len(table.rows), opened.file, line_end),
        rows_are_exact=sample.whole,
        confidences=_confidences(table, format_),
        sample_bytes=len(sample.data),
        encoding=table.encoding.value,
        delimiter=dialect.delimiter,
        quote=dialect.quote,
        escape=dialect.escape,
        line_terminator=table.line_terminator or None,
        comment=table.comment,
        has_header=table.has_header.value,
        preamble_rows=table.preamble_rows,
        ragged_rows=sum(len(row) != width for row in table.rows),
        truncated_cells=shown.truncated,
    )


def grown(sample: Sample, opened: OpenedFile, limit: int, rows: int) -> Sample:
    """Return a larger sample of a file, of which the present one holds too few rows."""
    wanted = len(sample.data) * (limit + 1) * 5 // (4 * max(rows, 1))
    return opened.sample(min(wanted, GROWN_BYTES), sample.compression)


def packing(sample: Sample) -> str | None:
    """Name how the file is packed, None where it is not."""
    return None if sample.compression is Compression.NONE else sample.compression.value


def preview_column(column: Column) -> PreviewColumn:
    """Describe a column as previews do."""
    return PreviewColumn(
        column.name,
        column.type.value,
        column.sql_type,
        column.confidence,
        date_format=column.date_format,
        decimal_mark=column.decimal_mark,
    )


def _shown(row: list[str], columns: tuple[Column, ...]) -> list[Shown]:
    fields = row + [""] * (len(columns) - len(row))
    return [shown_field(field, column) for field, column in zip(fields, columns, strict=False)]


def _confidences(table: Table, format_: Finding[FileFormat]) -> dict[str, float]:
    return {
        "format": format_.confidence,
        "encoding": table.encoding.confidence,
        "dialect": table.dialect.confidence,
        "header": table.has_header.confidence,
    }
