r"""The import of a CSV of a mount into PostgreSQL against `psql \copy` of it into the same table.

Ours begins with the call of ImportFile and ends with its answer: the file is copied, its dialect
and types are found out, all of it is looked at, its table is made, and each value is checked. Both
run on one PostgreSQL of default settings with fsync on, into a fresh database each time.
"""

import argparse
import asyncio
import os
import random
import subprocess
import time
from collections.abc import Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
from machine import CpuTimes, alternate, say, say_machine, say_ratio
from serving import (
    POSTGRES_PROGRAMS,
    Server,
    headrace_server,
    postgres,
    postmaster_pid,
    scratch_folder,
)

from headrace_client import Client

_TABLE = "clients"
_COLUMNS = (
    ("customer_id", "bigint"),
    ("name", "varchar(255)"),
    ("email", "varchar(255)"),
    ("category", "varchar(255)"),
    ("quantity", "bigint"),
    ("amount", "numeric"),
    ("created_at", "timestamp"),
    ("active", "boolean"),
)
_CATEGORIES = ("books", "toys", "garden", "kitchen", "sport")
_MOUNT = "/mnt/bench"
_CONTROL = "control"
_WAREHOUSE = "control.default"


def write_csv(path: Path, rows: int, *, quoted: bool = False) -> None:
    """Write clients, the same each time; perhaps with quotes around their texts."""
    mark = '"' if quoted else ""
    chosen = random.Random(1)  # noqa: S311  # figures, no secrets
    begin = datetime(2024, 1, 1)  # noqa: DTZ001  # the file names no zone
    with path.open("w") as file:
        file.write(",".join(name for name, _ in _COLUMNS) + "\n")
        for number in range(1, rows + 1):
            moment = begin + timedelta(seconds=chosen.randrange(31_000_000))
            file.write(
                f"{number},{mark}Customer {chosen.randrange(1_000_000)}{mark},"
                f"{mark}c{number}@example.com{mark},"
                f"{mark}{chosen.choice(_CATEGORIES)}{mark},{chosen.randrange(1, 100)},"
                f"{chosen.randrange(1, 1_000_000) / 100:.2f},{moment:%Y-%m-%d %H:%M:%S},"
                f"{'true' if chosen.random() < 0.8 else 'false'}\n"  # a share
            )


