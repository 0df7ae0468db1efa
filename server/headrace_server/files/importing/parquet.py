"""Parquet files: understood by their schema, and made plain."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from headrace_server.files.formats import Compression
from headrace_server.files.importing.json_text import json_text
from headrace_server.files.importing.plain_text import Writer
from headrace_server.files.importing.plan import FilePlan, plan_columns
from headrace_server.files.previewing.parquet import types_of
from headrace_server.files.sniffing.columns import check_columns, unique_names
from headrace_server.files.sniffing.findings import Column, ColumnType
from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.file_import import ImportOptions

_ROWS_AT_ONCE = 4096
#: that such rows may take in memory where a value stands in the file once for all of them
_BYTES_AT_ONCE = 256 << 20
_TEXTS = "BYTE_ARRAY"
_LISTS = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
#: nanoseconds that are whole microseconds
_MICROSECONDS = re.compile(r"(\.[0-9]{6})000(?![0-9])")


def understand_parquet(
    file: BinaryIO, compression: Compression, options: ImportOptions
) -> FilePlan:
    """Plan the columns of the schema. Raises InvalidFieldError for a damaged file."""
    with _opened(file) as parquet:
        schema = parquet.schema_arrow
    check_columns(len(schema))
    if not len(schema):
        raise InvalidFieldError.of("file", "holds no table: it has no columns")
    names = unique_names(schema.names, len(schema))
    return FilePlan(
        format="parquet",
        compression=compression,
        columns=plan_columns([_column(*pair) for pair in zip(names, schema, strict=True)], options),
        null_values=options.null_values,
    )


def write_parquet(source: BinaryIO, target: Writer, plan: FilePlan) -> None:
    """Write each row as a line. Raises InvalidFieldError for a damaged file."""
    for line in _lines(source, plan):
        target.write(line)


def _lines(source: BinaryIO, plan: FilePlan) -> Iterator[bytes]:
    keys = [f"{json_text(column.source)}:" for column in plan.columns]
    with _opened(source) as parquet:
        for batch in _batches(parquet):
            columns = list(map(_texts, batch.columns))
            for row in zip(*columns, strict=True):
                pairs = (key + text for key, text in zip(keys, row, strict=True) if text)
                yield f"{{{','.join(pairs)}}}\n".encode()


def _batches(parquet: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
    """Read rows, fewer at once where long values may repeat: memory has each of them anew."""
    for number in range(parquet.num_row_groups):
        group = parquet.metadata.row_group(number)
        longest = sum(
            column.total_uncompressed_size
            for column in map(group.column, range(group.num_columns))
            if column.physical_type == _TEXTS and column.has_dictionary_page
        )
        rows = max(1, min(_ROWS_AT_ONCE, _BYTES_AT_ONCE // max(longest, 1)))
        yield from parquet.iter_batches(batch_size=rows, row_groups=[number], use_threads=False)


@contextmanager
def _opened(file: BinaryIO) -> Iterator[pq.ParquetFile]:
    file.seek(0)
    try:
        yield pq.ParquetFile(
            file, buffer_size=1 << 20, pre_buffer=False, thrift_string_size_limit=16 << 20
        )
    except (pa.ArrowException, OSError, MemoryError, UnicodeDecodeError) as error:
        raise InvalidFieldError.of("file", f"is a damaged Parquet file: {error}") from error


def _column(name: str, field: pa.Field) -> Column:
    type_, sql_type = types_of(field.type)
    return Column(name, ColumnType(type_), 1.0, sql_type)


def _texts(column: pa.Array) -> list[str]:
    """The values as JSON text; empty for null."""
    kind = column.type
    if pa.types.is_duration(kind):
        counts = column.cast(pa.int64()).to_pylist()
        return [f'"{count} {kind.unit}"' if count is not None else "" for count in counts]
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        return _values(_in_words(column))  # Python knows no nanoseconds
    try:
        return _values(column)
    except (ValueError, OverflowError):
        return _values(_in_words(column))  # beyond what Python knows, such as the year 20000


def _values(column: pa.Array) -> list[str]:
    return ["" if value is None else json_text(value) for value in column.to_pylist()]


def _in_words(column: pa.Array) -> pa.Array:
    """Write the moments of a column, also those within lists and objects, as text."""
    words = column.cast(_worded(column.type))
    if words.type != pa.string():
        return words
    return pa.array([text and _MICROSECONDS.sub(r"\1", text) for text in words.to_pylist()])


def _worded(kind: pa.DataType) -> pa.DataType:
    """The type with texts for all that Python may not know."""
    if pa.types.is_temporal(kind):
        return pa.string()
    if any(is_it(kind) for is_it in _LISTS):
        return pa.large_list(_worded(kind.value_type))
    if pa.types.is_map(kind):
        return pa.map_(_worded(kind.key_type), _worded(kind.item_type))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_worded(field.type)) for field in kind])
    return kind
