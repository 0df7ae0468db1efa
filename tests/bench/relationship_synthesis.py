"""Rows made up for schemas that have none, so that their names can be learned from.

Keys are dense, shifted, sparse or texts; references are drawn evenly, unevenly, or from a part of
the keys; other columns hold what columns of their type hold: small numbers, years, sums, names.
"""

import json
import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from relationship_data import Database, Pair, Rows, database

from headrace_server.core.relationships.names import Names

#: schemas of databases that others have with rows: nothing of those that are judged is learned
_KNOWN = frozenset({"chinook_1", "store_1", "hr_1"})
_TYPES = {"number": "BIGINT", "text": "TEXT", "time": "DATE_TEXT"}
_DAY = date(2020, 1, 1)


def synthesized(data: Path, most: int) -> list[Database]:
    """Databases with made-up rows for the schemas of `spider_schemas`, in their order."""
    schemas = json.loads((data / "spider_schemas" / "schemas.json").read_text())
    usable = [each for each in schemas if each["db_id"] not in _KNOWN and each["relationships"]]
    return [made for n, each in enumerate(usable[:most]) if (made := _database(each, n))]


def _database(schema: dict[str, Any], seed: int) -> Database | None:
    making = _Making(schema, random.Random(seed))  # noqa: S311  # the same each time
    tables = {name: making.rows(name) for name in making.order()}
    truth = {
        "relationships": [
            {**each, "detectable_from_data": True} for each in making.references.values()
        ]
    }
    known = database(schema["db_id"], truth, tables)
    return known if known.candidates else None


