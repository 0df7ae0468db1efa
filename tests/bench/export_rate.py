"""Seconds and memory of an export to XLSX, beside XlsxWriter and openpyxl as they are used alone.

The table has ten columns: numbers, decimals, texts, a day, a moment, a truth value. Ours is a job
of a real server: the query runs, its rows go through a pipe to the process that writes. Memory is
that of the server and all its descendants at once, sampled ten times a second. The peers get their
rows from memory, in a process of their own, and write them cell by cell with formats of days and
moments; they make no summary and no charts. Meanwhile another client asks the server all the time.
"""

import argparse
import asyncio
import multiprocessing
import random
import resource
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import openpyxl
import xlsxwriter
from headrace.v1.export_pb2 import ExportOutput, ExportSource
from headrace.v1.export_service_pb2 import ExportQueryRequest, WatchExportRequest
from headrace.v1.export_service_pb2_grpc import ExportServiceStub
from headrace.v1.status_service_pb2 import GetHealthRequest
from headrace.v1.status_service_pb2_grpc import StatusServiceStub
from headrace.v1.warehouse_service_pb2 import ListTablesRequest
from headrace.v1.warehouse_service_pb2_grpc import WarehouseServiceStub
from machine import CpuTimes, say, say_machine
from memory import PeakMemory
from serving import Server, headrace_server, postgres, scratch_folder

_CREATE = (
    "CREATE TABLE orders (order_id BIGINT, customer VARCHAR(255), region VARCHAR(255),"
    " quantity BIGINT, unit_price DECIMAL(12, 2), total_amount DECIMAL(12, 2), ordered_on DATE,"
    " created_at TIMESTAMP, paid BOOLEAN, note TEXT)"
)
_REGIONS = ("North", "South", "East & West", "Overseas")
_PAUSE = 0.01
Row = tuple[Any, ...]


def rows_of(count: int) -> Iterator[Row]:
    """Rows as a query gives them; the same each time."""
    random_ = random.Random(1)  # noqa: S311  # no secret
    for n in range(count):
        quantity, price = random_.randint(1, 9), Decimal(random_.randint(100, 9999)) / 100
        yield (
            n + 1, f"Customer {n % 977}", _REGIONS[n % 4], quantity, price, price * quantity,
            date(2024, 1, 1) + timedelta(days=n % 180),
            datetime(2024, 1, 1, 8, tzinfo=UTC) + timedelta(minutes=n % 200_000),
            n % 3 != 0, None if n % 5 else "a note",
        )  # fmt: skip


async def fill(server: Server, url: str | None, count: int) -> None:
    """Put the rows into the warehouse of the default tenant, which the server has made."""
    if url is not None:
        await _fill_postgres(url, count)
        return
    with closing(sqlite3.connect(server.data_dir / "warehouses" / "default.sqlite")) as connection:
        connection.execute(_CREATE)
        stored = (tuple(map(_stored, row)) for row in rows_of(count))
        connection.executemany(f"INSERT INTO orders VALUES ({', '.join('?' * 10)})", stored)
        connection.commit()


async def _fill_postgres(url: str, count: int) -> None:
    name = url.partition("?")[0].rpartition("/")[2]
    connection = await asyncpg.connect(url, database=f"{name}.default")
    await connection.execute(_CREATE.replace("TIMESTAMP", "TIMESTAMPTZ"))
    await connection.copy_records_to_table("orders", records=rows_of(count))
    await connection.close()


def _stored(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal | date | datetime) else value


async def answers(channel: grpc.aio.Channel, seconds: list[float]) -> None:
    """Ask for the server's health all the time, and note how long each answer takes."""
    stub = StatusServiceStub(channel)
    while True:
        started = time.perf_counter()
        await stub.GetHealth(GetHealthRequest())
        seconds.append(time.perf_counter() - started)
        await asyncio.sleep(_PAUSE)


