"""A file's rows into a table of imports: all of them as the file has them, or none."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.errors import InvalidContractError, RefusedRowsError
from headrace_server.model.warehouse import Catalog, ChunkKey, Counted, LedgerEntry, StagedChunk
from headrace_server.warehouse.bookkeeping import add_entry, raise_fence
from headrace_server.warehouse.import_tables import hold_standing, is_as_staged
from headrace_server.warehouse.postgres import PostgresDialect
from headrace_server.warehouse.sql import execute

#: transactions that copy beside the first of a file, of all files of a warehouse together. While
#: one waits for rows, or for the log's disk, others copy: with two processors three take 0.95 of
#: the time of two.
FURTHER_LANES = 2
#: connections that are left to others while files are copied: each takes long
_SPARE_CONNECTIONS = 2
#: seconds after which a session that waits for others says that its process is awake: those of
#: sleeping ones are ended
_AWAKE_SECONDS = 3

Begin = Callable[[StagedChunk], AbstractAsyncContextManager[AsyncConnection]]
"""Begins a transaction that writes on behalf of a chunk."""


class Lanes:
    """What all files of a warehouse that are copied as a whole may take of its connections."""

    def __init__(self, connections: int) -> None:
        files = max(1, connections - FURTHER_LANES - _SPARE_CONNECTIONS)
        #: one for each file
        self.first = asyncio.Semaphore(files)
        #: more for those that come first
        self.further = asyncio.Semaphore(FURTHER_LANES)


class WholeFile:
    """Transactions that copy the chunks of a file, each the next, and commit when all are there."""

    def __init__(
        self,
        begin: Begin,
        lanes: Lanes,
        dialect: PostgresDialect,
        chunks: Sequence[StagedChunk],
        catalog: Catalog,
        confirmed: Awaitable[None],
    ) -> None:
        self._begin = begin
        self._lanes = lanes
        self._dialect = dialect
        self._chunks = chunks
        self._catalog = catalog
        self._confirmed = confirmed
        self._waiting = deque(chunks)
        self._copied: dict[ChunkKey, Counted] = {}
        self._entries: dict[ChunkKey, LedgerEntry] = {}
        #: numbers of the lanes that have chunks
        self._busy: set[int] = set()
        self._all_copied = asyncio.Event()
        self._may_commit = asyncio.Event()
        self._started = time.monotonic()

    async def merge(self) -> None:
        """See `Warehouse.merge_whole`."""
        lanes = [asyncio.create_task(self._lane(number)) for number in range(1 + FURTHER_LANES)]
        copied = asyncio.create_task(self._all_copied.wait())
        try:
            await _until(copied, lanes)
            self._make_entries()
            await self._confirmed
            # Others may still wait for their turn.
            busy = [lanes[number] for number in self._busy]
            for lane in busy:
                if lane.done():
                    await lane
            self._may_commit.set()
            # What fails leaves the rest to commit.
            await asyncio.wait(busy)
            for lane in busy:
                await lane
        finally:
            for task in (copied, *lanes):
                task.cancel()
            await asyncio.gather(copied, *lanes, return_exceptions=True)

    async def _lane(self, number: int) -> None:
        turn = self._lanes.further if number else self._lanes.first
        async with turn, self._begin(self._chunks[0]) as connection:
            await self._hold_table(connection)
            copied = []
            while self._waiting:
                chunk = self._waiting.popleft()
                self._busy.add(number)
                await self._copy(connection, chunk)
                copied.append(chunk)
            if not copied:
                return
            await self._await_others(connection)
            for chunk in copied:
                entry = self._entries[chunk.key]
                await add_entry(connection, self._dialect, entry, chunk.table.name, 0)

    async def _hold_table(self, connection: AsyncConnection) -> None:
        """Have the table stay as it is, and newer attempts wait.

        Whoever waits to change it holds up no lane from now on: each holds its lock before it has a
        chunk that others wait for.
        """
        first, dialect = self._chunks[0], self._dialect
        await raise_fence(connection, dialect, first.key.ingestion_id, first.attempt)
        try:
            found = await hold_standing(connection, dialect, first.table)
        except InvalidContractError as error:
            raise RefusedRowsError(f"the table has changed: {error.message}") from error
        if not is_as_staged(first.table, found.table):
            raise RefusedRowsError(f"the columns of {first.table.name!r} have changed")
        target = dialect.target(first.table.name)
        await execute(connection, f"LOCK TABLE {target} IN ROW EXCLUSIVE MODE")
        if first.table.primary_key:
            await dialect.begin_merge(connection, list(self._catalog))

    async def _copy(self, connection: AsyncConnection, chunk: StagedChunk) -> None:
        try:
            self._copied[chunk.key] = await self._dialect.copy_binary(connection, chunk)
        except DBAPIError as error:
            if not self._dialect.is_transient(error):
                raise
            raise RefusedRowsError(f"others were in the way: {error.orig}") from error
        if len(self._copied) == len(self._chunks):
            self._all_copied.set()

    async def _await_others(self, connection: AsyncConnection) -> None:
        may_commit = asyncio.create_task(self._may_commit.wait())
        try:
            while not (await asyncio.wait({may_commit}, timeout=_AWAKE_SECONDS))[0]:
                await execute(connection, "SELECT 1")
        finally:
            may_commit.cancel()

    def _make_entries(self) -> None:
        """What each chunk is in the ledger: where it begins is known now."""
        line = self._chunks[0].first_line
        for chunk in self._chunks:
            counted = self._copied[chunk.key]
            self._entries[chunk.key] = LedgerEntry(
                key=chunk.key,
                attempt=chunk.attempt,
                first_line=line,
                byte_offset=chunk.byte_offset,
                byte_length=chunk.byte_length,
                rows_read=counted.rows,
                rows_loaded=counted.rows,
                rows_rejected=0,
                rows_parked=0,
                rows_superseded=0,
                latency_ms=round((time.monotonic() - self._started) * 1000),
                committed_at=datetime.now(UTC),
            )
            line += counted.lines


async def _until(awaited: "asyncio.Task[bool]", tasks: Sequence["asyncio.Task[None]"]) -> None:
    """Return when the awaited has ended. Raises what one of the others raises before that."""
    under_way = {*tasks}
    while not awaited.done():
        done, _ = await asyncio.wait({awaited, *under_way}, return_when=asyncio.FIRST_COMPLETED)
        for each in done - {awaited}:
            under_way.discard(each)
            await each
