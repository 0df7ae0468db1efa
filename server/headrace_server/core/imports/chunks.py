"""The chunks of an imported file, as the pipeline wants them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from headrace_server.core.imports.tasks import ImportTask, ranges_of, stage
from headrace_server.core.ingestion.parsing import ParsedChunk, Parsers
from headrace_server.files.chunks import ChunkRange, plan_chunks
from headrace_server.files.importing.binary_rows import binary_rows
from headrace_server.files.importing.plan import FilePlan
from headrace_server.files.importing.records import cut_at_lines
from headrace_server.model.contract import Table
from headrace_server.model.job import Job
from headrace_server.model.warehouse import BinaryRows, ChunkKey, StagedChunk

#: engine whose COPY takes rows that are not staged
TAKES_BINARY = "postgresql"


@dataclass(slots=True)
class ImportSource:
    """The plain file of an import, or a replay of its rejects, as the pipeline wants it."""

    request_id: str
    #: 0 for the file itself, n for its nth replay of rejects
    run: int
    path: Path
    plan: FilePlan
    table: Table
    dialect: str
    max_line_bytes: int
    job: Job
    parsers: Parsers
    #: how it is cut, where that is known
    cut: tuple[ChunkRange, ...] = ()
    #: whether a contract declares the table, with rules of its own
    by_contract: bool = False
    #: whether rows have keys that are there already: those that follow likely have, too
    meets_keys: bool = False

    def key(self, chunk: int) -> ChunkKey:
        """Name a chunk by its number."""
        return ChunkKey(self.request_id, 0, self.run, chunk)

    def ranges(self) -> Iterator[ChunkRange]:
        """Cut the file after records."""
        if self.cut and self.run == 0:
            return iter(self.cut)
        size = int(self.job.payload["chunk_bytes"])
        if self.run > 0:
            return plan_chunks(self.path, size)
        table = self.table if self._takes_binary else None
        return ranges_of(self.path, self.plan, size, self.max_line_bytes, table)

    def whole(self) -> list[StagedChunk]:
        """Return all chunks, not counted, if no line ends within a record. Blocking."""
        size = int(self.job.payload["chunk_bytes"])
        none = ParsedChunk(0, 0)
        return [
            self._staged(each, self.path, none, self._binary(each))
            for each in cut_at_lines(self.path, self.plan, size)
        ]

    async def stage(self, planned: ChunkRange, target: Path) -> StagedChunk:
        """Stage a chunk, unless its rows are copied out of the file."""
        if self._takes_binary and planned.binary_rows is not None:
            counted = ParsedChunk(planned.binary_rows, 0)
            return self._staged(planned, target, counted, self._binary(planned))
        return await self._parsed(planned, target)

    async def stage_carefully(self, chunk: StagedChunk) -> StagedChunk:
        """Stage a chunk value by value, after the database refused its rows as they are."""
        self.meets_keys = bool(self.table.primary_key)
        planned = ChunkRange(
            chunk.key.chunk, chunk.byte_offset, chunk.byte_length, chunk.first_line
        )
        return await self._parsed(planned, chunk.path)

    @property
    def _takes_binary(self) -> bool:
        return (
            self.dialect == TAKES_BINARY
            and self.run == 0
            and not self.by_contract
            and not self.meets_keys
        )

    async def _parsed(self, planned: ChunkRange, target: Path) -> StagedChunk:
        task = ImportTask(
            self.path,
            planned,
            self.plan,
            self.table,
            self.max_line_bytes,
            self.dialect,
            target,
            is_replay=self.run > 0,
        )
        return self._staged(planned, target, await self.parsers.run(stage, task))

    def _staged(
        self,
        planned: ChunkRange,
        target: Path,
        parsed: ParsedChunk,
        binary: BinaryRows | None = None,
    ) -> StagedChunk:
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
            binary=binary,
        )

    def _binary(self, planned: ChunkRange) -> BinaryRows:
        columns = tuple(column.name for column in self.plan.columns)
        data = partial(binary_rows, self.path, planned, self.table, self.plan, self.max_line_bytes)
        return BinaryRows(columns, data)
