"""The whole ingestion into SQLite against Python's `csv` and `executemany` of clean CSV.

The peer's tables have the same keys, foreign keys on, WAL mode and synchronous=NORMAL; it loads
each in one transaction and validates nothing.
"""

import argparse
import asyncio
import csv
import hashlib
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from dataset import TABLES, Dataset, Sizes, write_dataset
from ingesting import ingest_at
from machine import CpuTimes, alternate, say, say_machine, say_ratio
from serving import headrace_server, scratch_folder

from headrace_server.model.commerce import COMMERCE
from headrace_server.model.contract import Column, ColumnType, Table


class Bench:
    """The two sides."""

    def __init__(self, folder: Path, dataset: Dataset, options: list[str]) -> None:
        self._folder = folder
        self._dataset = dataset
        self._options = options
        self._prints: list[tuple[int, str]] | None = None

    def peer(self) -> float:
        """Seconds that `executemany` takes, the last commit included."""
        path = self._folder / f"peer-{time.monotonic_ns()}.sqlite"
        started = time.perf_counter()
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            for table in COMMERCE.tables:
                connection.execute(_create(table))
                self._insert(connection, table)
            taken = time.perf_counter() - started
        self._compare(path)
        return taken

    def _insert(self, connection: sqlite3.Connection, table: Table) -> None:
        marks = ", ".join("?" * len(table.columns))
        with self._dataset.csv(table.name).open(newline="", encoding="utf-8") as file:
            rows = csv.reader(file)
            next(rows)
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(f"INSERT INTO {table.name} VALUES ({marks})", rows)
            connection.execute("COMMIT")

    def ours(self) -> float:
        """Seconds from the first upload to the last COMPLETED."""
        data_dir = self._folder / f"server-{time.monotonic_ns()}"
        files = {table: self._dataset.ndjson(table) for table in TABLES}
        with headrace_server(data_dir, options=self._options) as server:
            cpu = CpuTimes(server=server.pid)
            taken, _ = asyncio.run(ingest_at(server.address, files))
            cpu.say()
        self._compare(data_dir / "warehouses" / "default.sqlite")
        return taken

    def _compare(self, path: Path) -> None:
        """Raise RuntimeError unless the tables are those of the runs before; deletes the file."""
        with closing(sqlite3.connect(path)) as connection:
            prints = [_fingerprint(connection, table) for table in COMMERCE.tables]
        if [count for count, _ in prints] != [self._dataset.rows(table) for table in TABLES]:
            raise RuntimeError(f"rows: {prints}")
        if self._prints not in (None, prints):
            raise RuntimeError(f"the tables differ: {self._prints} and {prints}")
        self._prints = prints
        path.unlink()


def _create(table: Table) -> str:
    lines = [
        f"{column.name} {'INTEGER' if column.type is ColumnType.INTEGER else 'TEXT'}"
        f"{'' if column.nullable else ' NOT NULL'}"
        for column in table.columns
    ]
    lines.append(f"PRIMARY KEY ({', '.join(table.primary_key)})")
    lines += [
        f"FOREIGN KEY ({', '.join(reference.columns)}) REFERENCES {reference.table}"
        for reference in table.references
    ]
    return f"CREATE TABLE {table.name} ({', '.join(lines)})"


def _fingerprint(connection: sqlite3.Connection, table: Table) -> tuple[int, str]:
    """Rows, and a digest over every value, whichever way it is written."""
    values = ", ".join(map(_canonical, table.columns))
    digest, count = hashlib.sha256(), 0
    for row in connection.execute(f"SELECT {values} FROM {table.name} ORDER BY 1"):
        digest.update(repr(row).encode())
        count += 1
    return count, digest.hexdigest()


def _canonical(column: Column) -> str:
    name = column.name
    if column.type is ColumnType.UUID:
        text = f"replace({name}, '-', '')"
        return f"CASE typeof({name}) WHEN 'blob' THEN lower(hex({name})) ELSE {text} END"
    if column.type is ColumnType.DECIMAL:
        return f"printf('%.4f', {name})"
    if column.type is ColumnType.TIMESTAMP:
        return f"substr({name}, 1, 19)"
    if column.type is ColumnType.BOOLEAN:
        return f"{name} IN (1, 'true')"
    return name


def main() -> None:
    """Measure, and print each run, the medians and the ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=3, help="pairs of runs")
    parser.add_argument("--scale", type=float, default=1.0, help="1 is 1.37 million rows")
    parser.add_argument("--shuffled-items", action="store_true", help="scatter an order's items")
    parser.add_argument("--server-option", action="append", default=[], help="of headrace-server")
    options = parser.parse_args()
    say_machine()
    with scratch_folder() as folder:
        dataset = write_dataset(
            folder, Sizes.scaled(options.scale), shuffled_items=options.shuffled_items
        )
        bench = Bench(folder, dataset, options.server_option)
        figures = alternate(
            options.runs,
            ("csv + executemany, s", bench.peer),
            ("headrace, upload to COMPLETED, s", bench.ours),
        )
        say("the tables of all runs agree: rows, digests")
        say_ratio(*figures, "s", "at most 1.0, aim at 0.7")


if __name__ == "__main__":
    main()
