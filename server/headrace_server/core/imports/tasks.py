"""What other processes do for imports: understand files, look at their ranges and stage them.

Nothing but files is imported here: each process that parses pays for this module.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from headrace_server.core.ingestion.parsing import ParsedChunk, staged
from headrace_server.core.limits import Limits
from headrace_server.files.chunks import ChunkRange
from headrace_server.files.disk import on_disk
from headrace_server.files.importing.binary_rows import binary_form
from headrace_server.files.importing.delimited import DelimitedParser, parse_delimited
from headrace_server.files.importing.objects import ObjectParser, parse_objects
from headrace_server.files.importing.plain import is_plain, make_plain
from headrace_server.files.importing.plan import FilePlan
from headrace_server.files.importing.records import plan_records
from headrace_server.files.importing.understanding import understand
from headrace_server.files.importing.widening import Shapes, shapes_of
from headrace_server.files.records import LineBlock
from headrace_server.files.replays import read_replay
from headrace_server.model.contract import Table
from headrace_server.model.file_import import ImportOptions
from headrace_server.model.rows import RejectedLine, RowBlock

_REPLAYED_AT_ONCE = 1024
_FEW_ROWS = """id,name,price,share,since,at,open
1,one,1.50,2e-3,2024-01-31,2024-01-31 23:59:59,true
2,"two, or more",22.75,0.5,2024-02-29,2024-02-29 00:00:00,false
"""

Parsed = Iterator[tuple[RowBlock, list[RejectedLine]]]


@dataclass(frozen=True, slots=True)
class CopiedFile:
    """A copy to be understood, and its plain file to be made."""

    source: Path
    file_name: str
    options: ImportOptions
    limits: Limits
    #: how it was understood before, if it was
    plan: FilePlan | None = None


def understand_copy(task: CopiedFile) -> tuple[FilePlan, Path]:
    """Find out what a copy holds, and return its plan and plain file.

    Raises what `understand` and `make_plain` raise, and StorageUnavailableError.
    """
    plan = task.plan or understand(
        task.source, task.file_name, task.options, folder=task.source.parent
    )
    if is_plain(plan):
        return plan, task.source
    plain = task.source.with_name(f"{task.source.name}.plain")
    if task.plan is None or not plain.exists():
        with on_disk("unpacking a file"):
            make_plain(
                task.source,
                plan,
                plain,
                max_ratio=task.limits.inflation_ratio,
                max_bytes=task.limits.inflated_bytes,
            )
    return plan, plain


def understand_few_rows() -> None:
    """Have the patterns compiled that files are understood by: the first file need not wait."""
    with suppress(OSError), TemporaryDirectory() as folder:
        path = Path(folder, "few.csv")
        path.write_text(_FEW_ROWS)
        understand(path, path.name, ImportOptions(), folder=path.parent)


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


def look(task: ImportTask) -> Shapes:
    """Tell what the columns of a range hold."""
    return shapes_of(task.path, task.range, task.plan, task.max_line_bytes)


def stage(task: ImportTask) -> ParsedChunk:
    """Parse a range and write its rows and rejects; running it twice changes nothing.

    Raises StorageUnavailableError.
    """
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


def ranges_of(
    path: Path, plan: FilePlan, size: int, max_line_bytes: int, table: Table | None = None
) -> Iterator[ChunkRange]:
    """Cut a plain file into chunks; those that are binary rows of the table say so. Blocking."""
    form = binary_form(table, plan, max_line_bytes) if table and plan.is_delimited else None
    return plan_records(path, plan, size, max_line_bytes, form)


def length_of(path: Path, plan: FilePlan, max_line_bytes: int) -> int:
    """Bytes of a plain file that belong to chunks: those from its first record on. Blocking."""
    first = next(plan_records(path, plan, 1, max_line_bytes), None)
    return path.stat().st_size - first.byte_offset if first else 0
