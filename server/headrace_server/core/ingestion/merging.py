"""A file's chunks merged in its order, each made ready while the one before it is written."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from headrace_server.model.warehouse import LedgerEntry, StagedChunk
from headrace_server.warehouse.base import Turn, at_once

#: merges a chunk, leaving what hangs on earlier ones until its turn
Merge = Callable[[StagedChunk, Turn], Awaitable[LedgerEntry]]
#: tells of a chunk that was merged
Record = Callable[[StagedChunk, LedgerEntry], Awaitable[None]]


async def merge_in_order(chunks: AsyncIterator[StagedChunk], merge: Merge, record: Record) -> None:
    """Merge the chunks, two at a time; each is recorded after those before it.

    Raises what the first merge or record to fail raises; the merge after it is cancelled.
    """
    lane = _Lane(merge, record)
    try:
        async for chunk in chunks:
            await lane.enter(chunk)
        await lane.leave()
    finally:
        await lane.clear()


class _Lane:
    """The chunk that is written, and the one after it."""

    def __init__(self, merge: Merge, record: Record) -> None:
        self._merge = merge
        self._record = record
        self._under_way: list[asyncio.Task[None]] = []
        self._turn = at_once()

    async def enter(self, chunk: StagedChunk) -> None:
        """Begin to merge a chunk; returns when those before it are done with."""
        turn, self._turn = self._turn, Turn(let_go=self._turn.make_way)
        before = self._under_way[-1] if self._under_way else None
        passing = self._pass(chunk, turn, self._turn.come, before)
        self._under_way.append(asyncio.create_task(passing))
        if len(self._under_way) > 1:
            await self.leave(1)

    async def leave(self, staying: int = 0) -> None:
        """Return when only so many are under way. Raises what the first of the others raised."""
        while len(self._under_way) > staying:
            await self._under_way[0]
            self._under_way.pop(0)

    async def clear(self) -> None:
        """End what is still under way."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _pass(
        self,
        chunk: StagedChunk,
        turn: Turn,
        committed: asyncio.Event,
        before: asyncio.Task[None] | None,
    ) -> None:
        entry = await self._merge(chunk, turn)
        committed.set()
        if before:
            await before
        await self._record(chunk, entry)
