"""Ingestion through the client library, in dependency order, as `headrace bulk-ingest` does."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from headrace.v1.ingestion_pb2 import Ingestion
from machine import say

from headrace_client import Client
from headrace_server.model.commerce import COMMERCE


@dataclass(frozen=True, slots=True)
class FileTimes:
    """What became of one file; seconds since the first upload began."""

    table: str
    request_id: str
    #: its upload began and ended
    upload_began: float
    upload_ended: float
    #: it was completed, after its parents' files
    completed: float
    #: its last row was in the warehouse
    loaded: float
    rows_loaded: int


async def ingest(client: Client, files: dict[str, Path]) -> list[FileTimes]:
    """Upload and load a file per table; the server loads them in the order they are completed.

    Raises RuntimeError where an ingestion does not end COMPLETED.
    """
    started = time.perf_counter()
    upload_turn = asyncio.Lock()
    tasks: dict[str, asyncio.Task[FileTimes]] = {}
    given = {table: asyncio.Event() for table in files}

    async def run(table: str, parents: Sequence[str]) -> FileTimes:
        async with upload_turn:
            began = time.perf_counter() - started
            upload = await client.upload(files[table], complete=False)
            ended = time.perf_counter() - started
        await asyncio.gather(*(given[parent].wait() for parent in parents))
        session = await client.complete_upload(
            upload.upload_token, upload.sha256, upload.bytes_total
        )
        completed = time.perf_counter() - started
        given[table].set()
        last = await await_end(client, session.request_id)
        loaded = time.perf_counter() - started
        return FileTimes(
            table, session.request_id, began, ended, completed, loaded, last.rows_loaded
        )

    for table in COMMERCE.tables:
        if table.name in files:
            parents = [ref.table for ref in table.references if ref.table in files]
            tasks[table.name] = asyncio.create_task(run(table.name, parents))
    return list(await asyncio.gather(*tasks.values()))


async def await_end(client: Client, request_id: str) -> Ingestion:
    """Watch until the end. Raises RuntimeError where that is not COMPLETED."""
    async for ingestion in client.watch(request_id):
        if ingestion.terminal:
            if ingestion.status != Ingestion.COMPLETED:
                raise RuntimeError(f"an ingestion did not end well: {ingestion}")
            return ingestion
    raise RuntimeError("the watch ended without an end")


async def ingest_at(address: str, files: dict[str, Path]) -> tuple[float, list[FileTimes]]:
    """Seconds for all of it with a new client, and the times of each file."""
    async with Client(address) as client:
        await client.get_health()
        started, cpu = time.perf_counter(), time.process_time()
        times = await ingest(client, files)
        taken, cpu = time.perf_counter() - started, time.process_time() - cpu
        for file in times:
            await _say(client, file)
    say(f"       client's processor time, s: {cpu:.1f}")
    return taken, times


async def _say(client: Client, file: FileTimes) -> None:
    latencies = [chunk.latency_ms async for chunk in client.list_chunks(file.request_id)]
    say(
        f"       {file.table:<12} upload {file.upload_began:5.2f}-{file.upload_ended:5.2f}"
        f"  completed {file.completed:5.2f}  loaded {file.loaded:5.2f}"
        f"  merges {sum(latencies) / 1000:5.2f} in {len(latencies)} chunks"
    )
