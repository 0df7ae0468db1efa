"""Previews: the first 100 rows of a large CSV, by its path and sent by the client."""

import argparse
import asyncio
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from headrace.v1.preview_pb2 import Preview
from machine import say, say_machine
from serving import headrace_server, scratch_folder

from headrace_client import Client

_TARGET_MS = 300
_BLOCK_LINES = 20_000


def write_csv(path: Path, size: int) -> int:
    """Write a CSV of about so many bytes and return its rows."""
    rows = 0
    with path.open("wb") as file:
        file.write(b"id,name,email,created_at,amount\n")
        while file.tell() < size:
            lines = (
                f'{n},"Doe, John {n}",john.{n}@example.com,2024-01-15T10:00:00Z,{n % 9973}.25\n'
                for n in range(rows, rows + _BLOCK_LINES)
            )
            file.write("".join(lines).encode())
            rows += _BLOCK_LINES
    return rows


async def measure(name: str, call: Callable[[], Awaitable[Preview]], times: int, rows: int) -> None:
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        found = await call()
        taken.append((time.perf_counter() - started) * 1000)
        if found.rows_previewed != 100:
            raise RuntimeError(f"{found.rows_previewed} rows were shown")
    off = found.estimated_total_rows / rows - 1
    say(
        f"{name}: first {taken[0]:.0f} ms, median {statistics.median(taken):.0f} ms, longest "
        f"{max(taken):.0f} ms (target {_TARGET_MS}); "
        f"{found.estimated_total_rows:,} rows estimated, {rows:,} there ({off:+.2%})"
    )


async def preview(folder: Path, file: Path, rows: int, times: int) -> None:
    os.environ["HEADRACE_ALLOWED_ROOTS"] = str(folder)
    with headrace_server(folder / "data") as server:
        async with Client(server.address) as client:
            await client.get_health()
            await measure("by its path", lambda: client.preview_path(str(file)), times, rows)
            await measure("sent", lambda: client.preview_file(file), times, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=2.0, help="size of the file")
    parser.add_argument("--times", type=int, default=10, help="previews of each kind")
    arguments = parser.parse_args()
    say_machine()
    with scratch_folder() as folder:
        file = folder / "data.csv"
        rows = write_csv(file, round(arguments.gigabytes * 1e9))
        say(f"file: {file.stat().st_size / 1e9:.2f} GB")
        asyncio.run(preview(folder, file, rows, arguments.times))


if __name__ == "__main__":
    main()
