"""The chunks of an imported file: looked at, parsed and staged, each in another process."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from headrace_server.core.ingestion.parsing import ParsedChunk, Parsers, staged
from headrace_server.files.chunks import ChunkRange, plan_chunks
from headrace_server.files.importing.delimited import DelimitedParser, parse_delimited
from headrace_server.files.importing.objects import ObjectParser, parse_objects
from headrace_server.files.importing.plan import FilePlan
from headrace_server.files.importing.records import plan_records
from headrace_server.files.importing.verbatim import Verbatim, verbatim_rows
from headrace_server.files.importing.widening import Shapes, shapes_of
from headrace_server.files.records import LineBlock
from headrace_server.files.replays import read_replay
from headrace_server.model.contract import Table
from headrace_server.model.job import Job
from headrace_server.model.rows import RejectedLine, RowBlock
from headrace_server.model.warehouse import ChunkKey, StagedChunk, VerbatimRows

#: engine whose COPY takes rows as a file has them
_COPIES_VERBATIM = "postgresql"
_REPLAYED_AT_ONCE = 1024

Parsed = Iterator[tuple[RowBlock, list[RejectedLine]]]


@dataclass(frozen=True, slots=True)
class ImportTask:
    """A range of a plain file, to be looked at or staged."""

    path: Path
    range: ChunkRange
    plan: FilePlan
    #: types that the rows shall have
    table: Table
    max_line_bytes: int
    #: what staged rows are written for, and where
    dialect: str = ""
    target: Path = Path()
    #: whether the path holds rejects to be loaded again
    is_replay: bool = False
    #: whether rows that need not be written anew may stay where they are
    may_be_verbatim: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """What a range holds."""

    #: where all records have the form that the table asks for; else None
    verbatim: Verbatim | None
    #: what its columns hold; None where they are of the form
    shapes: Shapes | None


def look(task: ImportTask) -> Look:
    """Tell whether a range is what the plan says, and if not, what it is."""
    if task.plan.is_delimited:
        verbatim = verbatim_rows(task.path, task.range, task.table, task.plan)
        if verbatim is not None:
            return Look(verbatim, None)
    return Look(None, shapes_of(task.path, task.range, task.plan, task.max_line_bytes))


def stage(task: ImportTask) -> ParsedChunk | Verbatim:
    """Parse a range and write its rows and rejects, or tell how many rows are well as they are.

    Running it twice changes nothing. Raises StorageUnavailableError.
    """
    if task.may_be_verbatim and not task.is_replay:
        verbatim = verbatim_rows(task.path, task.range, task.table, task.plan)
        if verbatim is not None:
            return verbatim
    replayed: list[str] = []
    blocks = _replayed(task, replayed) if task.is_replay else _parsed(task)
    return staged(blocks, task.dialect, task.target, task.table, replayed)


def _parsed(task: ImportTask) -> Parsed:
    parse = parse_delimited if task.plan.is_delimited else parse_objects
    return parse(task.path, task.range, task.table, task.plan, task.max_line_bytes)


def _replayed(task: ImportTask, reject_ids: list[str]) -> Parsed:
    """Parse rejects again, each in its place; collects the ids of those that were read."""
    make = DelimitedParser if task.plan.is_delimited else ObjectParser
    parser: DelimitedParser | ObjectParser = make(task.table, task.plan)
    rejects = read_replay(task.path, task.range)
    while batch := list(islice(rejects, _REPLAYED_AT_ONCE)):
        reject_ids += [reject.reject_id for reject in batch]
        yield parser.parse_block(
            LineBlock(
                [reject.line for reject in batch],
                [reject.byte_offset for reject in batch],
                [reject.raw.encode("utf-8", "surrogatepass") for reject in batch],
            )
        )


@dataclass(frozen=True, slots=True)
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
            and not self.table.primary_key
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


def ranges_of(
    path: Path, plan: FilePlan, size: int, max_line_bytes: int, *, is_replay: bool = False
) -> Iterator[ChunkRange]:
    """Cut a plain file, or a replay, into chunks. Blocking."""
    if is_replay:
        return plan_chunks(path, size)
    return plan_records(path, plan, size, max_line_bytes)


def length_of(path: Path, plan: FilePlan, max_line_bytes: int) -> int:
    """Bytes of a plain file that belong to chunks: those from its first record on. Blocking."""
    first = next(plan_records(path, plan, 1, max_line_bytes), None)
    return path.stat().st_size - first.byte_offset if first else 0
