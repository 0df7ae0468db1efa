"""Point reads of the hot path, through the drivers directly and never from a cache."""

import sqlite3
from collections.abc import Awaitable
from datetime import datetime
from pathlib import Path
from typing import Protocol

from headrace_server.db.engine import parse_url, sqlite_path
from headrace_server.db.ingestions import INGESTION_FIELDS, ingestion_of
from headrace_server.db.postgres_pool import PostgresPool
from headrace_server.model.errors import StorageUnavailableError
from headrace_server.model.ingestion import Ingestion

_INGESTION = f"SELECT {', '.join(INGESTION_FIELDS)} FROM ingestions WHERE "  # noqa: S608  # constants
_POSTGRES_INGESTION = _INGESTION + "tenant_id = $1 AND request_id = $2"
_SQLITE_INGESTION = _INGESTION + "tenant_id = ? AND request_id = ?"
_INSTANTS = [INGESTION_FIELDS.index(name) for name in ("created_at", "started_at", "completed_at")]


class PointReads:
    """Reads of one row by its key; the first connects.

    Each raises StorageUnavailableError when the database cannot be reached.
    """

    def __init__(self, url: str) -> None:
        """Take the control store's URL. Raises ValueError for an unfit one."""
        parsed = parse_url(url)
        self._reader: _Reader = (
            _SqliteReader(sqlite_path(parsed))
            if parsed.drivername == "sqlite"
            else _PostgresReader(PostgresPool(url))
        )

    def ingestion(self, tenant_id: str, request_id: str) -> Awaitable[Ingestion | None]:
        """Read a tenant's ingestion."""
        return self._reader.ingestion(tenant_id, request_id)

    async def close(self) -> None:
        """Close every connection."""
        await self._reader.close()


class _Reader(Protocol):
    async def ingestion(self, tenant_id: str, request_id: str) -> Ingestion | None: ...

    async def close(self) -> None: ...


class _SqliteReader:
    """Reads on the event loop's own thread.

    A row by its key takes some 20 µs, most often from memory, and a reader of a WAL file waits for
    no writer; handing it to a thread and back takes five times as long.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    async def ingestion(self, tenant_id: str, request_id: str) -> Ingestion | None:
        try:
            connection = self._connection or self._connect()
            # All of the answer: a cursor left halfway would hold its snapshot.
            found = connection.execute(_SQLITE_INGESTION, (tenant_id, request_id)).fetchall()
        except sqlite3.OperationalError as error:
            raise StorageUnavailableError("the control store cannot be reached now") from error
        if not found:
            return None
        row = list(found[0])
        for position in _INSTANTS:
            if row[position] is not None:
                row[position] = datetime.fromisoformat(row[position] + "+00:00")
        return ingestion_of(row)

    def _connect(self) -> sqlite3.Connection:
        uri = Path(self._path).absolute().as_uri() + "?mode=rw"
        self._connection = sqlite3.connect(uri, uri=True, timeout=1)
        self._connection.execute("PRAGMA query_only = ON")
        return self._connection

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _PostgresReader:
    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def ingestion(self, tenant_id: str, request_id: str) -> Ingestion | None:
        rows = await self._pool.fetch(_POSTGRES_INGESTION, tenant_id, request_id)
        return ingestion_of(rows[0]) if rows else None

    async def close(self) -> None:
        await self._pool.close()
