"""Ranges of delimited text whose rows need no parsing: COPY takes them in its binary format.

Where each value has the form that its type is written in, native code reads the file's bytes
straight into that format; what no look tells, such as bytes that are no UTF-8, is left to the
database, which then refuses the rows.
"""

from collections.abc import Generator
from functools import lru_cache
from pathlib import Path

import headrace_pgcopy
from headrace_pgcopy import Field, Kind, RecordForm, Taken
from headrace_server.files.chunks import ChunkRange
from headrace_server.files.importing.plan import FilePlan, PlannedColumn
from headrace_server.files.records import MAX_LINE_BYTES
from headrace_server.model.contract import Column, ColumnType, Table
from headrace_server.model.errors import RefusedRowsError, StorageUnavailableError
from headrace_server.model.warehouse import Counted

_KINDS = {
    ColumnType.STRING: Kind.TEXT,
    ColumnType.INTEGER: Kind.INT8,
    ColumnType.DECIMAL: Kind.NUMERIC,
    ColumnType.FLOAT: Kind.FLOAT8,
    ColumnType.BOOLEAN: Kind.BOOL,
    ColumnType.DATE: Kind.DATE,
    ColumnType.DATETIME: Kind.TIMESTAMP,
    ColumnType.TIMESTAMP: Kind.TIMESTAMPTZ,
    ColumnType.TIME: Kind.TIME,
    ColumnType.UUID: Kind.UUID,
}
#: digits of a number without bounds, on either side of the point
_MOST_DIGITS = 400


def binary_form(
    table: Table, plan: FilePlan, max_record_bytes: int = MAX_LINE_BYTES
) -> RecordForm | None:
    """Return the form of records that may be given as rows of the table.

    None where values are to be changed, or have no form that is known, or no native code is there.
    """
    return _form(table, plan, max_record_bytes) if headrace_pgcopy.IS_BUILT else None


def take_binary(form: RecordForm, path: Path, offset: int, end: int, wanted: int) -> Taken | None:
    """Take records of a file until they have so many bytes, or reach its end.

    Returns None where one is not of the form. Raises StorageUnavailableError where the file ends
    before that.
    """
    return headrace_pgcopy.take_records(form, _Reader(path, offset, end).read, wanted)


def binary_rows(
    path: Path, chunk: ChunkRange, table: Table, plan: FilePlan, max_record_bytes: int
) -> Generator[bytes | memoryview, None, Counted]:
    """Give the data of `COPY table (the file's columns) FROM STDIN WITH (FORMAT binary)`.

    It has the rows that `parse_delimited` gives, or the database refuses it. Nothing is held open
    between two pieces. Raises RefusedRowsError where a record is not of the form, and
    StorageUnavailableError where the file ends before the range does.
    """
    form = binary_form(table, plan, max_record_bytes)
    if form is None:
        raise RefusedRowsError(f"rows of {path.name} have no binary form")
    reader = _Reader(path, chunk.byte_offset, chunk.byte_offset + chunk.byte_length)
    try:
        taken = yield from headrace_pgcopy.copy_data(form, reader.read)
    except headrace_pgcopy.OtherFormError as error:
        raise RefusedRowsError(f"rows of {path.name} are refused: {error}") from error
    return Counted(taken.rows, taken.lines)


class _Reader:
    """Reads a range of a file, which it opens for each piece anew."""

    def __init__(self, path: Path, offset: int, end: int) -> None:
        self._path = path
        self._at = offset
        self._end = end

    def read(self, buffer: memoryview) -> int:
        """Read the next bytes, as many as there is room for. Raises StorageUnavailableError."""
        left = self._end - self._at
        if not left:
            return 0
        try:
            with self._path.open("rb", buffering=0) as file:
                file.seek(self._at)
                size = file.readinto(buffer[:left])
        except OSError as error:
            raise StorageUnavailableError(f"{self._path.name} cannot be read: {error}") from error
        if not size:
            raise StorageUnavailableError(f"{self._path.name} ends {left} bytes too early")
        self._at += size
        return size


@lru_cache(maxsize=64)
def _form(table: Table, plan: FilePlan, max_record_bytes: int) -> RecordForm | None:
    by_name = {column.name: column for column in table.columns}
    columns = [by_name[each.name] for each in plan.columns if each.name in by_name]
    if (
        len(columns) < len(plan.columns)
        or not all(map(_is_read_alike, columns, plan.columns))
        or plan.comment
        or plan.null_values
        or plan.escape not in {None, plan.quote}
    ):
        return None
    try:
        return RecordForm(
            tuple(map(_field, columns)), plan.delimiter or "", plan.quote, max_record_bytes
        )
    except ValueError:
        return None


def _is_read_alike(column: Column, planned: PlannedColumn) -> bool:
    if column.type is ColumnType.STRING:
        return True
    return column.type in _KINDS and not planned.date_format and planned.decimal_mark == "."


def _field(column: Column) -> Field:
    kind = _KINDS[column.type]
    if kind is Kind.TEXT:
        return Field(kind, column.max_length)
    if kind is Kind.NUMERIC and column.precision:
        return Field(kind, column.precision - column.scale, column.scale)
    return Field(kind, _MOST_DIGITS, _MOST_DIGITS)
