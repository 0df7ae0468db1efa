"""Queries on PostgreSQL: a transaction that only reads, as a role that sees the user's tables."""

import asyncio
from contextlib import suppress
from typing import Any

import asyncpg

from headrace_server.model.errors import (
    InvalidQueryError,
    QueryTimeoutError,
    StorageUnavailableError,
)
from headrace_server.model.query import QueryColumn, ValueKind
from headrace_server.warehouse import postgres_values
from headrace_server.warehouse.guarding.query import GuardedQuery
from headrace_server.warehouse.postgres_connections import connect
from headrace_server.warehouse.reader_role import ReaderRole
from headrace_server.warehouse.reading import Reading, Result, Row

#: queries of one database at once; those that come later wait
_AT_ONCE = 8
#: seconds that a query waits for a table that is being replaced
_LOCK_SECONDS = 10
#: seconds in which the server is told to end a query
_CLOSE_SECONDS = 5
#: what no query gets more of
_WORK_MEMORY, _TEMPORARY_FILES = "64MB", "4GB"
#: SQLSTATE classes of what is the query's own fault
_FAULTS = ("0A", "21", "22", "23", "25", "2F", "34", "38", "39", "3F", "42", "54", "P0")
#: too many temporary files, and a materialized view that has no rows yet
_OWN_FAULTS = ("53400", "55000")

_FIND_FUNCTIONS = (
    "SELECT DISTINCT p.proname FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace"
    " JOIN pg_language AS l ON l.oid = p.prolang WHERE l.lanname IN ('sql', 'plpgsql')"
    " AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'"
    " AND n.nspname NOT LIKE 'headrace%' AND NOT EXISTS (SELECT 1 FROM pg_depend AS d"
    " WHERE d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e')"
)


class PostgresReading(Reading):
    """A database on a PostgreSQL server."""

    def __init__(self, url: str, database: str | None) -> None:
        self._url = url
        self._database = database
        self._role = ReaderRole()
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def user_functions(self) -> frozenset[str]:
        """See `Reading`; those of extensions are not the user's."""
        connection = await connect(self._url, database=self._database)
        try:
            return frozenset(row[0] for row in await connection.fetch(_FIND_FUNCTIONS))
        finally:
            await connection.close()

    async def role(self) -> str | None:
        """The role of queries, which may read all that is there by now; None where none is."""
        connection = await connect(self._url, database=self._database)
        try:
            role = await self._role.name(connection)
            if role is not None:
                await self._role.grant(connection, role)
            return role
        finally:
            await connection.close()

    async def open(self, query: GuardedQuery, seconds: float) -> Result:
        """See `Reading`; a table that the role may not read yet is granted to it."""
        await self._places.acquire()
        try:
            connection = await connect(self._url, database=self._database)
            result = _PostgresResult(connection, query, seconds, self._places)
        except BaseException:
            self._places.release()
            raise
        try:
            await self._begin(result)
        except BaseException:
            await result.close()
            raise
        return result

    async def _begin(self, result: "_PostgresResult") -> None:
        await postgres_values.prepare(result.connection)
        role = await self._role.name(result.connection)
        try:
            await result.begin(role)
        except asyncpg.InsufficientPrivilegeError as error:
            await result.roll_back()
            if role is None or not await self._role.grant(result.connection, role):
                raise result.fault(error) from error
            await result.begin_again(role)


