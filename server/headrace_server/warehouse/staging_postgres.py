"""Staged chunks for PostgreSQL: files in the text format of COPY."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast
from uuid import uuid4

from headrace_server.model.contract import Column, ColumnType, Table
from headrace_server.model.rows import RejectedLine, RowBlock, Value

#: file of the rows: the table's columns, line, byte offset
ROWS_FILE = "rows.copy"
#: file of the rejects: line, byte offset, column, reason, message, raw, raw_truncated
REJECTS_FILE = "rejects.copy"

_FREE_TEXT = (ColumnType.STRING, ColumnType.JSON)
#: carried as something else than text, whose `str` is right for COPY
_NUMBERS = (ColumnType.INTEGER, ColumnType.FLOAT, ColumnType.BOOLEAN)


_POSITION = (Column("line", ColumnType.INTEGER), Column("byte_offset", ColumnType.INTEGER))
_REJECT = (
    *_POSITION,
    Column("column", ColumnType.STRING, nullable=True),
    Column("reason", ColumnType.STRING),
    Column("message", ColumnType.STRING),
    Column("raw", ColumnType.STRING),
    Column("raw_truncated", ColumnType.BOOLEAN),
)


class PostgresWriter:
    """Writes blocks as lines of COPY text."""

    def __init__(self, table: Table, rows: BinaryIO, rejects: BinaryIO) -> None:
        self._columns = (*table.columns, *_POSITION)
        self._rows = rows
        self._rejects = rejects

    def write(self, block: RowBlock) -> None:
        """Append the rows."""
        values = (*block.columns, block.lines, block.byte_offsets)
        self._rows.write(_copy_text(self._columns, values))

    def reject(self, lines: list[RejectedLine]) -> None:
        """Append the rejected lines."""
        values: list[Sequence[Value]] = [
            [line.line for line in lines],
            [line.byte_offset for line in lines],
            [line.column for line in lines],
            [line.reason.value for line in lines],
            [line.message for line in lines],
            [line.raw for line in lines],
            [line.raw_truncated for line in lines],
        ]
        self._rejects.write(_copy_text(_REJECT, values))


@contextmanager
def postgres_writer(path: Path, table: Table) -> Iterator[PostgresWriter]:
    """Open the files of a chunk; they take their names when the block ends well."""
    path.mkdir(parents=True, exist_ok=True)
    suffix = f".{uuid4().hex}"
    rows, rejects = path / (ROWS_FILE + suffix), path / (REJECTS_FILE + suffix)
    try:
        with rows.open("wb") as rows_file, rejects.open("wb") as rejects_file:
            yield PostgresWriter(table, rows_file, rejects_file)
        os.replace(rows, path / ROWS_FILE)  # noqa: PTH105  # reads as the rename it is
        os.replace(rejects, path / REJECTS_FILE)  # noqa: PTH105
    finally:
        rows.unlink(missing_ok=True)
        rejects.unlink(missing_ok=True)


def _copy_text(columns: Sequence[Column], values: Sequence[Sequence[Value]]) -> bytes:
    """Lines of tab-separated fields, each ended; nothing for no rows."""
    fields = [_fields(*pair) for pair in zip(columns, values, strict=True)]
    lines = list(map("\t".join, zip(*fields, strict=True)))
    return "\n".join([*lines, ""]).encode()


def _fields(column: Column, values: Sequence[Value]) -> Sequence[str]:
    if column.nullable and None in values:
        present = ["" if value is None else value for value in values]
        fields = _texts(column.type, present)
        return [
            r"\N" if value is None else text for value, text in zip(values, fields, strict=True)
        ]
    return _texts(column.type, values)


def _texts(kind: ColumnType, values: Sequence[Value]) -> Sequence[str]:
    if kind in _NUMBERS:
        return list(map(str, values))
    texts = cast("Sequence[str]", values)
    return _escaped(texts) if kind in _FREE_TEXT else texts


def _escaped(texts: Sequence[str]) -> Sequence[str]:
    """Free text: escaped at once over the joined column, and only if it must be."""
    joined = "\0".join(texts)  # no value holds NUL
    if "\\" in joined or "\t" in joined or "\n" in joined or "\r" in joined:
        escaped = joined.replace("\\", r"\\").replace("\t", r"\t")
        return escaped.replace("\n", r"\n").replace("\r", r"\r").split("\0")
    return texts
