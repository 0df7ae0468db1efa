"""Staged chunks for PostgreSQL: files in the text format of COPY."""

import os
from array import array
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from headrace_server.model.contract import Column, ColumnType, Table
from headrace_server.model.rows import RejectedLine, RowBlock, Value

#: file of the rows by primary key: the table's columns
ROWS_FILE = "rows.copy"
#: file of where the same rows came from: line and byte offset of each, as 64-bit integers
POSITIONS_FILE = "positions"
#: file of the rejects: line, byte offset, column, reason, message, raw, raw_truncated
REJECTS_FILE = "rejects.copy"

_FREE_TEXT = (ColumnType.STRING, ColumnType.JSON)
#: carried as something else than text, whose `str` is right for COPY
_NUMBERS = (ColumnType.INTEGER, ColumnType.FLOAT, ColumnType.BOOLEAN)


_REJECT = (
    Column("line", ColumnType.INTEGER),
    Column("byte_offset", ColumnType.INTEGER),
    Column("column", ColumnType.STRING, nullable=True),
    Column("reason", ColumnType.STRING),
    Column("message", ColumnType.STRING),
    Column("raw", ColumnType.STRING),
    Column("raw_truncated", ColumnType.BOOLEAN),
)
#: rows read from their files at once
_BATCH = 8192


def referred_file(reference: int) -> str:
    """File of the distinct keys that the rows name by the reference at that position."""
    return f"referred-{reference}.copy"


class PostgresWriter:
    """Collects a chunk as lines of COPY text.

    Rows are sorted by their key: so they fill the pages of its index one after the other. Without
    a key they stay in the order of their lines.
    """

    def __init__(self, table: Table) -> None:
        self._columns = table.columns
        self._key = _places(table, table.primary_key)
        self._references = [_places(table, reference.columns) for reference in table.references]
        self._keys: list[Any] = []
        self._rows: list[str] = []
        self._lines = array("q")
        self._byte_offsets = array("q")
        self._rejects: list[str] = []
        self._referred: list[set[Any]] = [set() for _ in table.references]

    def write(self, block: RowBlock) -> None:
        """Add the rows."""
        self._rows += _copy_lines(self._columns, block.columns)
        self._lines.extend(block.lines)
        self._byte_offsets.extend(block.byte_offsets)
        if self._key:
            self._keys += _keys(block, self._key)
        for referred, places in zip(self._referred, self._references, strict=True):
            referred.update(_keys(block, places))

    def reject(self, lines: list[RejectedLine]) -> None:
        """Add the rejected lines."""
        values: list[Sequence[Value]] = [
            [line.line for line in lines],
            [line.byte_offset for line in lines],
            [line.column for line in lines],
            [line.reason.value for line in lines],
            [line.message for line in lines],
            [line.raw for line in lines],
            [line.raw_truncated for line in lines],
        ]
        self._rejects += _copy_lines(_REJECT, values)

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Yield the name and the content of each file."""
        order: Sequence[int] = range(len(self._rows))
        if self._key:
            order = sorted(order, key=self._keys.__getitem__)
        yield ROWS_FILE, _joined(map(self._rows.__getitem__, order))
        lines = array("q", map(self._lines.__getitem__, order))
        byte_offsets = array("q", map(self._byte_offsets.__getitem__, order))
        yield POSITIONS_FILE, lines.tobytes() + byte_offsets.tobytes()
        yield REJECTS_FILE, _joined(self._rejects)
        for reference, places in enumerate(self._references):
            yield referred_file(reference), _joined(self._referred_lines(reference, places))

    def _referred_lines(self, reference: int, places: Sequence[int]) -> Sequence[str]:
        columns = [self._columns[place] for place in places]
        if len(places) == 1:
            keys = sorted(key for key in self._referred[reference] if key is not None)
            return _copy_lines(columns, [keys])
        whole = sorted(key for key in self._referred[reference] if None not in key)
        return _copy_lines(columns, list(zip(*whole, strict=True)) or [()] * len(places))


@contextmanager
def postgres_writer(path: Path, table: Table) -> Iterator[PostgresWriter]:
    """Write the files of a chunk when the block ends well; each takes its name when complete."""
    path.mkdir(exist_ok=True)
    writer = PostgresWriter(table)
    yield writer
    for name, content in writer.files():
        unnamed = path / f"{name}.{uuid4().hex}"
        try:
            unnamed.write_bytes(content)
            os.replace(unnamed, path / name)  # noqa: PTH105  # reads as the rename it is
        finally:
            unnamed.unlink(missing_ok=True)


async def positioned_rows(path: Path) -> AsyncIterator[bytes]:
    """Yield lines of COPY text of a chunk's rows: columns, line, byte offset."""
    positions = array("q", (path / POSITIONS_FILE).read_bytes())
    half = len(positions) // 2
    with (path / ROWS_FILE).open("rb") as file:
        rows = zip(file, positions[:half], positions[half:], strict=True)
        while batch := list(islice(rows, _BATCH)):
            yield b"".join(b"%b\t%d\t%d\n" % (row[:-1], line, at) for row, line, at in batch)


def _places(table: Table, names: Sequence[str]) -> list[int]:
    """Return the positions of columns in their table."""
    columns = [column.name for column in table.columns]
    return [columns.index(name) for name in names]


def _keys(block: RowBlock, places: Sequence[int]) -> Sequence[Any]:
    """Return the values of one column, or tuples of those of several."""
    if len(places) == 1:
        return block.columns[places[0]]
    return list(zip(*(block.columns[place] for place in places), strict=True))


def _joined(lines: Iterable[str]) -> bytes:
    """Return the lines, each ended; nothing for none."""
    return "\n".join([*lines, ""]).encode()


def _copy_lines(columns: Sequence[Column], values: Sequence[Sequence[Value]]) -> list[str]:
    """Return lines of tab-separated fields, without their ends."""
    fields = [_fields(*pair) for pair in zip(columns, values, strict=True)]
    return list(map("\t".join, zip(*fields, strict=True)))


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
