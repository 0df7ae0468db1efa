"""Point reads of the hot path, through the drivers directly and never from a cache."""

import asyncio
import sqlite3
from collections.abc import Awaitable
from datetime import datetime
from pathlib import Path
from typing import Protocol

import asyncpg

from headrace_server.db.engine import PATIENCE, is_unavailability, parse_url, sqlite_path
from headrace_server.db.ingestions import INGESTION_FIELDS, ingestion_of
from headrace_server.model.errors import StorageUnavailableError
from headrace_server.model.ingestion import Ingestion

_POSTGRES_CONNECTIONS = 8
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
            else _PostgresReader(url)
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
            raise _unreachable(error) from error
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


class _Connection(asyncpg.Connection):  # type: ignore[misc]  # the driver has no types
    """A connection that only reads: nothing of it needs a reset, which is a round trip."""

    __slots__ = ()

    def get_reset_query(self) -> str:
        return ""


class _PostgresReader:
    def __init__(self, url: str) -> None:
        self._url = url
        self._pool: asyncpg.Pool | None = None
        self._connecting = asyncio.Lock()

    async def ingestion(self, tenant_id: str, request_id: str) -> Ingestion | None:
        try:
            pool = self._pool or await self._connect()
            row = await pool.fetchrow(_POSTGRES_INGESTION, tenant_id, request_id, timeout=PATIENCE)
        except (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresError) as error:
            raise _unreachable(error) from error
        return None if row is None else ingestion_of(row)

    async def _connect(self) -> asyncpg.Pool:
        async with self._connecting:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._url,
                    min_size=1,
                    max_size=_POSTGRES_CONNECTIONS,
                    connection_class=_Connection,
                    timeout=PATIENCE,
                )
        return self._pool

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()
            self._pool = None


def _unreachable(error: Exception) -> Exception:
    ours = isinstance(error, asyncpg.PostgresError) and not is_unavailability(error)
    return error if ours else StorageUnavailableError("the control store cannot be reached now")
