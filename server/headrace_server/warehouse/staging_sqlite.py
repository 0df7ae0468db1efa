"""Staged chunks for SQLite: a small database that the merge attaches.

Values are brought into the one text form of the warehouse here, and of each key only the latest
row stays, so that the merge has neither to convert nor to look for duplicates.
"""

import os
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from headrace_server.model.contract import Column, ColumnType, Table
from headrace_server.model.rows import RejectedLine, RowBlock, Value

#: the database in the chunk's folder
STAGED_FILE = "staged.sqlite"

_PRAGMAS = (
    "PRAGMA journal_mode = OFF",
    "PRAGMA synchronous = OFF",
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA secure_delete = OFF",
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


#: keys remembered while writing; beyond, duplicates are looked for at the end in any case
_MOST_KEYS = 1_000_000


class SqliteWriter:
    """Writes blocks into the tables `rows` and `rejects`."""

    def __init__(self, table: Table, connection: sqlite3.Connection) -> None:
        self._table = table
        self._connection = connection
        names = [column.name for column in table.columns]
        self._key_positions = [names.index(name) for name in table.primary_key]
        self._keys: set[Any] = set()
        self._rows = 0
        marks = ", ".join("?" * (len(names) + 2))
        self._insert = f"INSERT INTO rows VALUES ({marks})"

    def write(self, block: RowBlock) -> None:
        """Add the rows."""
        values = [
            canonical(column, values)
            for column, values in zip(self._table.columns, block.columns, strict=True)
        ]
        rows = zip(*values, block.lines, block.byte_offsets, strict=True)
        self._connection.executemany(self._insert, rows)
        self._rows += len(block.lines)
        if self._key_positions and len(self._keys) < _MOST_KEYS:
            keys = [values[position] for position in self._key_positions]
            self._keys.update(keys[0] if len(keys) == 1 else zip(*keys, strict=True))

    def finish(self) -> None:
        """Drop the rows whose key a later line has; where there is no key all stay."""
        if not self._key_positions or len(self._keys) == self._rows:
            return
        key = ", ".join(map(_quote, self._table.primary_key))
        self._connection.execute(
            'DELETE FROM rows WHERE "headrace.line" NOT IN'
            f' (SELECT max("headrace.line") FROM rows GROUP BY {key})'
        )

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
    path.mkdir(exist_ok=True)
    draft = path / f"{STAGED_FILE}.{uuid4().hex}"
    try:
        with closing(sqlite3.connect(draft, isolation_level=None)) as connection:
            for statement in (*_PRAGMAS, _rows_table(table), _REJECTS, "BEGIN"):
                connection.execute(statement)
            writer = SqliteWriter(table, connection)
            yield writer
            writer.finish()
            connection.execute("COMMIT")
        os.replace(draft, path / STAGED_FILE)  # noqa: PTH105  # reads as the rename it is
    finally:
        draft.unlink(missing_ok=True)


def _rows_table(table: Table) -> str:
    columns = [f"{_quote(c.name)} {_AFFINITY.get(c.type, 'TEXT')}" for c in table.columns]
    return (
        f"CREATE TABLE rows ({', '.join(columns)}, "
        '"headrace.line" INTEGER, "headrace.byte_offset" INTEGER)'
    )


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def canonical(column: Column, values: Sequence[Value]) -> Sequence[Value]:
    """Values of a column in their one text form, so that equal values are equal texts."""
    if column.type is ColumnType.DECIMAL:
        decimals = partial(_decimals, scale=column.scale) if column.precision else _exact_decimals
        return _canonical(values, decimals)
    if form := _TIMES.get(column.type):
        return _canonical(values, form)
    return values


def _canonical(
    values: Sequence[Value], form: Callable[[Sequence[str]], Sequence[str]]
) -> Sequence[Value]:
    """Bring texts into form, past the nulls among them."""
    if None not in values:
        return form(cast("Sequence[str]", values)) if values else values
    texts = [str(value) for value in values if value is not None]
    formed = iter(form(texts) if texts else ())
    return [None if value is None else next(formed) for value in values]


#: in texts that each stand behind a NUL: zeros or signs that another text of the value lacks
_ODD = re.compile(r"\0(?:\+|-?\.|-0|0\d)")
_NOTHING = re.compile(r"(?!)")


def _decimals(texts: Sequence[str], scale: int) -> Sequence[str]:
    """Exactly `scale` digits after the point; only unusual forms need arithmetic."""
    joined = "\0" + "\0".join(texts)
    if not _ODD.search(joined):
        if digits := _digits_after_point(texts, scale):
            zeros = "0" * (scale - digits)
            return [text + zeros for text in texts] if zeros else texts
        usual = re.compile(rf"(?:\0-?\d+\.\d{{1,{scale}}})*") if scale else _NOTHING
        if usual.fullmatch(joined):
            fillings = ["0" * max(0, scale + 1 - taken) for taken in range(scale + 2)]
            return [text + fillings[len(text) - text.index(".")] for text in texts]
    return [_decimal(text, scale) for text in texts]


def _digits_after_point(texts: Sequence[str], scale: int) -> int:
    """How many all of them have, up to `scale`, as most writers' do; else 0."""
    digits = len(texts[0].partition(".")[2])
    alike = 0 < digits <= scale and {text[-digits - 1 : -digits] for text in texts} == {"."}
    return digits if alike else 0


def _decimal(text: str, scale: int) -> str:
    plain = f"{Decimal(text):.{scale}f}"
    return plain if plain.strip("-0.") else plain.removeprefix("-")


#: in texts that each stand behind a NUL: zeros, or a point, that end what follows a point
_NEEDLESS = re.compile(r"\.(?:\d*0)?(?=\0|\Z)")


def _exact_decimals(texts: Sequence[str]) -> Sequence[str]:
    """The digits of each and no zeros that need not be; only unusual forms need arithmetic."""
    joined = "\0" + "\0".join(texts)
    if _ODD.search(joined) or _NEEDLESS.search(joined):
        return list(map(_exact_decimal, texts))
    return texts


def _exact_decimal(text: str) -> str:
    plain = f"{Decimal(text):f}"
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain == "-0" else plain


#: length of a time of day in whole seconds, and of one with microseconds
_WHOLE, _FULL = len("00:00:00"), len("00:00:00.000000")


def _times(texts: Sequence[str], before: int, after: str) -> Sequence[str]:
    """`HH:MM:SS.ffffff` between so many characters and others: sorts as it counts."""
    end = before + _WHOLE
    if set(map(len, texts)) == {end + len(after)}:
        return [f"{text[:end]}.000000{after}" for text in texts]
    full = before + _FULL
    return [
        text
        if len(text) == full + len(after)
        else text.removesuffix(after).ljust(end + 1, ".").ljust(full, "0") + after
        for text in texts
    ]


_DAY = len("2026-01-01T")
_TIMES: dict[ColumnType, Callable[[Sequence[str]], Sequence[str]]] = {
    ColumnType.TIMESTAMP: partial(_times, before=_DAY, after="Z"),
    ColumnType.DATETIME: partial(_times, before=_DAY, after=""),
    ColumnType.TIME: partial(_times, before=0, after=""),
}