async def export(channel: grpc.aio.Channel, rows: int, fmt: str) -> tuple[Any, float, list[float]]:
    """Export the table; returns how it ended, its seconds, and those of answers meanwhile."""
    request = ExportQueryRequest(
        data_source=ExportSource(type="TABLE", name="orders"),
        output_config=ExportOutput(
            format=fmt, include_summary=True, include_charts=True, max_rows=rows
        ),
        wait_seconds=0,
    )
    stub, seconds = ExportServiceStub(channel), list[float]()
    asking = asyncio.create_task(answers(channel, seconds))
    started = time.perf_counter()
    done = await stub.ExportQuery(request)
    async for snapshot in stub.WatchExport(WatchExportRequest(export_id=done.export_id)):
        done = snapshot
    asking.cancel()
    return done, time.perf_counter() - started, sorted(seconds)


async def measure(server: Server, url: str | None, rows: int) -> None:
    """Export in each format and print what it took."""
    async with grpc.aio.insecure_channel(server.address) as channel:
        await WarehouseServiceStub(channel).ListTables(ListTablesRequest())
        await fill(server, url, rows)
        for fmt in ("XLSX", "CSV", "PARQUET"):
            times = CpuTimes(server=server.pid)
            with PeakMemory(server.pid) as memory:
                done, seconds, waits = await export(channel, rows, fmt)
            say(
                f"ours {fmt:<8} {done.rows_exported} rows {seconds:6.1f} s"
                f" {rows / seconds:9.0f} rows/s  {done.file_size_mb:6.1f} MB"
                f"  peak {memory.peak / 2**20:4.0f} MB ({_parts(memory)})"
                f"  other calls {1000 * waits[len(waits) // 2]:.1f} ms, at most"
                f" {1000 * waits[-1]:.0f}, 99 % below {1000 * waits[len(waits) * 99 // 100]:.0f}"
                f"  {done.error}"
            )
            times.say()


def _parts(memory: PeakMemory) -> str:
    return ", ".join(f"{name} {size / 2**20:.0f}" for name, size in memory.at_peak.items())


def with_xlsxwriter(path: Path, count: int) -> None:
    """Write cell by cell in constant memory."""
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    sheet = book.add_worksheet()
    days = book.add_format({"num_format": "yyyy-mm-dd"})
    moments = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    for number, row in enumerate(rows_of(count)):
        for place, value in enumerate(row):
            if isinstance(value, str):
                sheet.write_string(number, place, value)
            elif isinstance(value, bool):
                sheet.write_boolean(number, place, value)
            elif isinstance(value, int | Decimal):
                sheet.write_number(number, place, value)
            elif isinstance(value, datetime):
                sheet.write_datetime(number, place, value.replace(tzinfo=None), moments)
            elif value is not None:
                sheet.write_datetime(number, place, value, days)
    book.close()


def with_openpyxl(path: Path, count: int) -> None:
    """Write row by row in its write-only mode."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in rows_of(count):
        sheet.append([v.replace(tzinfo=None) if isinstance(v, datetime) else v for v in row])
    book.save(path)


def peer(name: str, write: Callable[[Path, int], None], folder: Path, count: int) -> None:
    """Let a peer write in a process of its own, and print what it took."""
    process = multiprocessing.get_context("spawn").Process(
        target=_timed, args=(name, write, folder / f"{name}.xlsx", count)
    )
    process.start()
    process.join()


def _timed(name: str, write: Callable[[Path, int], None], path: Path, count: int) -> None:
    started = time.perf_counter()
    write(path, count)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    say(
        f"peer {name:<8} {count} rows {seconds:6.1f} s {count / seconds:9.0f} rows/s"
        f"  {path.stat().st_size / 1e6:6.1f} MB  peak {peak:4.0f} MB"
    )


def main() -> None:
    """Measure peers and ours in one run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the table")
    parser.add_argument("--peer-rows", type=int, default=100_000, help="rows that the peers write")
    parser.add_argument("--postgres", action="store_true", help="instead of SQLite")
    options = parser.parse_args()
    say_machine()
    with scratch_folder() as folder:
        for name, write in (("xlsxwriter", with_xlsxwriter), ("openpyxl", with_openpyxl)):
            peer(name, write, folder, options.peer_rows)
        with ExitStack() as stack:
            url = stack.enter_context(postgres(folder)) if options.postgres else None
            server = stack.enter_context(headrace_server(folder / "server", url))
            asyncio.run(measure(server, url, options.rows))
    say("at most 60 s and 300 MB for 1,000,000 rows to XLSX")


if __name__ == "__main__":
    main()
