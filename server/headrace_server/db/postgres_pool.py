"""Connections to PostgreSQL for single statements of the hot path, through the driver directly.

A statement takes about a quarter of the processor time that it takes through the engine. Each is a
transaction of its own.
"""

import asyncio
import json
from typing import Any

import asyncpg

from headrace_server.db.engine import PATIENCE, POSTGRES_SETTINGS, is_unavailability
from headrace_server.model.errors import StorageUnavailableError

_CONNECTIONS = 8
# Every statement is one that indexes serve: planned once, whatever the tables held then.
_SETTINGS = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}


class StatementRow(asyncpg.Record):  # type: ignore[misc]  # the driver has no types
    """A row whose columns are attributes, as those of the engine's rows are."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class _Connection(asyncpg.Connection):  # type: ignore[misc]  # the driver has no types
    """A connection without state between statements: it needs no reset, which is a round trip."""

    __slots__ = ()

    def get_reset_query(self) -> str:
        return ""


class PostgresPool:
    """Runs single statements; the first connects.

    Each raises StorageUnavailableError when the database cannot be reached, and
    asyncpg.PostgresError when the statement is at fault.
    """

    def __init__(self, url: str) -> None:
        """Take libpq's URL."""
        self._url = url
        self._pool: asyncpg.Pool | None = None
        self._connecting = asyncio.Lock()

    async def fetch(self, statement: str, *values: object) -> list[StatementRow]:
        """Return all rows of a statement; columns of type json are decoded."""
        try:
            pool = self._pool or await self._connect()
            rows: list[StatementRow] = await pool.fetch(
                statement, *values, timeout=PATIENCE, record_class=StatementRow
            )
        except (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresError) as error:
            raise _explained(error) from error
        return rows

    async def _connect(self) -> asyncpg.Pool:
        async with self._connecting:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._url,
                    min_size=1,
                    max_size=_CONNECTIONS,
                    connection_class=_Connection,
                    init=_set_up,
                    server_settings=POSTGRES_SETTINGS | _SETTINGS,
                    timeout=PATIENCE,
                )
        return self._pool

    async def close(self) -> None:
        """Close every connection."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None


async def _set_up(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "json", encoder=json.dumps, decoder=json.loads, schema="pg_catalog"
    )


def _explained(error: Exception) -> Exception:
    ours = isinstance(error, asyncpg.PostgresError) and not is_unavailability(error)
    return error if ours else StorageUnavailableError("the control store cannot be reached now")
