"""Where the time of a load goes: parsing and merging alone, one after the other, in this process.

No server, no upload, nothing overlapped: the sum is what one core needs.
"""

import argparse
import asyncio
import re
import time
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from dataset import Dataset, Sizes, write_dataset
from machine import say, say_machine
from serving import postgres, scratch_folder
from sqlalchemy import event
from sqlalchemy.engine import Engine

from headrace_server.core.ingestion.parsing import ParseTask, parse_chunk
from headrace_server.files.chunks import ChunkRange, plan_chunks
from headrace_server.model.commerce import COMMERCE
from headrace_server.model.contract import Table
from headrace_server.model.warehouse import ChunkKey, StagedChunk
from headrace_server.warehouse.base import Warehouse
from headrace_server.warehouse.registry import Warehouses

_LINE_BYTES = 16 << 20
_NAME = "bench"


class StatementTimes:
    """Adds up the seconds of each kind of statement that SQLAlchemy runs."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._started = 0.0
        event.listen(Engine, "before_cursor_execute", self._before)
        event.listen(Engine, "after_cursor_execute", self._after)

    def _before(self, *_: Any) -> None:
        self._started = time.perf_counter()

    def _after(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        kind = re.sub(r"_\d+\b", "", " ".join(statement.split()))[:70]
        self.seconds[kind] += time.perf_counter() - self._started


async def load(
    warehouse: Warehouse, path: Path, table: Table, chunk_bytes: int
) -> tuple[float, float]:
    """Load one file chunk by chunk; returns the seconds of parsing and of merging."""
    catalog = {declared.name: declared for declared in COMMERCE.tables}
    parsing = merging = 0.0
    for planned in plan_chunks(path, chunk_bytes):
        target = path.with_name(f"{table.name}-{planned.chunk}")
        started = time.perf_counter()
        chunk = _parse(path, planned, table, warehouse.dialect, target)
        parsing += time.perf_counter() - started
        started = time.perf_counter()
        await warehouse.merge(chunk, catalog)
        merging += time.perf_counter() - started
    return parsing, merging


def _parse(
    path: Path, planned: ChunkRange, table: Table, dialect: str, target: Path
) -> StagedChunk:
    parsed = parse_chunk(ParseTask(path, planned, table, dialect, target, _LINE_BYTES))
    return StagedChunk(
        key=ChunkKey(table.name, 0, 0, planned.chunk),
        attempt=1,
        table=table,
        path=target,
        first_line=planned.first_line,
        byte_offset=planned.byte_offset,
        byte_length=planned.byte_length,
        rows_valid=parsed.rows_valid,
        rows_rejected=parsed.rows_rejected,
    )


async def measure(url: str, folder: Path, dataset: Dataset, chunk_bytes: int) -> None:
    """Print the stages of each table."""
    warehouses = Warehouses(url, folder=folder)
    times = StatementTimes()
    async with warehouses.use(_NAME) as warehouse:
        await warehouse.prepare({table.name: table for table in COMMERCE.tables})
        for table in COMMERCE.tables:
            await warehouse.fence(table.name, 1)
            times.seconds.clear()
            path = dataset.ndjson(table.name)
            parsing, merging = await load(warehouse, path, table, chunk_bytes)
            speed = path.stat().st_size / 1e6 / parsing
            say(f"{table.name}: parse {parsing:.2f} s ({speed:.0f} MB/s), merge {merging:.2f} s")
            for kind, seconds in sorted(times.seconds.items(), key=lambda item: -item[1])[:8]:
                say(f"  {seconds:6.2f} s  {kind}")
            rest = merging - sum(times.seconds.values())
            say(f"  {rest:6.2f} s  COPY, COMMIT and Python")
    await warehouses.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--scale", type=float, default=1.0, help="1 is 1.37 million rows")
    parser.add_argument("--sqlite", action="store_true", help="instead of PostgreSQL")
    parser.add_argument("--shuffled-items", action="store_true", help="scatter an order's items")
    parser.add_argument("--chunk-bytes", type=int, default=32 << 20)
    options = parser.parse_args()
    say_machine()
    with scratch_folder() as folder, ExitStack() as stack:
        sizes = Sizes.scaled(options.scale)
        dataset = write_dataset(folder, sizes, shuffled_items=options.shuffled_items, csv=False)
        url = "sqlite:///" if options.sqlite else stack.enter_context(postgres(folder))
        asyncio.run(measure(url, folder, dataset, options.chunk_bytes))


if __name__ == "__main__":
    main()
