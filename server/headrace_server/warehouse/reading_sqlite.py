"""Queries on SQLite: a connection that only reads, with an authorizer, limits and an end.

`mode=ro` alone still lets ATTACH and VACUUM INTO write files, and no time-out of asyncio's stops a
statement.
"""

import asyncio
import re
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from headrace_server.model.errors import (
    InvalidQueryError,
    QueryTimeoutError,
    StorageUnavailableError,
)
from headrace_server.model.query import QueryColumn
from headrace_server.warehouse.guarding.functions import FUNCTIONS
from headrace_server.warehouse.guarding.names import why_hidden
from headrace_server.warehouse.guarding.query import GuardedQuery
from headrace_server.warehouse.reading import Reading, Result, Row
from headrace_server.warehouse.sqlite_values import CONVERTERS, kind_of

#: queries of one database at once; those that come later wait
_AT_ONCE = 8
#: seconds to wait for a file that another process recovers
_BUSY_SECONDS = 10
#: what a query and its values may be at most
_LIMITS = {
    # A line that is loaded may be 16 MiB.
    sqlite3.SQLITE_LIMIT_LENGTH: 32 << 20,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 1 << 20,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 500,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 200,
    sqlite3.SQLITE_LIMIT_VDBE_OP: 1_000_000,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1000,
    sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: 0,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
#: steps of SQLite's machine between two looks at the clock
_STEPS = 10_000
#: operators that are functions to the authorizer
_OPERATORS = {"->", "->>", "like", "glob"}
#: what tells the columns of a query, without reading a row
_DESCRIBING = "headrace.described"
#: errors that are the file's, not the query's
_UNAVAILABLE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
}
#: the word in SQLite's messages that is wrong
_WORD = re.compile(r'near "(?P<near>.+)"|(?:no such \w+|ambiguous column name): (?P<name>.+)')

T = TypeVar("T")


class SqliteReading(Reading):
    """A database file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def user_functions(self) -> frozenset[str]:
        """See `Reading`; SQLite keeps none."""
        return frozenset()

    async def open(self, query: GuardedQuery, seconds: float, *, kept: bool = False) -> Result:
        """See `Reading`; `kept` leaves values as the file keeps them."""
        await self._places.acquire()
        result = _SqliteResult(self._path, query, seconds, self._places, kept=kept)
        return await self._began(result, result.begin)

    async def describe(self, query: GuardedQuery, seconds: float) -> tuple[QueryColumn, ...]:
        """The columns of a query, which is not run. Raises as `open`."""
        await self._places.acquire()
        result = _SqliteResult(self._path, query, seconds, self._places, kept=True)
        await (await self._began(result, result.describe)).close()
        return result.columns

    async def _began(self, result: "_SqliteResult", begin: Callable[[], Awaitable[None]]) -> Result:
        try:
            await begin()
        except BaseException:
            await result.close()
            raise
        return result


class _SqliteResult(Result):
    """A statement in a thread of its own."""

    def __init__(
        self,
        path: Path,
        query: GuardedQuery,
        seconds: float,
        places: asyncio.Semaphore,
        *,
        kept: bool,
    ) -> None:
        self._path = path
        self._query = query
        self._seconds = seconds
        self._places = places
        self._kept = kept
        self._deadline = time.monotonic() + seconds
        self._ended = threading.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="query")
        self._connection: sqlite3.Connection | None = None
        self._cursor: sqlite3.Cursor | None = None

    async def begin(self) -> None:
        """Begin the query."""
        self.columns = await self._run(self._begin)

    async def describe(self) -> None:
        """Find out its columns only."""
        self.columns = await self._run(lambda: self._columns(self._connect()))

    async def fetch(self, most: int) -> list[Row]:
        """See `Result`."""
        return await self._run(lambda: self._fetch(most))

    async def close(self) -> None:
        """See `Result`; returns when the thread has let go of the file."""
        self._ended.set()
        if self._connection is not None:
            self._connection.interrupt()
        closing = asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        try:
            await asyncio.shield(closing)
        finally:
            self._thread.shutdown(wait=False)
            self._places.release()

    async def _run(self, step: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, lambda: self._explained(step)
        )

    def _explained(self, step: Callable[[], T]) -> T:
        try:
            return step()
        except sqlite3.Error as error:
            raise self._fault(error) from error

    def _begin(self) -> tuple[QueryColumn, ...]:
        connection = self._connect()
        columns = self._columns(connection)
        connection.set_authorizer(_authorize)
        self._cursor = connection.execute(self._query.sql)
        return columns

    def _columns(self, connection: sqlite3.Connection) -> tuple[QueryColumn, ...]:
        return _described(connection, self._query.sql)

    def _connect(self) -> sqlite3.Connection:
        connection = self._connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=ro",
            uri=True,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.text_factory = lambda data: data.decode(errors="replace")
        connection.set_progress_handler(self._over, _STEPS)
        for limit, most in _LIMITS.items():
            connection.setlimit(limit, most)
        return connection

    def _over(self) -> bool:
        """Whether the statement is to end."""
        return self._ended.is_set() or time.monotonic() > self._deadline

    def _fetch(self, most: int) -> list[Row]:
        assert self._cursor is not None  # noqa: S101  # it has begun
        if self._kept:
            return self._cursor.fetchmany(most)
        convert = [CONVERTERS.get(column.kind) for column in self.columns]
        return [
            tuple(read(value) if read else value for read, value in zip(convert, row, strict=True))
            for row in self._cursor.fetchmany(most)
        ]

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _fault(self, error: sqlite3.Error) -> Exception:
        """The error of ours that one of SQLite's is."""
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_INTERRUPT:
            return QueryTimeoutError(self._seconds)
        if code in _UNAVAILABLE:
            return StorageUnavailableError(f"the warehouse failed: {error}")
        return InvalidQueryError.at(str(error), *self._place(str(error)))

    def _place(self, message: str) -> tuple[int | None, int | None]:
        """Where the word stands that SQLite's message names."""
        found = _WORD.search(message)
        word = found and (found["near"] or found["name"].rpartition(".")[2])
        if not word:
            return None, None
        within = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", self._query.sql)
        return self._query.place(within.start()) if within else (None, None)