class _Making:
    """Makes the rows of one schema, parents before children where there is no circle."""

    def __init__(self, schema: dict[str, Any], chance: random.Random) -> None:
        self._chance = chance
        self._tables: dict[str, Any] = {}
        for name, table in schema["tables"].items():
            lowered = {column.lower(): column for column, _ in table["columns"]}
            if len(lowered) == len(table["columns"]) and not name.startswith("sqlite_"):
                self._tables[name] = table
        self.references: dict[tuple[str, str], dict[str, Any]] = {
            (each["from_table"], each["from_column"]): each
            for each in schema["relationships"]
            if each["from_table"] in self._tables
            and self._tables.get(each["to_table"], {}).get("primary_key") == [each["to_column"]]
        }
        self._sizes = {name: self._size(name) for name in self._tables}
        self._keys: dict[str, list[str]] = {}

    def _size(self, name: str) -> int:
        refers = any(table == name for table, _ in self.references)
        referred = any(each["to_table"] == name for each in self.references.values())
        low, high = (3, 60) if referred and not refers else (10, 500) if referred else (20, 900)
        return round(low * float((high / low) ** self._chance.random()))

    def order(self) -> list[str]:
        """The tables, those that are referred to first."""
        left, placed = dict.fromkeys(self._tables), dict[str, None]()
        while left:
            free = [t for t in left if all(p in placed or p == t for p in self._parents(t))]
            for table in free or [next(iter(left))]:
                placed[table] = left.pop(table)
        return list(placed)

    def _parents(self, name: str) -> list[str]:
        return [e["to_table"] for (table, _), e in self.references.items() if table == name]

    def rows(self, name: str) -> Rows:
        """The rows of a table, and where it has a key, that for those that refer to it."""
        table, size = self._tables[name], self._sizes[name]
        key = table["primary_key"][0] if len(table["primary_key"]) == 1 else None
        values: dict[str, list[str | None]] = {}
        types: dict[str, str] = {}
        for column, type_ in table["columns"]:
            if (name, column) in self.references and self._can_refer(name, column):
                parent = self.references[name, column]["to_table"]
                values[column] = self._referring(parent, size, unique=column == key)
                types[column] = _type_of(values[column])
                size = len(values[column]) if column == key else size
            elif column == key:
                values[column] = list(self._key(name, size, type_))
                types[column] = _type_of(values[column])
            else:
                self.references.pop((name, column), None)
                values[column] = self._plain(size, type_)
                types[column] = _TYPES.get(type_, "TEXT")
            if column == key:
                self._keys[name] = [value for value in values[column] if value is not None]
        cut = min(map(len, values.values()))
        rows = list(zip(*(each[:cut] for each in values.values()), strict=True))
        if key:
            self._keys[name] = self._keys[name][:cut]
        return Rows(list(values), list(types.values()), rows)

    def _can_refer(self, name: str, column: str) -> bool:
        return self.references[name, column]["to_table"] in self._keys or (
            self.references[name, column]["to_table"] == name
            and self._tables[name]["primary_key"] != [column]
            and name in self._keys
        )

    def _key(self, name: str, size: int, type_: str) -> list[str]:
        how = self._chance.choice(("dense", "dense", "dense", "shifted", "sparse", "gaps"))
        if type_ == "text":
            how = self._chance.choice(("dense", "codes", "codes", "short"))
        if how == "codes":
            mark = name[:2].upper()
            return [f"{mark}{number:05d}" for number in range(1, size + 1)]
        if how == "short":
            letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
            words = [a + b + c for a in letters for b in letters for c in letters[:4]]
            return self._chance.sample(words, size)
        if how == "sparse":
            return list(map(str, sorted(self._chance.sample(range(1, size * 50), size))))
        if how == "gaps":
            span = range(1, size + size // 5 + 1)
            return list(map(str, sorted(self._chance.sample(span, size))))
        first = 1 if how == "dense" else self._chance.choice((0, 100, 1000, 10_000))
        return [str(first + number) for number in range(size)]

    def _referring(self, parent: str, size: int, *, unique: bool) -> list[str | None]:
        keys = self._keys[parent]
        if unique:
            return list(self._chance.sample(keys, max(1, min(size, len(keys)))))
        how = self._chance.choice(("even", "even", "uneven", "part"))
        known = keys
        if how == "part":
            share = self._chance.choice((0.05, 0.2, 0.5))
            known = self._chance.sample(keys, max(1, round(len(keys) * share)))
        weights = [1.0] * len(known)
        if how == "uneven":
            weights = [1 / (1 + n) for n in range(len(known))]
            self._chance.shuffle(weights)
        nulls = self._chance.choice((0, 0, 0, 0.1, 0.5))
        return [
            None if self._chance.random() < nulls else value
            for value in self._chance.choices(known, weights, k=size)
        ]

    def _plain(self, size: int, type_: str) -> list[str | None]:
        chance = self._chance
        if type_ == "number":
            how = chance.choice(("small", "small", "year", "sum", "wide", "rank"))
            if how == "rank":
                return list(map(str, chance.sample(range(1, size + 1), size)))
            low, high = {
                "small": (chance.choice((0, 1)), chance.choice((3, 5, 10, 30, 100))),
                "year": (1980, 2024),
                "sum": (10, 100_000),
                "wide": (1, 1000),
            }[how]
            return [str(chance.randint(low, high)) for _ in range(size)]
        if type_ == "time":
            return [str(_DAY + timedelta(chance.randrange(900))) for _ in range(size)]
        words = chance.choice((4, 20, 200, 10_000))
        return [f"word {chance.randrange(words)}" for _ in range(size)]


def _type_of(values: list[str | None]) -> str:
    return "BIGINT" if all(value.isdigit() for value in values if value) else "TEXT"


def open_pairs(known: Database) -> frozenset[Pair]:
    """Pairs that nobody declared though their names say that they are meant: not learned from."""
    columns = {table.name: [c.name for c in table.columns] for table in known.tables}
    names = Names(columns)
    return frozenset(
        (each.table.name, each.column.name, each.to_table.name, each.to_column.name)
        for each in known.candidates
        if names.columns[each.table.name, each.column.name].marks
        and max(
            names.pointing(each.table.name, each.column.name, each.to_table.name),
            names.pointing_at_column(
                each.table.name, each.column.name, each.to_table.name, each.to_column.name
            ),
        )
        > 0.7
    )
