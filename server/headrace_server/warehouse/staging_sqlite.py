"""Staged chunks for SQLite: a small database that the merge attaches.

Its rows stand in the order of the primary key, the latest of a key only, so that the merge has
neither to sort nor to look for duplicates, and the work is done in the parsers' processes.
"""

import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

from headrace_server.model.contract import Column, ColumnType, Table
from headrace_server.model.rows import RejectedLine, RowBlock, Value

#: the database in the chunk's folder
STAGED_FILE = "staged.sqlite"

_PRAGMAS = (
    "PRAGMA page_size = 16384",
    "PRAGMA journal_mode = OFF",
    "PRAGMA synchronous = OFF",
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA cache_size = -65536",
)
_REJECTS = (
    'CREATE TABLE rejects (line INTEGER, byte_offset INTEGER, "column" TEXT, reason TEXT,'
    " message TEXT, raw TEXT, raw_truncated INTEGER)"
)
_AFFINITY = {
    ColumnType.INTEGER: "INTEGER",
    ColumnType.BOOLEAN: "INTEGER",
    ColumnType.FLOAT: "REAL",
}


class SqliteWriter:
    """Writes blocks into the tables `rows` and `rejects`."""

    def __init__(self, table: Table, connection: sqlite3.Connection) -> None:
        self._columns = table.columns
        self._connection = connection
        marks = ", ".join("?" * (len(table.columns) + 2))
        self._insert = f"INSERT OR REPLACE INTO rows VALUES ({marks})"

    def write(self, block: RowBlock) -> None:
        """Add the rows; a later row of a key replaces the earlier."""
        values = [
            canonical(column, values)
            for column, values in zip(self._columns, block.columns, strict=True)
        ]
        rows = zip(*values, block.lines, block.byte_offsets, strict=True)
        self._connection.executemany(self._insert, rows)

    def reject(self, lines: list[RejectedLine]) -> None:
        """Add the rejected lines."""
        self._connection.executemany(
            "INSERT INTO rejects VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    line.line,
                    line.byte_offset,
                    line.column,
                    line.reason.value,
                    line.message,
                    line.raw,
                    line.raw_truncated,
                )
                for line in lines
            ],
        )


@contextmanager
def sqlite_writer(path: Path, table: Table) -> Iterator[SqliteWriter]:
    """Open the database of a chunk; it takes its name when the block ends well."""
    path.mkdir(parents=True, exist_ok=True)
    draft = path / f"{STAGED_FILE}.{uuid4().hex}"
    try:
        with closing(sqlite3.connect(draft, isolation_level=None)) as connection:
            for statement in (*_PRAGMAS, _rows_table(table), _REJECTS, "BEGIN"):
                connection.execute(statement)
            yield SqliteWriter(table, connection)
            connection.execute("COMMIT")
        os.replace(draft, path / STAGED_FILE)  # noqa: PTH105  # reads as the rename it is
    finally:
        draft.unlink(missing_ok=True)


def _rows_table(table: Table) -> str:
    columns = [f"{_quote(c.name)} {_AFFINITY.get(c.type, 'TEXT')}" for c in table.columns]
    key = ", ".join(map(_quote, table.primary_key))
    return (
        f"CREATE TABLE rows ({', '.join(columns)}, "
        f'"headrace.line" INTEGER, "headrace.byte_offset" INTEGER, '
        f"PRIMARY KEY ({key})) WITHOUT ROWID"
    )


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def canonical(column: Column, values: Sequence[Value]) -> Sequence[Value]:
    """Values of a column in their one text form, so that equal values are equal texts."""
    if column.type is ColumnType.DECIMAL:
        return [None if v is None else _decimal(str(v), column.scale) for v in values]
    if column.type is ColumnType.TIMESTAMP:
        return [None if v is None else _instant(str(v)) for v in values]
    return values


_PLAIN_DECIMAL = re.compile(r"-?(?:0|[1-9]\d*)\.\d+")


def _decimal(text: str, scale: int) -> str:
    return f"{Decimal(text):.{scale}f}"


def _instant(text: str) -> str:
    """`YYYY-MM-DDTHH:MM:SS.ffffffZ`: sorts as it counts."""
    return text[:-1].ljust(20, ".").ljust(26, "0") + "Z" if len(text) < 27 else text