def _described(connection: sqlite3.Connection, sql: str) -> tuple[QueryColumn, ...]:
    """The columns of a query, with the types that were declared.

    The driver does not tell these; those of a view are told, and it is there for this connection
    only.
    """
    connection.set_authorizer(_authorize_describing)
    connection.execute(f'CREATE TEMP VIEW "{_DESCRIBING}" AS {sql}')
    found = connection.execute(f'PRAGMA temp.table_info("{_DESCRIBING}")').fetchall()
    connection.execute(f'DROP VIEW temp."{_DESCRIBING}"')
    return tuple(QueryColumn(row[1], row[2], kind_of(row[2])) for row in found)


def _authorize(
    action: int, first: str | None, second: str | None, _database: str | None, _source: str | None
) -> int:
    """Say whether a part of a statement may be; it is refused as a whole otherwise."""
    if action in {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE}:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_READ:
        hidden = why_hidden("sqlite", "public", first or "")
        return sqlite3.SQLITE_DENY if hidden else sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION:
        name = (second or "").lower()
        known = name in FUNCTIONS["sqlite"] or name in _OPERATORS
        return sqlite3.SQLITE_OK if known else sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_DENY


def _authorize_describing(
    action: int, first: str | None, second: str | None, database: str | None, source: str | None
) -> int:
    """As `_authorize`, and the view that is made of the query besides."""
    of_view = {sqlite3.SQLITE_CREATE_TEMP_VIEW, sqlite3.SQLITE_DROP_TEMP_VIEW}
    if action in of_view and first == _DESCRIBING:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_PRAGMA and first == "table_info" and second == _DESCRIBING:
        return sqlite3.SQLITE_OK
    of_schema = {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE}
    if action in of_schema and (database == "temp" or first == _DESCRIBING):
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_READ and database == "temp":
        return sqlite3.SQLITE_OK
    return _authorize(action, first, second, database, source)
