"""A file's chunks merged in its order, each made ready while the one before it is written."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable

from headrace_server.model.warehouse import LedgerEntry, StagedChunk
from headrace_server.warehouse.base import Turn, at_once

#: merges a chunk, leaving what hangs on earlier ones until its turn
Merge = Callable[[StagedChunk, Turn], Awaitable[LedgerEntry]]
#: tells of a chunk that was merged
Record = Callable[[StagedChunk, LedgerEntry], Awaitable[None]]


#: chunks that are merged at once, and those that may not be recorded yet, these included
_MERGED_AT_ONCE, _UNRECORDED = 2, 4


async def merge_in_order(chunks: AsyncIterator[StagedChunk], merge: Merge, record: Record) -> None:
    """Merge the chunks, two at a time; each is recorded after those before it.

    Records hold up no merge, unless they fall behind. Raises what the first merge or record to fail
    raises; the merges after it are cancelled.
    """
    lane = _Lane(merge, record)
    try:
        async for chunk in chunks:
            await lane.enter(chunk)
        await lane.leave()
    finally:
        await lane.clear()


class _Lane:
    """The chunk that is written, the one after it, and those before it that are recorded."""

    def __init__(self, merge: Merge, record: Record) -> None:
        self._merge = merge
        self._record = record
        self._merges: deque[asyncio.Task[LedgerEntry]] = deque()
        self._records: deque[asyncio.Task[None]] = deque()
        self._turn = at_once()

    async def enter(self, chunk: StagedChunk) -> None:
        """Begin to merge a chunk; returns when there is room for one more."""
        turn, self._turn = self._turn, Turn(let_go=self._turn.make_way)
        before = self._records[-1] if self._records else None
        merge = asyncio.create_task(self._pass(chunk, turn, self._turn.come))
        self._merges.append(merge)
        self._records.append(asyncio.create_task(self._tell(chunk, merge, before)))
        while len(self._merges) >= _MERGED_AT_ONCE:
            await asyncio.wait([self._merges[0]])
            merged = self._merges.popleft()
            if merged.exception() is not None:
                # Those before it are recorded; then its own record raises this too.
                await self.leave()
        await self.leave(_UNRECORDED - 1)

    async def leave(self, staying: int = 0) -> None:
        """Return when all but so many are recorded. Raises what the first of them raised."""
        while len(self._records) > staying:
            await self._records[0]
            self._records.popleft()

    async def clear(self) -> None:
        """End what is still under way."""
        for task in (*self._merges, *self._records):
            task.cancel()
        await asyncio.gather(*self._merges, *self._records, return_exceptions=True)

    async def _pass(self, chunk: StagedChunk, turn: Turn, committed: asyncio.Event) -> LedgerEntry:
        entry = await self._merge(chunk, turn)
        committed.set()
        return entry

    async def _tell(
        self,
        chunk: StagedChunk,
        merge: asyncio.Task[LedgerEntry],
        before: asyncio.Task[None] | None,
    ) -> None:
        entry = await merge
        if before:
            await before
        await self._record(chunk, entry)
