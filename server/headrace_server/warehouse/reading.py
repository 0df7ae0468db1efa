"""Runs queries that the guard let pass, where they could do no harm if it were wrong."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from headrace_server.model.errors import QueryTimeoutError
from headrace_server.model.query import QueryBatch, QueryColumn
from headrace_server.warehouse.guarding.query import GuardedQuery

#: rows that are read first, before it is known how long they are
_FIRST = 16
#: characters of a piece that are aimed at
_PIECE = 1 << 20

Row = tuple[Any, ...]


class Result(ABC):
    """A result that is being read; close it."""

    columns: tuple[QueryColumn, ...]

    @abstractmethod
    async def fetch(self, most: int) -> list[Row]:
        """The next rows, fewer than asked for at the end only. Raises what `query` raises."""

    @abstractmethod
    async def close(self) -> None:
        """End the query in the database, wherever it is, and its connection."""


class Reading(ABC):
    """A database, by connections that change nothing; each query has one of its own."""

    @abstractmethod
    async def user_functions(self) -> frozenset[str]:
        """Names of the functions that users made in this database."""

    @abstractmethod
    async def open(self, query: GuardedQuery, seconds: float) -> Result:
        """Begin a query, which the database itself ends after the seconds. Raises as `query`."""

    async def query(
        self,
        query: GuardedQuery,
        *,
        most_rows: int,
        timeout: float,  # noqa: ASYNC109  # the database is to know it
        batch: int,
    ) -> AsyncGenerator[QueryBatch, None]:
        """See `Warehouse.query`."""
        deadline = asyncio.get_running_loop().time() + timeout
        async with _ending_at(deadline, timeout):
            result = await self.open(query, timeout)
        try:
            yield QueryBatch(columns=result.columns)
            left, size = most_rows, min(_FIRST, batch)
            while True:
                wanted = min(size, left + 1)
                async with _ending_at(deadline, timeout):
                    rows = await result.fetch(wanted)
                last = len(rows) < wanted or len(rows) > left
                yield QueryBatch((), tuple(rows[:left]), last, truncated=len(rows) > left)
                if last:
                    return
                left -= len(rows)
                size = min(batch, _next_size(rows))
        finally:
            await result.close()


@asynccontextmanager
async def _ending_at(deadline: float, seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout_at(deadline):
            yield
    except TimeoutError as error:
        raise QueryTimeoutError(seconds) from error


def _next_size(rows: list[Row]) -> int:
    """How many more rows make a piece, if they are like these; at most twice as many."""
    length = sum(len(value) for row in rows for value in row if isinstance(value, str | bytes))
    return max(1, min(2 * len(rows), _PIECE * len(rows) // max(1, length)))
