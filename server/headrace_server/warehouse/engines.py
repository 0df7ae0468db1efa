"""Connections and transactions of each engine."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite
from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from headrace_server.model.errors import StorageUnavailableError
from headrace_server.model.warehouse import Catalog, LedgerEntry, StagedChunk
from headrace_server.warehouse.base import Turn
from headrace_server.warehouse.marts_postgres import PostgresMarts
from headrace_server.warehouse.marts_sqlite import SqliteMarts
from headrace_server.warehouse.postgres import PostgresDialect
from headrace_server.warehouse.postgres_connections import connect
from headrace_server.warehouse.postgres_sessions import end_merges, end_sleeping, name_session
from headrace_server.warehouse.postgres_whole_file import Lanes, WholeFile
from headrace_server.warehouse.reading_postgres import PostgresReading
from headrace_server.warehouse.reading_sqlite import SqliteReading
from headrace_server.warehouse.sql_warehouse import SqlWarehouse
from headrace_server.warehouse.sqlite import SqliteDialect
from headrace_server.warehouse.sqlite_tables import FLOAT_TEXT, float_text
from headrace_server.warehouse.staging_sqlite import STAGED_FILE

R = TypeVar("R")

#: seconds a SQLite writer waits for another process
_BUSY_SECONDS = 120
#: seconds that a new attempt gives the merge of an older one to end
_GRACE_SECONDS = 5
#: of new files: the fewer pages, the less to log, and each key's leaf is written with every chunk
_PAGE_BYTES = 16384
_NO_BINARY = "SQLite takes no rows in the binary format of COPY: stage them"
_SQLITE_PRAGMAS = (
    # NORMAL may lose the last commits when the power goes: committed means durable here.
    "PRAGMA synchronous = FULL",
    # References are checked set-based, and rebuilding a table must not touch its children.
    "PRAGMA foreign_keys = OFF",
)


class PostgresWarehouse(SqlWarehouse):
    """A database on a PostgreSQL server.

    The URL is libpq's, `database` another name than the URL's; at most `pool_size` connections are
    open at once.
    """

    def __init__(self, url: str, *, database: str | None = None, pool_size: int = 8) -> None:
        engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=lambda: connect(url, database=database),
            isolation_level="READ COMMITTED",  # each statement sees what was committed before it
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=_BUSY_SECONDS,
            pool_use_lifo=True,
            # Temporary tables come and go under the same names: prepare each statement anew.
            connect_args={"prepared_statement_cache_size": 0},
        )
        words = PostgresDialect()
        super().__init__(engine, words)
        self._dialect = words
        self._lanes = Lanes(pool_size)
        self._reader = PostgresReading(url, database)
        refreshing = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=lambda: connect(url, database=database),
            isolation_level="READ COMMITTED",
            poolclass=NullPool,
            connect_args={"prepared_statement_cache_size": 0},
        )
        self.marts = PostgresMarts(self._mart_access(), words, refreshing, self._reader)

    @asynccontextmanager
    async def _writing(self, chunk: StagedChunk | None = None) -> AsyncIterator[AsyncConnection]:
        async with self._engine.begin() as connection:
            if chunk is not None:
                await name_session(connection, chunk)
            yield connection

    async def merge(
        self, chunk: StagedChunk, catalog: Catalog, turn: Turn | None = None
    ) -> LedgerEntry:
        """See `Warehouse.merge`.

        One that takes long may wait for another whose process sleeps: that is rolled back.
        """
        return await self._watched(super().merge(chunk, catalog, turn))

    async def merge_whole(
        self,
        chunks: Sequence[StagedChunk],
        catalog: Catalog,
        confirmed: Awaitable[None],
    ) -> None:
        """See `Warehouse.merge_whole`, and `merge`."""
        file = WholeFile(self._write, self._lanes, self._dialect, chunks, catalog, confirmed)
        await self._watched(file.merge())

    async def _watched(self, merge: Coroutine[None, None, R]) -> R:
        merging = asyncio.create_task(merge)
        try:
            while not (await asyncio.wait({merging}, timeout=_GRACE_SECONDS))[0]:
                async with self._write() as connection:
                    await end_sleeping(connection)
            return await merging
        finally:
            merging.cancel()
            await asyncio.wait({merging})

    async def fence(self, ingestion_id: str, attempt: int) -> None:
        """See `Warehouse.fence`.

        The merge of an older attempt that does not end, since its process sleeps, is rolled back.
        """
        fencing = asyncio.create_task(super().fence(ingestion_id, attempt))
        try:
            done, _ = await asyncio.wait({fencing}, timeout=_GRACE_SECONDS)
            if not done:
                async with self._write() as connection:
                    await end_merges(connection, ingestion_id, before=attempt)
            await fencing
        finally:
            fencing.cancel()

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        async with self._engine.connect() as connection:
            yield await connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )


class SqliteWarehouse(SqlWarehouse):
    """A database file in WAL mode.

    One connection does all the writing: its cache holds what the last merge wrote, which another's
    commit would make worthless.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(_sqlite_engine(path), SqliteDialect())
        self._reader = reader = SqliteReading(path)
        self.marts = SqliteMarts(self._mart_access(), reader)
        self._writing_engine = _sqlite_engine(
            path, execution_options={"writes": True}, pool_size=1, max_overflow=0
        )
        event.listen(self._writing_engine.sync_engine, "connect", _widen_cache)
        self._writer = asyncio.Lock()

    async def merge(
        self, chunk: StagedChunk, catalog: Catalog, turn: Turn | None = None
    ) -> LedgerEntry:
        """See `Warehouse.merge`; there is one writer, so nothing is done before the turn.

        Raises ValueError for binary rows, which SQLite cannot read.
        """
        if chunk.binary is not None:
            raise ValueError(_NO_BINARY)
        if turn:
            await turn.come.wait()
        return await super().merge(chunk, catalog)

    async def merge_whole(
        self,
        chunks: Sequence[StagedChunk],
        catalog: Catalog,
        confirmed: Awaitable[None],
    ) -> None:
        """Raises ValueError: see `merge`."""
        raise ValueError(_NO_BINARY)

    @asynccontextmanager
    async def _writing(self, chunk: StagedChunk | None = None) -> AsyncIterator[AsyncConnection]:
        async with self._writer, self._writing_engine.connect() as connection:
            if chunk is not None:
                await _attach(connection, chunk.path / STAGED_FILE)
            try:
                async with connection.begin():
                    yield connection
            finally:
                # One that was interrupted in a statement is closed, and took it along.
                if chunk is not None and not connection.invalidated:
                    await _driver_execute(connection, "DETACH staged")

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        async with self._engine.connect() as connection:
            yield connection

    async def close(self) -> None:
        """See `Warehouse.close`."""
        await self._writing_engine.dispose()
        await super().close()


