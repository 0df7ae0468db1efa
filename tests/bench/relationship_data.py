"""Databases of known relationships: loaded into real warehouses, and told anew in other words.

A folder has one folder per database, of CSV files and `relationships.json`.
"""

import asyncio
import csv
import json
import random
import sqlite3
import string
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from headrace_server.core.relationships.features import Candidate
from headrace_server.core.relationships.gathering import (
    LEAST_INCLUSION,
    candidates,
    gather,
    looked_up,
)
from headrace_server.core.relationships.names import split_words
from headrace_server.files.sniffing.findings import ColumnType
from headrace_server.files.sniffing.tables import sniff_table
from headrace_server.model.relationship import TableFacts
from headrace_server.warehouse.engines import SqliteWarehouse
from headrace_server.warehouse.sql import quote

#: table and column that refers, table and column referred to
Pair = tuple[str, str, str, str]
Row = Sequence[str | None]

#: bytes of a file that tell its columns' types
_SAMPLE = 256 << 10
_TYPES = {
    ColumnType.INTEGER: "BIGINT",
    ColumnType.FLOAT: "DOUBLE",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.DATE: "DATE_TEXT",
    ColumnType.DATETIME: "DATETIME_TEXT",
}


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a table, and the SQL type of each column."""

    columns: Sequence[str]
    types: Sequence[str]
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Database:
    """A database, what is known of its relationships, and what the product sees in it."""

    name: str
    tables: Sequence[TableFacts]
    candidates: Sequence[Candidate]
    #: declared pairs that values can reveal
    truth: frozenset[Pair]
    #: declared pairs that no value can reveal
    hidden: frozenset[Pair]
    #: pairs that are neither right nor wrong
    open: frozenset[Pair]
    composite: Sequence[dict[str, Any]] = ()


def folders(data: Path) -> list[Path]:
    """The folders of databases with rows."""
    return sorted(path.parent for path in data.glob("*/relationships.json"))


def read_rows(folder: Path) -> dict[str, Rows]:
    """Read the CSV files of a database; types are those that the product's sniffing tells."""
    return {path.stem: _read(path) for path in sorted(folder.glob("*.csv"))}


def _read(path: Path) -> Rows:
    data = path.read_bytes()
    sniffed = sniff_table(data[:_SAMPLE], whole=len(data) <= _SAMPLE)
    header, *rows = csv.reader(data.decode().splitlines(keepends=True))
    types = {column.name: _TYPES.get(column.type, "TEXT") for column in sniffed.columns}
    return Rows(
        header,
        [types.get(name, "TEXT") for name in header],
        [[value or None for value in row] for row in rows],
    )


