"""The chunks of an ingestion's files: staged ahead in parallel, handed over in order."""

import asyncio
import shutil
from collections import deque
from collections.abc import AsyncGenerator, Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from headrace_server.core.ingestion.parsing import Parsers, ParseTask
from headrace_server.files.chunks import ChunkRange, plan_chunks
from headrace_server.model.contract import Table
from headrace_server.model.job import Job
from headrace_server.model.warehouse import ChunkKey, StagedChunk


class ChunkSource(Protocol):
    """A file whose chunks are wanted."""

    def key(self, chunk: int) -> ChunkKey:
        """Name a chunk by its number."""
        ...

    def ranges(self) -> Iterator[ChunkRange]:
        """Cut the file into chunks, the same each time. Blocking."""
        ...

    async def stage(self, planned: ChunkRange, target: Path) -> StagedChunk:
        """Make one chunk ready to be merged, what is written of it in a folder of its own."""
        ...


@dataclass(frozen=True, slots=True)
class LinesSource:
    """A plain file of lines of JSON, or a replay of its rejects."""

    request_id: str
    file_no: int
    #: 0 for the file itself, n for its nth replay of rejects
    run: int
    path: Path
    table: Table
    #: what the rows are written for
    dialect: str
    max_line_bytes: int
    job: Job
    parsers: Parsers

    def key(self, chunk: int) -> ChunkKey:
        """Name a chunk by its number."""
        return ChunkKey(self.request_id, self.file_no, self.run, chunk)

    def ranges(self) -> Iterator[ChunkRange]:
        """Cut the file after lines."""
        return plan_chunks(self.path, int(self.job.payload["chunk_bytes"]))

    async def stage(self, planned: ChunkRange, target: Path) -> StagedChunk:
        """Parse one chunk in another process."""
        task = ParseTask(
            self.path,
            planned,
            self.table,
            self.dialect,
            target,
            self.max_line_bytes,
            is_replay=self.run > 0,
        )
        parsed = await self.parsers.parse(task)
        return StagedChunk(
            key=self.key(planned.chunk),
            attempt=self.job.attempt,
            table=self.table,
            path=target,
            first_line=planned.first_line,
            byte_offset=planned.byte_offset,
            byte_length=planned.byte_length,
            rows_valid=parsed.rows_valid,
            rows_rejected=parsed.rows_rejected,
            replayed_reject_ids=parsed.replayed_reject_ids,
        )


class ChunkPipeline:
    """Stages chunks ahead of the merge, so many at once and one more.

    The folder is its own while it runs.
    """

    def __init__(self, folder: Path, at_once: int) -> None:
        self._folder = folder
        self._at_once = at_once

    async def staged(
        self, source: ChunkSource, committed: Container[ChunkKey]
    ) -> AsyncGenerator[StagedChunk, None]:
        """Yield the file's chunks that are not committed, staged, in the order of the file.

        Their files stay until they are dropped.
        """
        await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True)
        ranges = source.ranges()
        under_way: deque[asyncio.Task[StagedChunk]] = deque()
        try:
            while True:
                await self._fill(under_way, source, ranges, committed)
                if not under_way:
                    return
                chunk = await under_way[0]
                under_way.popleft()
                yield chunk
        finally:
            await _end(under_way)

    async def drop(self, chunk: StagedChunk) -> None:
        """Delete what was staged of a chunk."""
        await asyncio.to_thread(_delete, chunk.path)

    async def drop_all(self) -> None:
        """Delete what was staged of any chunk, when the iteration has ended."""
        await asyncio.to_thread(_delete, self._folder)

    async def _fill(
        self,
        under_way: deque["asyncio.Task[StagedChunk]"],
        source: ChunkSource,
        ranges: Iterator[ChunkRange],
        committed: Container[ChunkKey],
    ) -> None:
        while len(under_way) <= self._at_once:
            planned = await asyncio.to_thread(next, ranges, None)
            if planned is None:
                return
            key = source.key(planned.chunk)
            if key not in committed:
                target = self._folder / f"{key.file_no}-{key.run}-{key.chunk}"
                under_way.append(asyncio.create_task(source.stage(planned, target)))


async def _end(under_way: deque["asyncio.Task[StagedChunk]"]) -> None:
    for task in under_way:
        task.cancel()
    await asyncio.gather(*under_way, return_exceptions=True)


def _delete(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