class Bench:
    """The two sides, on one PostgreSQL."""

    def __init__(
        self,
        folder: Path,
        url: str,
        rows: int,
        options: Sequence[str],
        *,
        keyed: bool,
        quoted: bool,
    ) -> None:
        self._folder = folder
        self._url = url
        self._rows = rows
        self._options = options
        self._key = [_COLUMNS[0][0]] if keyed else []
        self._file = folder / "inbox" / f"{_TABLE}.csv"
        self._warm = self._file.with_name("few.csv")
        self._file.parent.mkdir()
        write_csv(self._file, rows, quoted=quoted)
        write_csv(self._warm, 200_000, quoted=quoted)
        self._prints: object = None
        say(f"{rows:,} rows, {self._file.stat().st_size / 1e6:.0f} MB")

    def peer(self) -> float:
        r"""Seconds that `psql \copy` takes."""
        url = self._fresh("peer")
        columns = ", ".join(f"{name} {kind}" for name, kind in _COLUMNS)
        columns += "".join(f", PRIMARY KEY ({name})" for name in self._key)
        self._psql(url, "-c", f"CREATE TABLE {_TABLE} ({columns})")
        self._psql(self._url, "-c", "CHECKPOINT")
        copy = f"\\copy {_TABLE} from '{self._file}' with (format csv, header)"
        cpu = CpuTimes(psql=os.getpid(), postgres=postmaster_pid(self._folder))
        started = time.perf_counter()
        self._psql(url, "-c", copy)
        taken = time.perf_counter() - started
        cpu.say()
        self._compare(url)
        return taken

    def ours(self) -> float:
        """Seconds from the call of ImportFile to its answer."""
        self._drop(_WAREHOUSE)
        url = self._fresh(_CONTROL)
        data_dir = self._folder / f"server-{time.monotonic_ns()}"
        os.environ["HEADRACE_ALLOWED_ROOTS"] = str(self._folder)
        with headrace_server(data_dir, url, [*self._options]) as server:
            taken = asyncio.run(self._import(server))
        self._compare(self._named(_WAREHOUSE))
        return taken

    async def _import(self, server: Server) -> float:
        async with Client(server.address) as client:
            await client.mount(_MOUNT, str(self._file.parent))
            # Its processes have come up, as in any server that runs, and it has come to rest: the
            # table of that import was profiled and scored.
            await client.import_file(f"{_MOUNT}/{self._warm.name}", wait_seconds=60)
            async with aclosing(client.watch_readiness()) as changes:
                await anext(changes)
            self._psql(self._url, "-c", "CHECKPOINT")
            cpu = CpuTimes(server=server.pid, postgres=postmaster_pid(self._folder))
            started = time.perf_counter()
            done = await client.import_file(
                f"{_MOUNT}/{self._file.name}",
                target_table=_TABLE,
                wait_seconds=60,
                key_columns=self._key,
            )
            taken = time.perf_counter() - started
            cpu.say()
        if done.rows_imported != self._rows:
            raise RuntimeError(f"imported {done.rows_imported} rows: {done}")
        return taken

    def _named(self, database: str) -> str:
        return self._url.replace("/postgres?", f"/{database}?")

    def _fresh(self, database: str) -> str:
        self._drop(database)
        self._psql(self._url, "-c", f'CREATE DATABASE "{database}"')
        return self._named(database)

    def _drop(self, database: str) -> None:
        statement = f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)'
        self._psql(self._url, "-c", "SET client_min_messages = error", "-c", statement)

    def _psql(self, url: str, *arguments: str) -> None:
        command = [str(POSTGRES_PROGRAMS / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url]
        subprocess.run([*command, *arguments], check=True)

    def _compare(self, url: str) -> None:
        """Raise RuntimeError unless the table is that of the runs before."""
        prints = asyncio.run(_fingerprint(url))
        if self._prints not in (None, prints):
            raise RuntimeError(f"the tables differ: {self._prints} and {prints}")
        self._prints = prints


async def _fingerprint(url: str) -> dict[str, Any]:
    """Rows, a checksum over every value, and columns of the table."""
    connection = await asyncpg.connect(url)
    try:
        rows, checksum = await connection.fetchrow(
            f"SELECT count(*), sum(hashtextextended(t::text, 0)::numeric) FROM public.{_TABLE} t"
        )
        columns = await connection.fetch(
            "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute"
            f" WHERE attrelid = 'public.{_TABLE}'::regclass AND attnum > 0 ORDER BY attnum"
        )
    finally:
        await connection.close()
    return {"rows": rows, "checksum": checksum, "columns": [tuple(each) for each in columns]}


def main() -> None:
    """Measure, and print each run, the medians and the ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5, help="pairs of runs")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the file")
    parser.add_argument("--key", action="store_true", help="of both tables: customer_id")
    parser.add_argument("--quoted", action="store_true", help="texts of the file have quotes")
    parser.add_argument("--setting", action="append", default=[], help="of PostgreSQL, for both")
    parser.add_argument("--server-option", action="append", default=[], help="of headrace-server")
    options = parser.parse_args()
    say_machine()
    with scratch_folder() as folder, postgres(folder, options.setting) as url:
        bench = Bench(
            folder,
            url,
            options.rows,
            options.server_option,
            keyed=options.key,
            quoted=options.quoted,
        )
        figures = alternate(
            options.runs,
            ("psql \\copy, s", bench.peer),
            ("headrace, ImportFile to its answer, s", bench.ours),
        )
        say("the tables of all runs agree: rows, checksums, columns")
        say_ratio(*figures, "s", "at most 0.8")


if __name__ == "__main__":
    main()
