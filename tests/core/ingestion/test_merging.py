"""Chunks merged in their order, each made ready while the one before it is written."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headrace_server.core.ingestion.merging import merge_in_order
from headrace_server.model.commerce import COMMERCE
from headrace_server.model.warehouse import ChunkKey, LedgerEntry, StagedChunk
from headrace_server.warehouse.base import Turn

CHUNK = StagedChunk(ChunkKey("i", 0, 0, 0), 1, COMMERCE.tables[0], Path(), 1, 0, 1, 1, 0)


async def chunks(count: int) -> AsyncIterator[StagedChunk]:
    for number in range(count):
        yield replace(CHUNK, key=replace(CHUNK.key, chunk=number))


def entry_of(chunk: StagedChunk) -> LedgerEntry:
    return LedgerEntry(chunk.key, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0, datetime.now(UTC))


class Merges:
    """Notes what happens when."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.committed: list[int] = []
        self.recorded: list[int] = []
        self.most_at_once = 0

    async def merge(self, chunk: StagedChunk, turn: Turn) -> LedgerEntry:
        self.begun.append(chunk.key.chunk)
        self.most_at_once = max(self.most_at_once, len(self.begun) - len(self.committed))
        await turn.come.wait()
        await asyncio.sleep(0)
        self.committed.append(chunk.key.chunk)
        return entry_of(chunk)

    async def record(self, chunk: StagedChunk, entry: LedgerEntry) -> None:
        assert entry.key == chunk.key
        await asyncio.sleep(0.001 if chunk.key.chunk % 2 else 0.002)
        self.recorded.append(chunk.key.chunk)


async def test_two_are_under_way_and_all_end_in_order() -> None:
    merges = Merges()
    await merge_in_order(chunks(7), merges.merge, merges.record)
    assert merges.begun == merges.committed == merges.recorded == list(range(7))
    assert merges.most_at_once == 2


async def test_records_hold_up_no_merge_until_they_fall_behind() -> None:
    merges, let = Merges(), asyncio.Event()

    async def record(chunk: StagedChunk, entry: LedgerEntry) -> None:
        await let.wait()
        await merges.record(chunk, entry)

    running = asyncio.create_task(merge_in_order(chunks(9), merges.merge, record))
    for _ in range(50):
        await asyncio.sleep(0)
    assert merges.committed == [0, 1, 2, 3]
    let.set()
    await running
    assert merges.committed == merges.recorded == list(range(9))


async def test_what_a_record_raises_ends_the_merges_after_it() -> None:
    merges = Merges()

    async def record(chunk: StagedChunk, entry: LedgerEntry) -> None:
        if chunk.key.chunk == 1:
            raise ConnectionResetError("lost")
        await merges.record(chunk, entry)

    with pytest.raises(ConnectionResetError):
        await merge_in_order(chunks(9), merges.merge, record)
    assert merges.recorded == [0]
    assert len(merges.committed) < 9


async def test_nothing_is_committed_after_one_that_fails() -> None:
    merges = Merges()

    async def merge(chunk: StagedChunk, turn: Turn) -> LedgerEntry:
        if chunk.key.chunk == 2:
            await turn.come.wait()
            raise ConnectionResetError("lost")
        return await merges.merge(chunk, turn)

    with pytest.raises(ConnectionResetError):
        await merge_in_order(chunks(7), merge, merges.record)
    assert merges.committed == merges.recorded == [0, 1]


async def test_who_makes_way_is_the_next_one() -> None:
    let_go: list[tuple[int, bool]] = []

    async def merge(chunk: StagedChunk, turn: Turn) -> LedgerEntry:
        if chunk.key.chunk == 1:
            turn.make_way.set()
        await turn.come.wait()
        await asyncio.sleep(0.001)
        let_go.append((chunk.key.chunk, turn.let_go.is_set()))
        return entry_of(chunk)

    async def record(chunk: StagedChunk, entry: LedgerEntry) -> None:
        assert chunk.key == entry.key

    await merge_in_order(chunks(4), merge, record)
    assert let_go == [(0, False), (1, False), (2, True), (3, False)]
