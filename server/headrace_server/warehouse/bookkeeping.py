"""Our own tables beside the tenant's: fences, ledger, rejects, definitions and the like."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.errors import StaleAttemptError
from headrace_server.model.warehouse import ChunkKey, LedgerEntry
from headrace_server.warehouse.dialect import Dialect
from headrace_server.warehouse.sql import execute, rows

#: names of the tables, as `Dialect.system` takes them
FENCES, LEDGER, REJECTS = "fences", "ledger", "rejects"
SETTLEMENTS, DEFINITIONS = "settlements", "definitions"
REPLACEMENTS, MARTS = "replacements", "marts"

_ENTRY = (
    "ingestion_id, file_no, run, chunk, attempt, first_line, byte_offset, byte_length, rows_read,"
    " rows_loaded, rows_rejected, rows_parked, rows_superseded, latency_ms, committed_at"
)


def statements(dialect: Dialect) -> list[str]:
    """Statements that create what is missing of our tables."""
    system = dialect.system
    return [
        (
            f"CREATE TABLE IF NOT EXISTS {system(DEFINITIONS)} "
            "(table_name TEXT PRIMARY KEY, definition TEXT NOT NULL)"
        ),
        (
            f"CREATE TABLE IF NOT EXISTS {system(FENCES)} "
            "(ingestion_id TEXT PRIMARY KEY, attempt INTEGER NOT NULL)"
        ),
        (
            f"CREATE TABLE IF NOT EXISTS {system(SETTLEMENTS)} "
            "(ingestion_id TEXT PRIMARY KEY, token TEXT NOT NULL)"
        ),
        (
            f"CREATE TABLE IF NOT EXISTS {system(REPLACEMENTS)} "
            "(ingestion_id TEXT PRIMARY KEY, table_name TEXT NOT NULL)"
        ),
        (
            f"CREATE TABLE IF NOT EXISTS {system(MARTS)} (schema_name TEXT, table_name TEXT,"
            " mart_id TEXT NOT NULL, PRIMARY KEY (schema_name, table_name))"
        ),
        (
            f"CREATE TABLE IF NOT EXISTS {system(LEDGER)} (ingestion_id TEXT, file_no INTEGER,"
            " run INTEGER, chunk INTEGER, attempt INTEGER NOT NULL, table_name TEXT NOT NULL,"
            " first_line BIGINT NOT NULL, byte_offset BIGINT NOT NULL, byte_length BIGINT NOT NULL,"
            " rows_read BIGINT NOT NULL, rows_replayed BIGINT NOT NULL,"
            " rows_loaded BIGINT NOT NULL, rows_rejected BIGINT NOT NULL,"
            " rows_parked BIGINT NOT NULL, rows_superseded BIGINT NOT NULL,"
            " latency_ms BIGINT NOT NULL,"
            f" committed_at {dialect.instant} NOT NULL,"
            " PRIMARY KEY (ingestion_id, file_no, run, chunk))"
        ),
        dialect.create_index(system(LEDGER), "ledger_by_table", "table_name, committed_at"),
        (
            f"CREATE TABLE IF NOT EXISTS {system(REJECTS)} (number {dialect.numbered},"
            " ingestion_id TEXT NOT NULL, file_no INTEGER NOT NULL, run INTEGER NOT NULL,"
            " table_name TEXT NOT NULL, line BIGINT NOT NULL, byte_offset BIGINT NOT NULL,"
            ' "column" TEXT, reason TEXT NOT NULL, message TEXT NOT NULL, raw TEXT NOT NULL,'
            " raw_truncated BOOLEAN NOT NULL)"
        ),
        dialect.create_index(
            system(REJECTS), "rejects_by_line", "ingestion_id, file_no, line, number"
        ),
    ]


async def raise_fence(
    connection: AsyncConnection, dialect: Dialect, ingestion_id: str, attempt: int
) -> None:
    """Record an attempt, and hold the fence until the end of the transaction.

    Merges of one attempt hold it together; a newer attempt waits for them. Raises
    StaleAttemptError.
    """
    given = {"ingestion_id": ingestion_id, "attempt": attempt}
    if await _held_fence(connection, dialect, " AND attempt = :attempt", **given):
        return
    fences = dialect.system(FENCES)
    await execute(
        connection,
        f"INSERT INTO {fences} VALUES (:ingestion_id, :attempt) ON CONFLICT DO NOTHING",
        **given,
    )
    await execute(
        connection,
        f"UPDATE {fences} SET attempt = :attempt"
        " WHERE ingestion_id = :ingestion_id AND attempt < :attempt",
        **given,
    )
    [fence] = await _held_fence(connection, dialect, "", ingestion_id=ingestion_id)
    if fence.attempt > attempt:
        raise StaleAttemptError(
            f"attempt {attempt} of ingestion {ingestion_id!r} was overtaken by attempt"
            f" {fence.attempt}"
        )


async def _held_fence(
    connection: AsyncConnection, dialect: Dialect, condition: str, **parameters: Any
) -> Sequence[Any]:
    return await rows(
        connection,
        f"SELECT attempt FROM {dialect.system(FENCES)} AS f WHERE ingestion_id = :ingestion_id"
        f"{condition} {dialect.locking('SHARE', 'f')}",
        **parameters,
    )


async def find_entry(
    connection: AsyncConnection, dialect: Dialect, key: ChunkKey
) -> LedgerEntry | None:
    """The entry of a chunk, if it was merged."""
    found = await rows(
        connection,
        f"SELECT {_ENTRY} FROM {dialect.system(LEDGER)} WHERE ingestion_id = :ingestion_id"
        " AND file_no = :file_no AND run = :run AND chunk = :chunk",
        **_key_parameters(key),
    )
    return _entry(found[0]) if found else None


async def entries(
    connection: AsyncConnection,
    dialect: Dialect,
    ingestion_id: str,
    after: ChunkKey | None,
    limit: int | None,
) -> list[LedgerEntry]:
    """Entries of an ingestion after a key, in order."""
    parameters: dict[str, Any] = {"ingestion_id": ingestion_id}
    condition = bound = ""
    if after is not None:
        condition = " AND (file_no, run, chunk) > (:file_no, :run, :chunk)"
        parameters |= {"file_no": after.file_no, "run": after.run, "chunk": after.chunk}
    if limit is not None:
        bound = " LIMIT :limit"
        parameters["limit"] = limit
    found = await rows(
        connection,
        f"SELECT {_ENTRY} FROM {dialect.system(LEDGER)} WHERE ingestion_id = :ingestion_id"
        f"{condition} ORDER BY file_no, run, chunk{bound}",
        **parameters,
    )
    return [_entry(row) for row in found]


async def add_entry(
    connection: AsyncConnection,
    dialect: Dialect,
    entry: LedgerEntry,
    table: str,
    rows_replayed: int,
) -> None:
    """Write a chunk's entry."""
    await execute(
        connection,
        f"INSERT INTO {dialect.system(LEDGER)} ({_ENTRY}, table_name, rows_replayed)"
        " VALUES (:ingestion_id, :file_no, :run, :chunk, :attempt, :first_line, :byte_offset,"
        " :byte_length, :rows_read, :rows_loaded, :rows_rejected, :rows_parked, :rows_superseded,"
        f" :latency_ms, {dialect.moment(':committed_at')}, :table_name, :rows_replayed)",
        **_key_parameters(entry.key),
        attempt=entry.attempt,
        first_line=entry.first_line,
        byte_offset=entry.byte_offset,
        byte_length=entry.byte_length,
        rows_read=entry.rows_read,
        rows_loaded=entry.rows_loaded,
        rows_rejected=entry.rows_rejected,
        rows_parked=entry.rows_parked,
        rows_superseded=entry.rows_superseded,
        latency_ms=entry.latency_ms,
        committed_at=entry.committed_at.isoformat(),
        table_name=table,
        rows_replayed=rows_replayed,
    )


