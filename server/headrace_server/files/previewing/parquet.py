"""Previews of Parquet files."""

from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from headrace_server.files.formats import Compression
from headrace_server.files.previewing.request import (
    OpenedFile,
    PreviewRequest,
)
from headrace_server.files.previewing.shown import ShownRows, shown_value
from headrace_server.files.sniffing.columns import check_columns, unique_names
from headrace_server.files.sniffing.containers import FileFormat
from headrace_server.files.sniffing.findings import ColumnType
from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.preview import Preview, PreviewColumn, Shown

#: bytes of one group of rows, which is read page by page but may hold large ones
_MOST_GROUP_BYTES = 4 << 30


def preview_parquet(
    opened: OpenedFile, plain: BinaryIO, compression: Compression, request: PreviewRequest
) -> Preview:
    """Show a Parquet file; `plain` is the file unpacked. Raises InvalidFieldError if damaged."""
    try:
        parquet = pq.ParquetFile(
            plain, buffer_size=1 << 20, pre_buffer=False, thrift_string_size_limit=16 << 20
        )
        schema, metadata = parquet.schema_arrow, parquet.metadata
        check_columns(len(schema))
        shown = ShownRows(request.limit)
        if metadata.num_rows:
            _check_groups(metadata)
            for batch in parquet.iter_batches(batch_size=request.limit, use_threads=False):
                shown.add_all(zip(*map(_values, batch.columns), strict=True))
                if shown.full:
                    break
    except (pa.ArrowException, OSError, MemoryError, UnicodeDecodeError) as error:
        raise InvalidFieldError.of("file", f"is a damaged Parquet file: {error}") from error
    names = unique_names(schema.names, len(schema))
    return Preview(
        file_name=request.file_name,
        file_size_bytes=opened.size,
        format=FileFormat.PARQUET.value,
        compression=None if compression is Compression.NONE else compression.value,
        columns=tuple(
            PreviewColumn(name, *types_of(field.type), confidence=1.0)
            for name, field in zip(names, schema, strict=True)
        ),
        rows=tuple(shown.rows),
        estimated_total_rows=metadata.num_rows,
        rows_are_exact=True,
        confidences={"format": 1.0},
        sample_bytes=0,
        truncated_cells=shown.truncated,
    )


def _check_groups(metadata: pq.FileMetaData) -> None:
    if metadata.row_group(0).total_byte_size > _MOST_GROUP_BYTES:
        raise InvalidFieldError.of("file", "its first group of rows is too large for a preview")


def types_of(kind: pa.DataType) -> tuple[str, str]:
    """Return the documented name and the SQL type of an Arrow type."""
    for is_it, type_, sql in _KINDS:
        if is_it(kind):
            return type_.value, sql
    if pa.types.is_decimal(kind):
        return ColumnType.FLOAT.value, f"NUMERIC({kind.precision},{kind.scale})"
    if pa.types.is_timestamp(kind):
        sql = "TIMESTAMP WITH TIME ZONE" if kind.tz else "TIMESTAMP"
        return ColumnType.DATETIME.value, sql
    return ColumnType.STRING.value, "TEXT"


_KINDS: tuple[tuple[Any, ColumnType, str], ...] = (
    (pa.types.is_boolean, ColumnType.BOOLEAN, "BOOLEAN"),
    (pa.types.is_uint64, ColumnType.INTEGER, "NUMERIC"),
    (pa.types.is_integer, ColumnType.INTEGER, "BIGINT"),
    (pa.types.is_floating, ColumnType.FLOAT, "DOUBLE PRECISION"),
    (pa.types.is_date, ColumnType.DATE, "DATE"),
    (pa.types.is_time, ColumnType.TIME, "TIME"),
    (pa.types.is_list, ColumnType.ARRAY, "JSON"),
    (pa.types.is_large_list, ColumnType.ARRAY, "JSON"),
    (pa.types.is_fixed_size_list, ColumnType.ARRAY, "JSON"),
    (pa.types.is_struct, ColumnType.OBJECT, "JSON"),
    (pa.types.is_map, ColumnType.OBJECT, "JSON"),
    (pa.types.is_null, ColumnType.EMPTY, "TEXT"),
)


def _values(column: pa.Array) -> list[Shown]:
    kind = column.type
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        return _as_texts(column)  # Python knows no nanoseconds
    try:
        return [shown_value(value) for value in column.to_pylist()]
    except (ValueError, OverflowError):
        return _as_texts(column)  # beyond what Python knows, such as the year 20000


def _as_texts(column: pa.Array) -> list[Shown]:
    try:
        texts: list[str | None] = column.cast(pa.string()).to_pylist()
    except pa.ArrowNotImplementedError:
        return ["(cannot be shown)"] * len(column)  # such moments within lists and objects
    day_mark = "T" if pa.types.is_timestamp(column.type) else " "
    return [text and text.replace(" ", day_mark, 1) for text in texts]
