"""Chunks of imported files, staged or left as they are."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from headrace_server.core.imports.chunks import ImportSource
from headrace_server.core.imports.tasks import ImportTask
from headrace_server.core.ingestion.parsing import ParsedChunk
from headrace_server.files.chunks import ChunkRange
from headrace_server.files.formats import Compression
from headrace_server.files.importing.plan import FilePlan, PlannedColumn
from headrace_server.model.contract import Column, ColumnType, Table
from headrace_server.model.job import Job, JobStatus, Priority

NOW = datetime(2026, 3, 29, tzinfo=UTC)
RANGE = ChunkRange(0, 3, 6, 2, 2)
OTHER = ChunkRange(0, 3, 6, 2)
KEYED = Table("raw.t", (Column("id", ColumnType.INTEGER),), ("id",))
PLAIN = Table("raw.t", (Column("id", ColumnType.INTEGER, nullable=True),), ())


class InThisProcess:
    """Stands in for the processes that parse."""

    def __init__(self) -> None:
        self.tasks: list[ImportTask] = []

    async def run(self, call: Callable[..., Any], task: ImportTask) -> Any:
        self.tasks.append(task)
        return ParsedChunk(2, 0)


def source_of(table: Table, parsers: InThisProcess, **changes: Any) -> ImportSource:
    job = Job(
        job_id="j",
        kind="import_file",
        tenant_id="default",
        payload={"chunk_bytes": 4000},
        priority=Priority.MEDIUM,
        status=JobStatus.RUNNING,
        attempt=1,
        failures=0,
        max_retries=3,
        worker_id="w",
        lease_expires_at=None,
        attempt_expires_at=None,
        available_at=NOW,
        last_error=None,
        created_at=NOW,
        started_at=NOW,
        completed_at=None,
    )
    columns = (PlannedColumn("id", 0, "id", "BIGINT"),)
    plan = FilePlan("csv", Compression.NONE, columns, encoding="utf-8", delimiter=",")
    given: dict[str, Any] = {"dialect": "postgresql", "run": 0, **changes}
    return ImportSource(
        request_id="r",
        path=Path("a"),
        plan=plan,
        table=table,
        max_line_bytes=1000,
        job=job,
        parsers=parsers,  # type: ignore[arg-type]
        **given,
    )


async def test_rows_are_not_staged_where_the_table_is_of_imports() -> None:
    parsers = InThisProcess()
    for table in (PLAIN, KEYED):
        staged = await source_of(table, parsers).stage(RANGE, Path("s"))
        assert staged.binary is not None
        assert (staged.rows_valid, staged.binary.columns) == (2, ("id",))
    assert parsers.tasks == []
    others: list[dict[str, Any]] = [{"by_contract": True}, {"dialect": "sqlite"}, {"run": 1}]
    for other in others:
        assert (await source_of(KEYED, parsers, **other).stage(RANGE, Path("s"))).binary is None
    assert (await source_of(KEYED, parsers).stage(OTHER, Path("s"))).binary is None


async def test_binary_rows_are_read_out_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"id\n1\n258\n")
    source = source_of(PLAIN, InThisProcess())
    source.path, source.plan = path, replace(source.plan, first_line=2)
    (planned,) = source.ranges()
    staged = await source.stage(planned, Path("s"))
    assert staged.binary is not None
    tuples = [b"\0\x01\0\0\0\x08" + n.to_bytes(8, "big") for n in (1, 258)]
    assert b"".join(staged.binary.data())[19:] == b"".join([*tuples, b"\xff\xff"])


async def test_after_rows_with_keys_that_are_there_all_are_staged() -> None:
    parsers = InThisProcess()
    for table in (PLAIN, KEYED):
        source = source_of(table, parsers)
        refused = await source.stage(RANGE, Path("s"))
        careful = await source.stage_carefully(refused)
        assert (careful.binary, careful.key) == (None, refused.key)
        following = await source.stage(RANGE, Path("s"))
        assert (following.binary is None) == bool(table.primary_key)
