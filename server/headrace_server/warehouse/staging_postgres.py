"""Staged chunks for PostgreSQL: files in the text format of COPY."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from headrace_server.model.contract import ColumnType, Table
from headrace_server.model.rows import RejectedLine, RowBlock, Value

#: file of the rows: the table's columns, line, byte offset
ROWS_FILE = "rows.copy"
#: file of the rejects: line, byte offset, column, reason, message, raw, raw_truncated
REJECTS_FILE = "rejects.copy"

_FREE_TEXT = (ColumnType.STRING, ColumnType.JSON)


class PostgresWriter:
    """Writes blocks as lines of COPY text."""

    def __init__(self, table: Table, rows: BinaryIO, rejects: BinaryIO) -> None:
        self._columns = table.columns
        self._rows = rows
        self._rejects = rejects

    def write(self, block: RowBlock) -> None:
        """Append the rows."""
        if not block.lines:
            return
        fields = [
            _fields(column.type, values)
            for column, values in zip(self._columns, block.columns, strict=True)
        ]
        fields += [_plain(block.lines), _plain(block.byte_offsets)]
        self._rows.write(_copy_lines(fields))

    def reject(self, lines: list[RejectedLine]) -> None:
        """Append the rejected lines."""
        if not lines:
            return
        self._rejects.write(
            _copy_lines(
                [
                    _plain([line.line for line in lines]),
                    _plain([line.byte_offset for line in lines]),
                    _text([line.column for line in lines]),
                    _plain([line.reason.value for line in lines]),
                    _text([line.message for line in lines]),
                    _text([line.raw for line in lines]),
                    _plain([line.raw_truncated for line in lines]),
                ]
            )
        )


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


def _copy_lines(fields: list[Sequence[str]]) -> bytes:
    return ("\n".join(map("\t".join, zip(*fields, strict=True))) + "\n").encode()


def _fields(kind: ColumnType, values: Sequence[Value]) -> Sequence[str]:
    if kind in _FREE_TEXT:
        return _text(values)
    return _plain(values)


def _plain(values: Sequence[Value]) -> Sequence[str]:
    """Values whose text never needs escaping; `str` of a str is that str."""
    texts = list(map(str, values))
    if None in values:
        return [r"\N" if value is None else text for value, text in zip(values, texts, strict=True)]
    return texts


def _text(values: Sequence[Value]) -> Sequence[str]:
    """Free text: escaped at once over the joined column, and only if it must be."""
    texts = ["" if value is None else str(value) for value in values]
    joined = "\0".join(texts)  # no value holds NUL
    if "\\" in joined or "\t" in joined or "\n" in joined or "\r" in joined:
        escaped = joined.replace("\\", r"\\").replace("\t", r"\t")
        texts = escaped.replace("\n", r"\n").replace("\r", r"\r").split("\0")
    if None in values:
        return [r"\N" if value is None else text for value, text in zip(values, texts, strict=True)]
    return texts