def database(name: str, truth: dict[str, Any], tables: dict[str, Rows]) -> Database:
    """Load tables into a warehouse and have the product look at them; nothing is declared."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "warehouse.sqlite"
        fill(path, tables)
        facts, pairs = asyncio.run(_seen(path, sorted(tables)))
    relationships = truth["relationships"]
    return Database(
        name,
        facts,
        pairs,
        frozenset(_pair(each) for each in relationships if each["detectable_from_data"]),
        frozenset(_pair(each) for each in relationships if not each["detectable_from_data"]),
        frozenset(
            _pair(each)
            for kind in ("implied_relationships", "ambiguous_relationships")
            for each in truth.get(kind, ())
        ),
        truth.get("composite_relationships", ()),
    )


def _pair(each: dict[str, Any]) -> Pair:
    return (each["from_table"], each["from_column"], each["to_table"], each["to_column"])


def fill(path: Path, tables: dict[str, Rows]) -> None:
    """Create tables without any constraint, and their rows."""
    with closing(sqlite3.connect(path)) as connection:
        for name, table in tables.items():
            columns = ", ".join(
                f"{quote(column)} {type_}"
                for column, type_ in zip(table.columns, table.types, strict=True)
            )
            marks = ", ".join("?" * len(table.columns))
            connection.execute(f"CREATE TABLE {quote(name)} ({columns})")
            connection.executemany(f"INSERT INTO {quote(name)} VALUES ({marks})", table.rows)
        connection.commit()


async def _seen(path: Path, names: Sequence[str]) -> tuple[list[TableFacts], list[Candidate]]:
    warehouse = SqliteWarehouse(path)
    try:
        facts = await gather(warehouse, "public", names, _ignore)
        pairs = await candidates(warehouse, facts)
        exact = [pair if pair.exact else await looked_up(warehouse, pair) for pair in pairs]
        return facts, [pair for pair in exact if pair.inclusion >= LEAST_INCLUSION]
    finally:
        await warehouse.close()


async def _ignore(_count: int) -> None:
    pass


def load(folder: Path) -> Database:
    """Load one database as it is."""
    truth = json.loads((folder / "relationships.json").read_text())
    return database(folder.name, truth, read_rows(folder))


def thinned(tables: dict[str, Rows], truth: dict[str, Any], seed: int) -> dict[str, Rows]:
    """Leave a part of the rows of each table that no other refers to."""
    chance = random.Random(seed)  # noqa: S311  # the same each time
    parents = {each["to_table"] for each in truth["relationships"]}
    share = chance.choice((0.1, 0.3, 0.6))
    return {
        name: table
        if name in parents
        else replace(
            table,
            rows=[
                row
                for row in table.rows
                if chance.random() < max(share, 20 / max(1, len(table.rows)))
            ],
        )
        for name, table in tables.items()
    }


def orphaned(tables: dict[str, Rows], truth: dict[str, Any], seed: int) -> dict[str, Rows]:
    """Let a few rows of some references refer to nothing that is there."""
    chance = random.Random(seed)  # noqa: S311  # the same each time
    changed = dict(tables)
    for each in truth["relationships"]:
        name, column = each["from_table"], each["from_column"]
        table = changed[name]
        values = [value for value in _column(table, column) if value is not None]
        if not values or chance.random() < 0.5:
            continue
        whole = _is_whole(table, column)
        lost = [str(max(map(int, values)) + n) if whole else f"?{n}" for n in (1, 2, 3)]
        spoiled = {value: chance.choice(lost) for value in chance.sample(values, 1)}
        if len(set(values)) * 0.05 >= 1 and each["to_table"] != name:
            changed[name] = _with(table, column, spoiled, table.types[table.columns.index(column)])
    return changed


def renumbered(tables: dict[str, Rows], truth: dict[str, Any], seed: int) -> dict[str, Rows]:
    """Give each key of whole numbers, and all that refers to it, other numbers or texts."""
    chance = random.Random(seed)  # noqa: S311  # the same each time
    group: dict[tuple[str, str], tuple[str, str]] = {}
    for each in truth["relationships"]:
        child, parent = _pair(each)[:2], _pair(each)[2:]
        for end in (child, parent):
            group.setdefault(end, end)
        old, new = group[child], group[parent]
        group = {end: new if root == old else root for end, root in group.items()}
    changed = dict(tables)
    for root in sorted(set(group.values())):
        ends = [end for end in group if group[end] == root]
        if chance.random() < 0.4 or not all(_is_whole(tables[t], c) for t, c in ends):
            continue
        values = {v for t, c in ends for v in _column(tables[t], c) if v is not None}
        anew = _anew(sorted(values, key=int), chance)
        type_ = "BIGINT" if next(iter(anew.values())).isdigit() else "TEXT"
        for name, column in ends:
            changed[name] = _with(changed[name], column, anew, type_)
    return changed


def _is_whole(table: Rows, column: str) -> bool:
    return table.types[table.columns.index(column)] == "BIGINT"


def _column(table: Rows, column: str) -> list[str | None]:
    place = table.columns.index(column)
    return [row[place] for row in table.rows]


def _anew(values: Sequence[str], chance: random.Random) -> dict[str, str]:
    how = chance.choice(("shift", "sparse", "shuffle", "text"))
    if how == "shift":
        shift = chance.choice((100, 1000, 10_000))
        return {value: str(int(value) + shift) for value in values}
    if how == "sparse":
        numbers = sorted(chance.sample(range(1, 20 * len(values) + 10), len(values)))
        return dict(zip(values, map(str, numbers), strict=True))
    if how == "shuffle":
        return dict(zip(values, chance.sample(list(values), len(values)), strict=True))
    letters = "".join(chance.sample(string.ascii_uppercase, 2))
    return {value: f"{letters}{chance.randrange(10**9):09d}x{value}" for value in values}


def _with(table: Rows, column: str, anew: dict[str, str], type_: str) -> Rows:
    place = table.columns.index(column)
    rows = [
        [anew.get(value, value) if n == place and value else value for n, value in enumerate(row)]
        for row in table.rows
    ]
    types = [type_ if n == place else each for n, each in enumerate(table.types)]
    return Rows(table.columns, types, rows)


class Renaming:
    """Other names for tables and columns: of another style, another language, or of none."""

    def __init__(self, how: str, seed: int = 0) -> None:
        self._how = how
        self._chance = random.Random(seed)  # noqa: S311  # the same each time
        self._words: dict[str, str] = {}
        self._tables: dict[str, str] = {}
        self._columns: dict[tuple[str, str], str] = {}

    def table(self, name: str) -> str:
        if name not in self._tables:
            number = len(self._tables) + 1
            new = self._renamed(name, f"t{number}")
            self._tables[name] = new if new not in self._tables.values() else f"{new}{number}"
        return self._tables[name]

    def column(self, table: str, name: str) -> str:
        key = (table, name)
        if key not in self._columns:
            number = sum(t == table for t, _ in self._columns) + 1
            new = self._renamed(name, f"c{number}")
            taken = {v for (t, _), v in self._columns.items() if t == table}
            self._columns[key] = new if new not in taken else f"{new}{number}"
        return self._columns[key]

    def pair(self, each: Pair) -> Pair:
        return (
            self.table(each[0]),
            self.column(each[0], each[1]),
            self.table(each[2]),
            self.column(each[2], each[3]),
        )

    def _renamed(self, name: str, number: str) -> str:
        if self._how == "none":
            return number
        words = split_words(name)
        if self._how == "other style":
            snake = "_".join(words)
            camel = words[0] + "".join(word.capitalize() for word in words[1:])
            return camel if name == snake else snake
        if self._how == "short":
            return "_".join(word if len(word) < 5 else word[:4] for word in words)
        return "_".join(map(self._foreign, words))

    def _foreign(self, word: str) -> str:
        """A made-up word, the same for the same word; plurals of words stay their kin."""
        stem = word.removesuffix("s")
        if stem not in self._words:
            length = self._chance.randint(2, 4)
            made = (
                self._chance.choice("bdfgklmnprstvz") + self._chance.choice("aeiou")
                for _ in range(length)
            )
            self._words[stem] = "".join(made)
        return self._words[stem] + ("en" if stem != word else "")


def renamed(known: Database, how: str, seed: int = 0) -> Database:
    """The same database under other names: as it is, other style, short, foreign, none."""
    if how == "as it is":
        return known
    new = Renaming(how, seed)
    tables = {
        table.name: replace(
            table,
            name=new.table(table.name),
            columns=tuple(
                replace(column, name=new.column(table.name, column.name))
                for column in table.columns
            ),
            composite_keys=tuple(
                tuple(new.column(table.name, c) for c in key) for key in table.composite_keys
            ),
        )
        for table in known.tables
    }
    return replace(
        known,
        name=f"{known.name}, {how}",
        tables=list(tables.values()),
        candidates=[
            replace(
                each,
                table=tables[each.table.name],
                column=replace(each.column, name=new.column(each.table.name, each.column.name)),
                to_table=tables[each.to_table.name],
                to_column=replace(
                    each.to_column, name=new.column(each.to_table.name, each.to_column.name)
                ),
            )
            for each in known.candidates
        ],
        truth=frozenset(map(new.pair, known.truth)),
        hidden=frozenset(map(new.pair, known.hidden)),
        open=frozenset(map(new.pair, known.open)),
    )


def renamed_rows(
    tables: dict[str, Rows], how: str, seed: int = 0
) -> tuple[dict[str, Rows], Callable[[Pair], Pair]]:
    """Rows under other names, and what the name of a pair becomes."""
    new = Renaming(how, seed)
    if how == "as it is":
        return tables, lambda pair: pair
    anew = {
        new.table(name): replace(table, columns=[new.column(name, c) for c in table.columns])
        for name, table in tables.items()
    }
    return anew, new.pair


def pair_of(each: Candidate) -> Pair:
    """The pair that a candidate is."""
    return (each.table.name, each.column.name, each.to_table.name, each.to_column.name)
