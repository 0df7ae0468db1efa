"""Transactions in a warehouse, and what all of them need to be there."""

import asyncio
import random
from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from headrace_server.model.contract import Table
from headrace_server.model.errors import StorageUnavailableError
from headrace_server.model.warehouse import Catalog, StagedChunk
from headrace_server.warehouse import bookkeeping
from headrace_server.warehouse.base import Warehouse
from headrace_server.warehouse.dialect import Dialect
from headrace_server.warehouse.marts import MartAccess
from headrace_server.warehouse.schema import apply_catalog
from headrace_server.warehouse.sql import execute

R = TypeVar("R")

_log = structlog.get_logger()

#: times a transaction is tried when others get in its way
_TRIES = 8


class Transactions(Warehouse):
    """A warehouse over SQLAlchemy; what differs by engine is its dialect's matter."""

    def __init__(self, engine: AsyncEngine, dialect: Dialect) -> None:
        self.dialect = dialect.name
        self._engine = engine
        self._words = dialect
        self._ready = False
        self._prepared: set[Table] = set()

    @abstractmethod
    def _writing(
        self, chunk: StagedChunk | None = None
    ) -> AbstractAsyncContextManager[AsyncConnection]:
        """A transaction that writes, with the chunk's staged files at hand."""

    @abstractmethod
    def _reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A transaction that reads one moment's state."""

    @asynccontextmanager
    async def _write(self, chunk: StagedChunk | None = None) -> AsyncIterator[AsyncConnection]:
        async with self._saying_unavailable(), self._writing(chunk) as connection:
            yield connection

    @asynccontextmanager
    async def _read(self) -> AsyncIterator[AsyncConnection]:
        async with self._saying_unavailable(), self._reading() as connection:
            yield connection

    @asynccontextmanager
    async def _saying_unavailable(self) -> AsyncIterator[None]:
        """Raise StorageUnavailableError for what is not the statement's fault."""
        try:
            yield
        except DBAPIError as error:
            if self._words.is_unavailable(error):
                raise StorageUnavailableError(f"the warehouse failed: {error.orig}") from error
            raise
        except PoolTimeoutError as error:
            raise StorageUnavailableError("no connection to the warehouse became free") from error

    async def _trying_again(self, work: Callable[[], Awaitable[R]], **named: str) -> R:
        """Do the work of a transaction anew when others got in its way."""
        for tried in range(1, _TRIES + 1):
            try:
                return await work()
            except DBAPIError as error:
                if tried == _TRIES or not self._words.is_transient(error):
                    raise
                _log.info("warehouse.merge_again", error=str(error.orig), **named)
                await asyncio.sleep(random.uniform(0, 0.02 * 2**tried))  # noqa: S311  # jitter
        raise AssertionError  # pragma: no cover

    async def prepare(self, catalog: Catalog) -> None:
        """See `Warehouse.prepare`."""
        if self._ready and self._prepared.issuperset(catalog.values()):
            return
        async with self._defining() as connection:
            await apply_catalog(connection, self._words, catalog)
        self._prepared.update(catalog.values())

    @asynccontextmanager
    async def _defining(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that may make and change tables: one at a time, of all processes."""
        async with self._write() as connection:
            await self._words.lock_definitions(connection)
            if not self._ready:
                await self._words.create_own_schemas(connection)
                for statement in bookkeeping.statements(self._words):
                    await execute(connection, statement)
            yield connection
        self._ready = True

    def _mart_access(self) -> MartAccess:
        return MartAccess(self._words, self._read_ready, self._write, self._defining)

    @asynccontextmanager
    async def _read_ready(self) -> AsyncIterator[AsyncConnection]:
        """`_read`, with our tables there."""
        await self._prepare_bookkeeping()
        async with self._read() as connection:
            yield connection

    async def _prepare_bookkeeping(self) -> None:
        if not self._ready:
            await self.prepare({})