async def loaded_tables(
    connection: AsyncConnection, dialect: Dialect, ingestion_id: str
) -> frozenset[str]:
    """The tables of an ingestion's chunks."""
    found = await rows(
        connection,
        f"SELECT DISTINCT table_name FROM {dialect.system(LEDGER)}"
        " WHERE ingestion_id = :ingestion_id",
        ingestion_id=ingestion_id,
    )
    return frozenset(row.table_name for row in found)


async def last_arrival(
    connection: AsyncConnection, dialect: Dialect, table: str
) -> datetime | None:
    """When a chunk of the table was last committed; None when none was."""
    [(moment,)] = await rows(
        connection,
        f"SELECT max(committed_at) FROM {dialect.system(LEDGER)} WHERE table_name = :table_name",
        table_name=table,
    )
    return None if moment is None else moment_of(moment)


async def arrivals(
    connection: AsyncConnection, dialect: Dialect, tables: Sequence[str]
) -> dict[str, int]:
    """How many chunks were committed for each of the tables."""
    found = {
        table: await rows(
            connection,
            f"SELECT count(*) FROM {dialect.system(LEDGER)} WHERE table_name = :table_name",
            table_name=table,
        )
        for table in tables
    }
    return {table: int(count) for table, [(count,)] in found.items()}


async def add_settlements(
    connection: AsyncConnection, dialect: Dialect, ingestion_ids: Sequence[str]
) -> None:
    """Enter ingestions whose parked rows changed; in one order, so that no two merges deadlock."""
    for ingestion_id in sorted(ingestion_ids):
        await execute(
            connection,
            f"INSERT INTO {dialect.system(SETTLEMENTS)} VALUES (:ingestion_id, :token)"
            " ON CONFLICT (ingestion_id) DO UPDATE SET token = excluded.token",
            ingestion_id=ingestion_id,
            token=uuid4().hex,
        )


async def read_settlements(connection: AsyncConnection, dialect: Dialect) -> dict[str, str]:
    """Token by ingestion."""
    found = await rows(
        connection,
        f"SELECT ingestion_id, token FROM {dialect.system(SETTLEMENTS)} ORDER BY ingestion_id",
    )
    return {row.ingestion_id: row.token for row in found}


async def delete_settlement(
    connection: AsyncConnection, dialect: Dialect, ingestion_id: str, token: str
) -> None:
    """Strike an ingestion off, if the token is still its own."""
    await execute(
        connection,
        f"DELETE FROM {dialect.system(SETTLEMENTS)}"
        " WHERE ingestion_id = :ingestion_id AND token = :token",
        ingestion_id=ingestion_id,
        token=token,
    )


def moment_of(value: datetime | str) -> datetime:
    """A moment as either engine returns it, in UTC."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.astimezone(UTC)


def _key_parameters(key: ChunkKey) -> dict[str, Any]:
    return {
        "ingestion_id": key.ingestion_id,
        "file_no": key.file_no,
        "run": key.run,
        "chunk": key.chunk,
    }


def _entry(row: Any) -> LedgerEntry:
    return LedgerEntry(
        key=ChunkKey(row.ingestion_id, row.file_no, row.run, row.chunk),
        attempt=row.attempt,
        first_line=row.first_line,
        byte_offset=row.byte_offset,
        byte_length=row.byte_length,
        rows_read=row.rows_read,
        rows_loaded=row.rows_loaded,
        rows_rejected=row.rows_rejected,
        rows_parked=row.rows_parked,
        rows_superseded=row.rows_superseded,
        latency_ms=row.latency_ms,
        committed_at=moment_of(row.committed_at),
    )