class _SqliteConnection(aiosqlite.Connection):
    """A connection that two may close at once, as those do whose close is cancelled.

    One that was cancelled in a statement is closed in a task of its own; when the wait for that is
    cancelled too, its thread is stopped besides. The driver has whoever comes second wait for
    ever, since the thread has ended by then.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(lambda: _open(path), iter_chunk_size=64)
        self._thread.daemon = True
        self._stopping: asyncio.Future[Any] | None = None

    def stop(self) -> "asyncio.Future[Any] | None":
        if self._stopping is None:
            self._stopping = super().stop()
        return self._stopping and asyncio.shield(self._stopping)


def _open(path: Path) -> sqlite3.Connection:
    # None: transactions begin where we say so; uri: staged files are attached read-only.
    return sqlite3.connect(
        path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, uri=True
    )


def _sqlite_engine(path: Path, **options: Any) -> AsyncEngine:
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{path}", async_creator=lambda: _SqliteConnection(path), **options
    )
    event.listen(engine.sync_engine, "connect", _set_pragmas)
    event.listen(engine.sync_engine, "begin", _begin)
    event.listen(engine.sync_engine, "invalidate", _roll_back)
    return engine


def _widen_cache(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA cache_size = -65536")
    cursor.close()


def _set_pragmas(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
    _use_wal(cursor)
    for pragma in _SQLITE_PRAGMAS:
        cursor.execute(pragma)
    cursor.close()
    connection.create_function(FLOAT_TEXT, 1, float_text, deterministic=True)


def _use_wal(cursor: Any) -> None:
    """Switch to WAL; who does so to a new file at the same time as others must try again.

    SQLite does not wait by itself there, whatever its timeout.
    """
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        else:
            return


def _roll_back(connection: Any, _record: Any, _cause: Any) -> None:
    # Interrupted in a statement, it is closed; but the close waits, write lock and all, for
    # cursors that somebody may refer to for long.
    connection.rollback()


def _begin(connection: Connection) -> None:
    # A deferred transaction that comes to write fails at once when another has written.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


async def _attach(connection: AsyncConnection, path: Path) -> None:
    try:
        await _driver_execute(connection, "ATTACH ? AS staged", _read_only(path))
    except asyncio.CancelledError:
        # The driver's thread may attach it yet.
        await connection.invalidate()
        raise
    except sqlite3.OperationalError as error:
        raise StorageUnavailableError(f"the staged chunk cannot be read: {error}") from error


def _read_only(path: Path) -> str:
    return f"{path.absolute().as_uri()}?mode=ro&immutable=1"


async def _driver_execute(connection: AsyncConnection, statement: str, *values: str) -> None:
    """Outside any transaction, which attaching needs."""
    raw = await connection.get_raw_connection()
    driver: Any = raw.driver_connection
    await (await driver.execute(statement, values)).close()