class _PostgresResult(Result):
    """A cursor on the server."""

    def __init__(
        self,
        connection: asyncpg.Connection,
        query: GuardedQuery,
        seconds: float,
        places: asyncio.Semaphore,
    ) -> None:
        self.connection = connection
        self._query = query
        self._seconds = seconds
        self._places = places
        self._cursor: Any = None
        self._waiting: list[asyncpg.Record] = []

    async def begin(self, role: str | None) -> None:
        """Begin the query as a role. Raises InsufficientPrivilegeError and what `open` raises."""
        try:
            await self.connection.execute(await self._settings(role))
            statement = await self.connection.prepare(self._query.sql)
            self.columns = await self._columns(statement.get_attributes())
            self._cursor = await statement.cursor()
            # What the role may not read is told with the first row only.
            self._waiting = await self._cursor.fetch(1)
        except asyncpg.InsufficientPrivilegeError:
            raise
        except asyncpg.PostgresError as error:
            raise self.fault(error) from error
        except asyncpg.InternalClientError as error:
            raise InvalidQueryError.at("a column is of a type of no values", None, None) from error

    async def begin_again(self, role: str) -> None:
        """Begin after the role was granted more."""
        try:
            await self.begin(role)
        except asyncpg.InsufficientPrivilegeError as error:
            raise self.fault(error) from error

    async def roll_back(self) -> None:
        await self.connection.execute("ROLLBACK")

    async def _settings(self, role: str | None) -> str:
        milliseconds = max(1, int(self._seconds * 1000))
        lines = [
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            f"SET LOCAL statement_timeout = {milliseconds}",
            f"SET LOCAL lock_timeout = {min(milliseconds, _LOCK_SECONDS * 1000)}",
            # Whoever reads too slowly hears of it from us.
            f"SET LOCAL idle_in_transaction_session_timeout = {2 * milliseconds}",
            f"SET LOCAL work_mem = '{_WORK_MEMORY}'",
            "SET LOCAL search_path = public",
            "SET LOCAL standard_conforming_strings = on",
            "SET LOCAL TimeZone = 'UTC'",
            "SET LOCAL DateStyle = 'ISO'",
            "SET LOCAL IntervalStyle = 'iso_8601'",
            "SET LOCAL extra_float_digits = 1",
            "SET LOCAL jit = off",
        ]
        if await self.connection.fetchval(
            "SELECT has_parameter_privilege('temp_file_limit', 'SET')"
        ):
            lines.append(f"SET LOCAL temp_file_limit = '{_TEMPORARY_FILES}'")
        if role is not None:
            lines.append(f"SET LOCAL ROLE {role}")
        return "; ".join(lines)

    async def _columns(self, attributes: Any) -> tuple[QueryColumn, ...]:
        oids = list({each.type.oid for each in attributes})
        found = await self.connection.fetch(
            "SELECT oid, format_type(oid, NULL) FROM unnest($1::oid[]) AS t(oid)", oids
        )
        words = {row[0]: row[1] for row in found}
        return tuple(
            QueryColumn(
                each.name,
                words[each.type.oid],
                postgres_values.KINDS.get(each.type.name, ValueKind.STRING),
            )
            for each in attributes
        )

    async def fetch(self, most: int) -> list[Row]:
        """See `Result`."""
        rows, self._waiting = self._waiting[:most], self._waiting[most:]
        try:
            if len(rows) < most:
                rows += await self._cursor.fetch(most - len(rows))
        except asyncpg.PostgresError as error:
            raise self.fault(error) from error
        except (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            raise StorageUnavailableError(f"the warehouse failed: {error}") from error
        kinds = [column.kind for column in self.columns]
        return [tuple(map(postgres_values.plain, row, kinds)) for row in rows]

    def fault(self, error: asyncpg.PostgresError) -> Exception:
        """The error of ours that one of the server is."""
        return fault_of(error, self._query, self._seconds)

    async def close(self) -> None:
        """See `Result`; the driver tells the server to end a query that was cancelled."""
        try:
            closing = asyncio.ensure_future(_closed(self.connection))
            await asyncio.shield(closing)
        finally:
            self._places.release()


def fault_of(
    error: asyncpg.PostgresError, query: GuardedQuery, seconds: float, *, before: int = 0
) -> Exception:
    """The error of ours that one of the server is; `before` characters stood before the query."""
    code = error.sqlstate or ""
    if isinstance(error, asyncpg.QueryCanceledError):
        return QueryTimeoutError(seconds)
    if isinstance(error, asyncpg.LockNotAvailableError):
        return StorageUnavailableError("a table of the query is being replaced: try again")
    if code[:2] in _FAULTS or code in _OWN_FAULTS:
        return InvalidQueryError.at(_words(error), *_place(error, query, before))
    return StorageUnavailableError(f"the warehouse failed: {error}")


def _place(error: Any, query: GuardedQuery, before: int) -> tuple[int | None, int | None]:
    """Where the server found something wrong."""
    position = int(error.position or 0) - before
    return query.place(position - 1) if position > 0 else (None, None)


async def _closed(connection: asyncpg.Connection) -> None:
    with suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        await connection.close(timeout=_CLOSE_SECONDS)
    if not connection.is_closed():
        connection.terminate()


def _words(error: Any) -> str:
    """What the server says, with its hint."""
    hint = f" ({error.hint})" if error.hint else ""
    return f"{error.message or error}{hint}"
