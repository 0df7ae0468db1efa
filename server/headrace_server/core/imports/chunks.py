"""The chunks of an imported file, as the pipeline wants them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from headrace_server.core.imports.tasks import ImportTask, ranges_of, stage
from headrace_server.core.ingestion.parsing import ParsedChunk, Parsers
from headrace_server.files.chunks import ChunkRange
from headrace_server.files.importing.plan import FilePlan
from headrace_server.files.importing.verbatim import Verbatim
from headrace_server.model.contract import Table
from headrace_server.model.job import Job
from headrace_server.model.warehouse import ChunkKey, StagedChunk, VerbatimRows

#: engine whose COPY takes rows as a file has them
_COPIES_VERBATIM = "postgresql"


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
    #: by chunk, ranges that were looked at before and are well as they are
    known: Mapping[int, Verbatim] = field(default_factory=dict)
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
        return ranges_of(self.path, self.plan, size, self.max_line_bytes, is_replay=self.run > 0)

    async def stage(self, planned: ChunkRange, target: Path) -> StagedChunk:
        """Stage a chunk, or say that its rows are well as they are."""
        found: ParsedChunk | Verbatim | None = None
        if self._may_be_verbatim:
            found = self.known.get(planned.chunk)
        if found is None:
            task = self._task(planned, target, may_be_verbatim=self._may_be_verbatim)
            found = await self.parsers.run(stage, task)
        return self._staged(planned, target, found)

    async def stage_carefully(self, chunk: StagedChunk) -> StagedChunk:
        """Stage a chunk value by value, after the database refused its rows as they are."""
        self.meets_keys = bool(self.table.primary_key)
        planned = ChunkRange(
            chunk.key.chunk, chunk.byte_offset, chunk.byte_length, chunk.first_line
        )
        task = self._task(planned, chunk.path, may_be_verbatim=False)
        return self._staged(planned, chunk.path, await self.parsers.run(stage, task))

    @property
    def _may_be_verbatim(self) -> bool:
        return (
            self.dialect == _COPIES_VERBATIM
            and self.plan.is_delimited
            and self.run == 0
            and not self.by_contract
            and not self.meets_keys
        )

    def _task(self, planned: ChunkRange, target: Path, *, may_be_verbatim: bool) -> ImportTask:
        return ImportTask(
            self.path,
            planned,
            self.plan,
            self.table,
            self.max_line_bytes,
            self.dialect,
            target,
            is_replay=self.run > 0,
            may_be_verbatim=may_be_verbatim,
        )

    def _staged(
        self, planned: ChunkRange, target: Path, found: ParsedChunk | Verbatim
    ) -> StagedChunk:
        verbatim, parsed = None, found
        if isinstance(parsed, Verbatim):
            verbatim, parsed = self._verbatim(planned, parsed), ParsedChunk(parsed.rows, 0)
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
            verbatim=verbatim,
        )

    def _verbatim(self, planned: ChunkRange, found: Verbatim) -> VerbatimRows:
        return VerbatimRows(
            path=self.path,
            byte_offset=planned.byte_offset,
            byte_length=planned.byte_length,
            columns=tuple(column.name for column in self.plan.columns),
            delimiter=self.plan.delimiter or ",",
            backslashes=found.backslashes,
        )
