"""The chunks of an ingestion's files: parsed ahead in parallel, handed over in order."""

import asyncio
import shutil
from collections import deque
from collections.abc import AsyncGenerator, Container, Iterator
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from headrace_server.core.ingestion.parsing import ParsedChunk, Parsers, ParseTask
from headrace_server.files.chunks import ChunkRange, plan_chunks
from headrace_server.model.contract import Table
from headrace_server.model.job import Job
from headrace_server.model.warehouse import ChunkKey, StagedChunk


@dataclass(frozen=True, slots=True)
class ChunkSource:
    """A plain file whose chunks are wanted."""

    request_id: str
    file_no: int
    #: 0 for the file itself, n for its nth replay of rejects
    run: int
    path: Path
    table: Table


@dataclass(frozen=True, slots=True)
class _UnderWay:
    task: ParseTask
    key: ChunkKey
    parsed: "asyncio.Task[ParsedChunk]"


class ChunkPipeline:
    """Parses chunks ahead of the merge, as many at once as there are processes and one more.

    The folder is its own while it runs.
    """

    def __init__(
        self,
        parsers: Parsers,
        folder: Path,
        dialect: str,
        job: Job,
        max_line_bytes: int,
    ) -> None:
        self._parsers = parsers
        self._folder = folder
        self._dialect = dialect
        self._attempt = job.attempt
        self._chunk_bytes = int(job.payload["chunk_bytes"])
        self._max_line_bytes = max_line_bytes

    async def staged(
        self, source: ChunkSource, committed: Container[ChunkKey]
    ) -> AsyncGenerator[StagedChunk, None]:
        """Yield the file's chunks that are not committed, staged, in the order of the file.

        Their files stay until they are dropped.
        """
        await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True)
        ranges = plan_chunks(source.path, self._chunk_bytes)
        under_way: deque[_UnderWay] = deque()
        try:
            while True:
                await self._fill(under_way, source, ranges, committed)
                if not under_way:
                    return
                parsed = await under_way[0].parsed
                yield self._staged(under_way.popleft(), parsed)
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
        under_way: deque[_UnderWay],
        source: ChunkSource,
        ranges: Iterator[ChunkRange],
        committed: Container[ChunkKey],
    ) -> None:
        while len(under_way) <= self._parsers.workers:
            planned = await asyncio.to_thread(next, ranges, None)
            if planned is None:
                return
            key = ChunkKey(source.request_id, source.file_no, source.run, planned.chunk)
            if key not in committed:
                under_way.append(self._begin(source, planned, key))

    def _begin(self, source: ChunkSource, planned: ChunkRange, key: ChunkKey) -> _UnderWay:
        task = ParseTask(
            source.path,
            planned,
            source.table,
            self._dialect,
            self._folder / f"{key.file_no}-{key.run}-{key.chunk}",
            self._max_line_bytes,
            is_replay=source.run > 0,
        )
        return _UnderWay(task, key, asyncio.create_task(self._parse(task)))

    async def _parse(self, task: ParseTask) -> ParsedChunk:
        try:
            return await self._parsers.parse(task)
        except BrokenProcessPool:
            # A parsing process was killed, perhaps with another task: the same one runs again once.
            return await self._parsers.parse(task)

    def _staged(self, done: _UnderWay, parsed: ParsedChunk) -> StagedChunk:
        return StagedChunk(
            key=done.key,
            attempt=self._attempt,
            table=done.task.table,
            path=done.task.target,
            first_line=done.task.range.first_line,
            byte_offset=done.task.range.byte_offset,
            byte_length=done.task.range.byte_length,
            rows_valid=parsed.rows_valid,
            rows_rejected=parsed.rows_rejected,
            replayed_reject_ids=parsed.replayed_reject_ids,
        )


async def _end(under_way: deque[_UnderWay]) -> None:
    for chunk in under_way:
        chunk.parsed.cancel()
    await asyncio.gather(*(chunk.parsed for chunk in under_way), return_exceptions=True)


def _delete(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
