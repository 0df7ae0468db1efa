r"""The whole ingestion into PostgreSQL against `psql \copy` of the equivalent clean CSV.

Both run on one PostgreSQL of default settings with fsync on, over its socket, into a fresh database
each time. The peer's tables have the same columns, types, primary and foreign keys.
"""

import argparse
import asyncio
import os
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import asyncpg
from dataset import TABLES, Dataset, Sizes, write_dataset
from ingesting import ingest_at
from machine import CpuTimes, alternate, say, say_machine, say_ratio
from serving import (
    POSTGRES_PROGRAMS,
    headrace_server,
    postgres,
    postmaster_pid,
    scratch_folder,
)

from headrace_server.model.commerce import COMMERCE
from headrace_server.model.contract import Column, ColumnType, Table

_TYPES = {
    ColumnType.UUID: "uuid",
    ColumnType.INTEGER: "bigint",
    ColumnType.BOOLEAN: "boolean",
    ColumnType.TIMESTAMP: "timestamptz",
    ColumnType.JSON: "json",
}
#: control store of our runs, and the warehouse that the server makes beside it
_CONTROL = "control"
_WAREHOUSE = "control.default"


class Bench:
    """The two sides, on one PostgreSQL."""

    def __init__(self, folder: Path, url: str, dataset: Dataset, options: list[str]) -> None:
        self._folder = folder
        self._url = url
        self._dataset = dataset
        self._options = options
        self._prints: dict[str, object] | None = None

    def peer(self) -> float:
        r"""Seconds that `psql \copy` takes."""
        url = self._fresh("peer")
        self._psql(url, "-q", *_commands(map(create_table, COMMERCE.tables)))
        copies = _commands(
            f"\\copy {table} from '{self._dataset.csv(table)}' with (format csv, header)"
            for table in TABLES
        )
        self._psql(self._url, "-q", "-c", "CHECKPOINT")
        cpu = CpuTimes(psql=os.getpid(), postgres=postmaster_pid(self._folder))
        started = time.perf_counter()
        self._psql(url, "-q", *copies)
        taken = time.perf_counter() - started
        cpu.say()
        self._compare(url)
        return taken

    def ours(self) -> float:
        """Seconds from the first upload to the last COMPLETED."""
        self._drop(_WAREHOUSE)
        url = self._fresh(_CONTROL)
        data_dir = self._folder / f"server-{time.monotonic_ns()}"
        files = {table: self._dataset.ndjson(table) for table in TABLES}
        with headrace_server(data_dir, url, self._options) as server:
            self._psql(self._url, "-q", "-c", "CHECKPOINT")
            cpu = CpuTimes(server=server.pid, postgres=postmaster_pid(self._folder))
            taken, _ = asyncio.run(ingest_at(server.address, files))
            cpu.say()
        self._compare(self._named(_WAREHOUSE))
        return taken

    def _named(self, database: str) -> str:
        return self._url.replace("/postgres?", f"/{database}?")

    def _fresh(self, database: str) -> str:
        self._drop(database)
        self._psql(self._url, "-q", "-c", f'CREATE DATABASE "{database}"')
        return self._named(database)

    def _drop(self, database: str) -> None:
        statement = f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)'
        self._psql(self._url, "-q", "-c", "SET client_min_messages = error", "-c", statement)

    def _psql(self, url: str, *arguments: str) -> None:
        command = [str(POSTGRES_PROGRAMS / "psql"), "-X", "-v", "ON_ERROR_STOP=1", "-d", url]
        subprocess.run([*command, *arguments], check=True)

    def _compare(self, url: str) -> None:
        """Raise RuntimeError unless the tables are those of the runs before."""
        prints = asyncio.run(fingerprints(url))
        for table in TABLES:
            if prints[table]["rows"] != self._dataset.rows(table):
                raise RuntimeError(f"{table}: {prints[table]['rows']} rows")
        if self._prints not in (None, prints):
            raise RuntimeError(f"the tables differ: {self._prints} and {prints}")
        self._prints = dict(prints)


def _commands(statements: Iterable[str]) -> list[str]:
    return [word for statement in statements for word in ("-c", statement)]


def create_table(table: Table) -> str:
    """Statement that creates a table as the server does."""
    lines = [
        f"{column.name} {_type(column)}{'' if column.nullable else ' NOT NULL'}"
        for column in table.columns
    ]
    lines.append(f"PRIMARY KEY ({', '.join(table.primary_key)})")
    lines += [
        f"FOREIGN KEY ({', '.join(reference.columns)}) REFERENCES {reference.table}"
        for reference in table.references
    ]
    return f"CREATE TABLE {table.name} ({', '.join(lines)})"


def _type(column: Column) -> str:
    if column.type is ColumnType.STRING:
        return f"varchar({column.max_length})"
    if column.type is ColumnType.DECIMAL:
        return f"numeric({column.precision}, {column.scale})"
    return _TYPES[column.type]


async def fingerprints(url: str) -> dict[str, dict[str, Any]]:
    """Rows, a checksum over every value, columns and keys of each table."""
    connection = await asyncpg.connect(url)
    try:
        return {table: await _fingerprint(connection, table) for table in TABLES}
    finally:
        await connection.close()


async def _fingerprint(connection: asyncpg.Connection, table: str) -> dict[str, Any]:
    rows, checksum = await connection.fetchrow(
        f"SELECT count(*), sum(hashtextextended(t::text, 0)::numeric) FROM public.{table} AS t"
    )
    columns = await connection.fetch(
        "SELECT attname::text, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute"
        f" WHERE attrelid = 'public.{table}'::regclass AND attnum > 0 ORDER BY attnum"
    )
    keys = await connection.fetch(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype IN ('p', 'f')"
        f" AND conrelid = 'public.{table}'::regclass AND convalidated ORDER BY 1"
    )
    return {
        "rows": rows,
        "checksum": checksum,
        "columns": [tuple(column) for column in columns],
        "keys": [key[0] for key in keys],
    }


def main() -> None:
    """Measure, and print each run, the medians and the ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=3, help="pairs of runs")
    parser.add_argument("--scale", type=float, default=1.0, help="1 is 1.37 million rows")
    parser.add_argument("--shuffled-items", action="store_true", help="scatter an order's items")
    parser.add_argument("--setting", action="append", default=[], help="of PostgreSQL, for both")
    parser.add_argument("--server-option", action="append", default=[], help="of headrace-server")
    options = parser.parse_args()
    say_machine()
    with scratch_folder() as folder, postgres(folder, options.setting) as url:
        say("PostgreSQL:", asyncio.run(_settings(url)))
        dataset = write_dataset(
            folder, Sizes.scaled(options.scale), shuffled_items=options.shuffled_items
        )
        bench = Bench(folder, url, dataset, options.server_option)
        figures = alternate(
            options.runs,
            ("psql \\copy, s", bench.peer),
            ("headrace, upload to COMPLETED, s", bench.ours),
        )
        say("the tables of all runs agree: rows, checksums, columns, keys")
        say_ratio(*figures, "s", "at most 0.6, aim at 0.5")


async def _settings(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        names = ("server_version", "fsync", "synchronous_commit", "shared_buffers", "max_wal_size")
        values = [await connection.fetchval(f"SHOW {name}") for name in names]
    finally:
        await connection.close()
    return ", ".join(f"{name} {value}" for name, value in zip(names, values, strict=True))


if __name__ == "__main__":
    main()
