r"""The import of a CSV of order items into a contract's table against `psql \copy` of the file.

The table has a primary key and references to two tables, whose rows are there. Ours begins with
the call of ImportFile and ends with its answer; every row is checked by the contract. Both run on
one PostgreSQL of default settings with fsync on, into a fresh database each time.
"""

import argparse
import asyncio
import os
import subprocess
import time
from pathlib import Path

from dataset import TABLES, Dataset, Sizes, write_dataset
from load_postgres import create_table, fingerprints
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
from headrace_server.model.commerce import COMMERCE

_MEASURED = "order_items"
_PARENTS = tuple(table for table in TABLES if table != _MEASURED)
_MOUNT = "/mnt/bench"
_CONTROL = "control"
_WAREHOUSE = "control.default"


class Bench:
    """The two sides, on one PostgreSQL."""

    def __init__(self, folder: Path, url: str, dataset: Dataset) -> None:
        self._folder = folder
        self._url = url
        self._dataset = dataset
        self._prints: object = None

    def peer(self) -> float:
        r"""Seconds that `psql \copy` takes, the parents' rows being there."""
        url = self._fresh("peer")
        for declared in COMMERCE.tables:
            self._psql(url, "-c", create_table(declared))
        for table in _PARENTS:
            self._psql(url, "-c", self._copy(table))
        self._psql(self._url, "-c", "CHECKPOINT")
        cpu = CpuTimes(psql=os.getpid(), postgres=postmaster_pid(self._folder))
        started = time.perf_counter()
        self._psql(url, "-c", self._copy(_MEASURED))
        taken = time.perf_counter() - started
        cpu.say()
        self._compare(url)
        return taken

    def ours(self) -> float:
        """Seconds from the call of ImportFile to its answer, the parents' rows being there."""
        self._drop(_WAREHOUSE)
        url = self._fresh(_CONTROL)
        data_dir = self._folder / f"server-{time.monotonic_ns()}"
        os.environ["HEADRACE_ALLOWED_ROOTS"] = str(self._folder)
        with headrace_server(data_dir, url) as server:
            taken = asyncio.run(self._import(server))
        self._compare(self._named(_WAREHOUSE))
        return taken

    async def _import(self, server: Server) -> float:
        folder = self._dataset.csv(_MEASURED).parent
        async with Client(server.address) as client:
            await client.mount(_MOUNT, str(folder))
            for table in (*_PARENTS, _MEASURED):
                self._psql(self._url, "-c", "CHECKPOINT")
                cpu = CpuTimes(server=server.pid, postgres=postmaster_pid(self._folder))
                started = time.perf_counter()
                done = await client.import_file(
                    f"{_MOUNT}/{self._dataset.csv(table).name}",
                    target_table=table,
                    wait_seconds=60,
                )
                taken = time.perf_counter() - started
                if done.rows_imported != self._dataset.rows(table):
                    raise RuntimeError(f"imported {done.rows_imported} rows: {done}")
            cpu.say()
        return taken

    def _copy(self, table: str) -> str:
        return f"\\copy {table} from '{self._dataset.csv(table)}' with (format csv, header)"

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
        """Raise RuntimeError unless the tables are those of the runs before."""
        prints = asyncio.run(fingerprints(url))
        if self._prints not in (None, prints):
            raise RuntimeError(f"the tables differ: {self._prints} and {prints}")
        self._prints = prints


def main() -> None:
    """Measure, and print each run, the medians and the ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=3, help="pairs of runs")
    parser.add_argument("--scale", type=float, default=1.0, help="1 is a million items")
    options = parser.parse_args()
    say_machine()
    with scratch_folder() as folder, postgres(folder) as url:
        dataset = write_dataset(folder, Sizes.scaled(options.scale))
        bench = Bench(folder, url, dataset)
        figures = alternate(
            options.runs,
            ("psql \\copy, s", bench.peer),
            ("headrace, ImportFile to its answer, s", bench.ours),
        )
        say("the tables of all runs agree: rows, checksums, columns, keys")
        say_ratio(*figures, "s", "at most 0.8")


if __name__ == "__main__":
    main()
