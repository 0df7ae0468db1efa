"""Scores: one dataset, 10,000 of them rescored on SQLite, and what profiles cost a load.

The load is that of `load_sqlite.py` (`load_postgres.py` with --postgres), with profiles and without
them in turns. Profiles are made beside and after the load, so its own time says little of them: the
processor time of server and database counts, until the last table was profiled.
"""

import argparse
import asyncio
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
from dataset import TABLES, Dataset, Sizes, write_dataset
from ingesting import ingest_at
from machine import alternate, cpu_seconds, say, say_machine, say_ratio
from serving import headrace_server, postgres, postmaster_pid, scratch_folder

from headrace_client import Client
from headrace_client.errors import NotFoundError
from headrace_server.core.readiness.datasets import Datasets
from headrace_server.core.readiness.facts import Facts
from headrace_server.core.readiness.samples import sample_declarations
from headrace_server.core.readiness.scoring import evaluate
from headrace_server.core.tenants import Tenants
from headrace_server.db.engine import ControlStore
from headrace_server.db.migrations import migrate
from headrace_server.db.wakeups import Wakeups
from headrace_server.model.tenant import Principal, Scope

_CALLER = Principal("default", frozenset({Scope.WRITE}), None)
_BATCH = 500


def score_one(rounds: int) -> None:
    """Print how long one score takes, of the ten samples."""
    now = datetime.now(UTC)
    samples = sample_declarations(now)
    taken = []
    for _ in range(rounds):
        for declaration in samples:
            started = time.perf_counter()
            evaluate(Facts(declaration, None, now))
            taken.append(time.perf_counter() - started)
    median, worst = statistics.median(taken), max(taken)
    say(f"one score: median {median * 1e3:.3f} ms, longest {worst * 1e3:.3f} ms; below 1 ms")


async def rescore(folder: Path, number: int) -> None:
    """Print how long it takes to score so many datasets again, each to another score."""
    store = ControlStore.open(f"sqlite:///{folder / 'control.sqlite'}")
    await migrate(store)
    wakeups, now = Wakeups(), datetime.now(UTC)
    await Tenants(store, wakeups).ensure_default()
    clock = [now]
    datasets = Datasets(store, wakeups, lambda: clock[0])
    samples = sample_declarations(now)
    for start in range(0, number, _BATCH):
        declarations = [
            replace(
                samples[n % len(samples)],
                full_name=f"bench.table_{n}",
                freshness_hours=1,
                last_updated_at=now,
            )
            for n in range(start, start + _BATCH)
        ]
        await datasets.declare(_CALLER, declarations)
    clock[0] = now + timedelta(hours=2)
    started = time.perf_counter()
    count = await datasets.rescore_due()
    taken = time.perf_counter() - started
    await store.close()
    say(f"{count:,} datasets rescored on SQLite, every score changed: {taken:.1f} s; below 30 s")


class Loads:
    """Loads of one data set, with profiles and without."""

    def __init__(self, folder: Path, dataset: Dataset, url: str | None) -> None:
        self._folder = folder
        self._dataset = dataset
        self._url = url
        self.walls: dict[str, list[float]] = {"true": [], "false": []}

    def without(self) -> float:
        """Processor time of a load without profiles, in seconds."""
        return self._run("false")

    def with_profiles(self) -> float:
        """Processor time of a load with profiles, until the last was made."""
        return self._run("true")

    def _run(self, observe: str) -> float:
        data_dir = self._folder / f"server-{time.monotonic_ns()}"
        files = {table: self._dataset.ndjson(table) for table in TABLES}
        with ExitStack() as stack:
            url = stack.enter_context(self._database()) if self._url else None
            stack.enter_context(_environment("HEADRACE_OBSERVE_LOADS", observe))
            server = stack.enter_context(headrace_server(data_dir, url))
            pids = [server.pid, *([postmaster_pid(self._folder)] if url else [])]
            before = sum(map(cpu_seconds, pids))
            wall, _ = asyncio.run(ingest_at(server.address, files))
            if observe == "true":
                asyncio.run(_await_profiles(server.address, self._dataset))
            self.walls[observe].append(wall)
            return sum(map(cpu_seconds, pids)) - before

    @contextmanager
    def _database(self) -> Iterator[str]:
        name = f"control_{time.monotonic_ns()}"

        async def run(statement: str) -> None:
            connection = await asyncpg.connect(self._url)
            await connection.execute(statement)
            await connection.close()

        asyncio.run(run(f"CREATE DATABASE {name}"))
        yield str(self._url).replace("/postgres?", f"/{name}?")
        for database in (name, f"{name}.default"):
            asyncio.run(run(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)'))


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]


async def _await_profiles(address: str, dataset: Dataset) -> None:
    """Return when each table was seen after its last row; raises RuntimeError after a minute."""
    deadline = time.monotonic() + 60
    async with Client(address) as client:
        tables = {table.name: table async for table in client.list_tables()}
        left = set(TABLES)
        while left:
            if time.monotonic() > deadline:
                raise RuntimeError(f"not profiled: {left}")
            await asyncio.sleep(0.5)
            for table in list(left):
                try:
                    seen = (await client.get_dataset(f"public.{table}")).observation
                except NotFoundError:
                    continue
                if seen.updated_at == tables[table].updated_at:
                    off = abs(seen.rows / dataset.rows(table) - 1)
                    say(f"       {table:<12} {seen.sampled_rows:>7} rows seen, count {off:.1%} off")
                    left.remove(table)


def main() -> None:
    """Measure, and print each figure beside what is demanded."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=3, help="pairs of loads")
    parser.add_argument("--scale", type=float, default=1.0, help="1 is 1.37 million rows")
    parser.add_argument("--datasets", type=int, default=10_000, help="to be rescored")
    parser.add_argument("--postgres", action="store_true", help="load there instead of SQLite")
    options = parser.parse_args()
    say_machine()
    score_one(200)
    with scratch_folder() as folder, ExitStack() as stack:
        asyncio.run(rescore(folder, options.datasets))
        if not options.runs:
            return
        url = stack.enter_context(postgres(folder)) if options.postgres else None
        loads = Loads(folder, write_dataset(folder, Sizes.scaled(options.scale)), url)
        figures = alternate(
            options.runs,
            ("load without profiles, CPU s", loads.without),
            ("load with profiles, CPU s", loads.with_profiles),
        )
        say_ratio(*figures, "s of processor time", "at most 1.10")
        say_ratio(loads.walls["false"], loads.walls["true"], "s to COMPLETED", "at most 1.10")


if __name__ == "__main__":
    main()
