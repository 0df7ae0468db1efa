"""The control store: one SQLite file, or one PostgreSQL that several servers share."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias, cast

import aiosqlite
import asyncpg
from sqlalchemy import URL, event, func, make_url, select
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from headrace_server.model.errors import StorageUnavailableError

#: an open transaction, as the rooms to the right of this one name it
Connection: TypeAlias = AsyncConnection
DialectName = Literal["sqlite", "postgresql"]

#: seconds that a connection is waited for, be it a free one, a new one or SQLite's write lock
PATIENCE = 30
#: connections that one process opens at most
POSTGRES_CONNECTIONS = 20
#: what PostgreSQL calls the sessions that lock rows
APPLICATION = "headrace-control"
#: seconds that a session may wait for its process in the midst of a transaction
FROZEN_SECONDS = 10
SQLITE_READERS = 4

# Errors are logged: they show no parameters, which may be hashes of secrets or users' data.
_POOLED: dict[str, Any] = {
    "max_overflow": 0,
    "pool_timeout": PATIENCE,
    # The one used last has its statements prepared.
    "pool_use_lifo": True,
    "hide_parameters": True,
}
_SWITCHING_SECONDS = 2.0
# FULL: a commit survives a power cut.
_SQLITE_PRAGMAS = (
    f"PRAGMA busy_timeout = {PATIENCE * 1000}",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
)
#: of each such session: what a process holds that sleeps, or whose machine is gone, is soon free
POSTGRES_SETTINGS = {
    "application_name": APPLICATION,
    "idle_in_transaction_session_timeout": f"{FROZEN_SECONDS}s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
_SQLITE_UNAVAILABLE = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_BUSY")
# Classes of SQLSTATE: connection, insufficient resources, operator intervention.
_POSTGRES_UNAVAILABLE = ("08", "53", "57P")


def parse_url(url: str) -> URL:
    """Parse `postgresql://...` or `sqlite:///path`. Raises ValueError that says what would do."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ValueError(
            "the control store's URL must look like sqlite:///path or postgresql://host/name"
        ) from None
    if parsed.drivername in {"postgresql", "postgres"}:
        return parsed
    if parsed.drivername != "sqlite":
        raise ValueError(
            f"the control store cannot be {parsed.drivername!r}: "
            "use sqlite:///path or postgresql://host/name"
        )
    database = parsed.database or ":memory:"
    if database.startswith((":", "file:")) or parsed.query:
        raise ValueError(
            "the control store must outlive its connections: "
            "instead of SQLite in memory or with options use a plain file, sqlite:///path"
        )
    return parsed


def shown(url: str) -> str:
    """Say which store a URL names, without user, password and options. Raises ValueError."""
    parsed = parse_url(url)
    if parsed.drivername == "sqlite":
        return sqlite_path(parsed)
    host = parsed.host or parsed.query.get("host") or "localhost"
    port = f":{parsed.port}" if parsed.port else ""
    name = host if isinstance(host, str) else ",".join(host)
    return f"postgresql://{name}{port}/{parsed.database or ''}"


def sqlite_path(url: URL) -> str:
    """The file of a parsed SQLite URL."""
    return cast("str", url.database)


class ControlStore:
    """Transactions on the control store.

    Every method raises StorageUnavailableError when the disk is full, the database cannot be
    reached or has no connection left, also from within the blocks of `begin` and `read`.
    """

    def __init__(
        self, url: str, dialect: DialectName, writer: AsyncEngine, reader: AsyncEngine
    ) -> None:
        #: as given to `open`
        self.url = url
        self.dialect: DialectName = dialect
        self._writer = writer
        self._reader = reader
        self._lock = asyncio.Lock()

    @classmethod
    def open(cls, url: str) -> "ControlStore":
        """Prepare the engines; the first use connects. Raises ValueError for an unfit URL."""
        parsed = parse_url(url)
        if parsed.drivername == "sqlite":
            return cls(url, "sqlite", *_sqlite_engines(parsed))
        return cls(url, "postgresql", *_postgres_engines(url))

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A writing transaction: committed at the end of the block, rolled back by an error.

        On SQLite the block holds the only write lock: keep it short and never nest it.
        """
        async with self.turn(), _connected(self._writer) as connection, connection.begin():
            yield connection

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """On SQLite keep the other writers of this process out; they queue in order."""
        if self.dialect != "sqlite":
            yield
            return
        try:
            async with asyncio.timeout(PATIENCE):
                await self._lock.acquire()
        except TimeoutError as error:
            raise StorageUnavailableError("the control store cannot be reached now") from error
        try:
            yield
        finally:
            self._lock.release()

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection to read with; each statement sees what is committed by then."""
        async with _connected(self._reader) as connection:
            yield connection

    async def close(self) -> None:
        """Close every connection."""
        await self._reader.dispose()
        await self._writer.dispose()


