"""Reads what stands in a tenant's warehouse and holds it against what must be there."""

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from headrace.v1 import ingestion_service_pb2 as pb
from headrace.v1.ingestion_pb2 import Ingestion

from headrace_client import Client

from .fleet import Fleet, eventually
from .shipment import KEYS, File, Record, plain

Filter = pb.ListRejectsRequest.Filter


async def table(fleet: Fleet, name: str) -> dict[str, Record]:
    """The rows of a table by their key. Fails where two rows share a key."""
    records = await query(fleet, f'SELECT * FROM "{name}"')
    found = {str(record[KEYS[name]]): plain(record) for record in records}
    assert len(found) == len(records)
    return found


async def query(fleet: Fleet, statement: str) -> list[Mapping[str, Any]]:
    """Rows of a query in the warehouse of tenant `default`."""
    if fleet.is_sqlite:
        return await asyncio.to_thread(_query_sqlite, fleet, statement)
    name = urlsplit(fleet.database_url).path[1:]
    return await query_postgres(fleet.database_url, statement, database=f"{name}.default")


async def query_postgres(url: str, statement: str, **options: Any) -> list[Mapping[str, Any]]:
    """Rows of a query on PostgreSQL."""
    connection = await asyncpg.connect(url, **options)
    try:
        return [dict(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


def _query_sqlite(fleet: Fleet, statement: str) -> list[Mapping[str, Any]]:
    return query_file(fleet.data_dir / "warehouses" / "default.sqlite", statement)


def query_file(path: object, statement: str) -> list[Mapping[str, Any]]:
    """Rows of a query on a SQLite file."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(statement)]


async def control(fleet: Fleet, statement: str) -> list[Mapping[str, Any]]:
    """Rows of a query in the control store."""
    if fleet.is_sqlite:
        path = fleet.database_url.removeprefix("sqlite:///")
        return await asyncio.to_thread(query_file, path, statement)
    return await query_postgres(fleet.database_url, statement)


async def ingestions(client: Client, request_ids: Sequence[str]) -> list[Ingestion]:
    return [await client.get_status(request_id) for request_id in request_ids]


async def all_ended(client: Client, request_ids: Sequence[str]) -> None:
    """Wait until the ingestions have ended and nothing of them waits for a parent."""

    async def ended() -> bool:
        found = await ingestions(client, request_ids)
        return all(one.terminal and not one.rows_parked for one in found)

    await eventually(ended, "the ends of all ingestions", every=0.05)


async def check(
    fleet: Fleet, client: Client, files: Sequence[File], request_ids: Sequence[str]
) -> None:
    """Hold every row, reject and count against the files."""
    for file, request_id in zip(files, request_ids, strict=True):
        assert await table(fleet, file.table) == file.rows
        await check_counts(client, file, request_id)


async def check_counts(client: Client, file: File, request_id: str) -> None:
    """Hold the rejects and counts of one file's ingestion against the file."""
    found = await client.get_status(request_id)
    counts = (found.rows_loaded, found.rows_rejected, found.rows_parked)
    assert counts == (file.good_lines, len(file.bad_lines), 0), found
    clean = Ingestion.COMPLETED_WITH_ERRORS if file.bad_lines else Ingestion.COMPLETED
    assert found.status == clean
    assert found.bytes_processed == found.bytes_total == file.path.stat().st_size
    rejects = [reject async for reject in client.list_rejects(request_id)]
    assert sorted(reject.line for reject in rejects) == sorted(file.bad_lines)
    chunks = [chunk async for chunk in client.list_chunks(request_id)]
    assert [chunk.chunk for chunk in chunks] == list(range(len(chunks)))
    assert sum(chunk.byte_length for chunk in chunks) == file.path.stat().st_size
    assert sum(chunk.rows_read for chunk in chunks) == file.lines
    parted = sum(c.rows_loaded + c.rows_rejected + c.rows_parked for c in chunks)
    assert parted == file.lines