def _sqlite_engines(url: URL) -> tuple[AsyncEngine, AsyncEngine]:
    # One writer: those of this process queue in order instead of polling for the file's lock.
    async_url = url.set(drivername="sqlite+aiosqlite")
    options = _POOLED | {"async_creator": lambda: _SqliteConnection(sqlite_path(url))}
    writer = create_async_engine(async_url, pool_size=1, **options)
    reader = create_async_engine(async_url, pool_size=SQLITE_READERS, **options)
    event.listen(writer.sync_engine, "connect", _set_up_sqlite)
    event.listen(reader.sync_engine, "connect", _set_up_sqlite)
    event.listen(writer.sync_engine, "invalidate", _roll_back)
    # A deferred transaction that upgrades to writing fails at once, whatever busy_timeout says.
    event.listen(writer.sync_engine, "begin", lambda c: c.exec_driver_sql("BEGIN IMMEDIATE"))
    return writer, reader


class _SqliteConnection(aiosqlite.Connection):
    """A connection that two may close at once, as those do whose close is cancelled.

    One that was cancelled in a statement is closed in a task of its own; when the wait for that is
    cancelled too, as by the end of the event loop, its thread is stopped besides. The driver has
    whoever comes second wait for ever, since the thread has ended by then.
    """

    def __init__(self, path: str) -> None:
        super().__init__(lambda: sqlite3.connect(path, check_same_thread=False), iter_chunk_size=64)
        self._thread.daemon = True
        self._stopping: asyncio.Future[Any] | None = None

    def stop(self) -> "asyncio.Future[Any] | None":
        if self._stopping is None:
            self._stopping = super().stop()
        return self._stopping and asyncio.shield(self._stopping)


def connect_sqlite(url: str) -> sqlite3.Connection:
    """A connection to the file of a control store's URL, set up as the engines' are."""
    connection = sqlite3.connect(sqlite_path(parse_url(url)), check_same_thread=False)
    _set_up_sqlite(connection, None)
    return connection


def _roll_back(connection: DBAPIConnection, _record: object, _cause: object) -> None:
    # Interrupted in a statement, it is closed; but the close waits, write lock and all, for
    # cursors that somebody may refer to for long.
    connection.rollback()


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # None: the driver opens no transactions of its own.
    connection.isolation_level = None
    cursor = connection.cursor()
    _switch_to_wal(cursor)
    for pragma in _SQLITE_PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _switch_to_wal(cursor: Any) -> None:
    """Have readers and the writer not wait for each other: the file remembers it.

    While another connection switches a new file, busy_timeout does not help.
    """
    deadline = time.monotonic() + _SWITCHING_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.005)
        else:
            return


def _postgres_engines(url: str) -> tuple[AsyncEngine, AsyncEngine]:
    async def connect() -> Any:
        # asyncpg reads libpq's URLs, sockets and sslmode included, better than a translation.
        return await asyncpg.connect(url, timeout=PATIENCE, server_settings=POSTGRES_SETTINGS)

    writer = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_size=POSTGRES_CONNECTIONS,
        **_POOLED,
    )
    # A statement alone is a transaction: reads need no BEGIN and no ROLLBACK around it.
    return writer, writer.execution_options(isolation_level="AUTOCOMMIT")


@contextlib.asynccontextmanager
async def _connected(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    connection = engine.connect()
    try:
        await connection.start()
    except (OSError, TimeoutError, PoolTimeoutError) as error:
        raise StorageUnavailableError("the control store cannot be reached now") from error
    except (DBAPIError, asyncpg.PostgresError) as error:
        raise _explained(error) from error
    try:
        yield connection
    except DBAPIError as error:
        raise _explained(error) from error
    finally:
        await connection.close()


def _explained(error: Exception) -> Exception:
    if is_unavailability(error):
        return StorageUnavailableError("the control store cannot take more now")
    return error


def is_unavailability(error: BaseException) -> bool:
    """Whether a driver's error says that the store, not the statement, is at fault."""
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return True
        return any(is_unavailability(cause) for cause in _causes(error))
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorname", "").startswith(_SQLITE_UNAVAILABLE)
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(_POSTGRES_UNAVAILABLE)
    return False


def _causes(error: DBAPIError) -> list[BaseException]:
    original = error.orig
    return [cause for cause in (original, original and original.__cause__) if cause is not None]


async def current_time(connection: AsyncConnection) -> datetime:
    """The time by the clock that all processes on this store share."""
    if connection.dialect.name == "sqlite":
        return datetime.now(UTC)
    now: datetime = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
    return now.astimezone(UTC)
