"""Jobs that export, on a whole core."""

import asyncio
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import openpyxl
import pytest

from headrace_server.app import Core
from headrace_server.core.exports import exporting
from headrace_server.core.exports.exporting import Exporting
from headrace_server.db import exports as export_rows
from headrace_server.db import jobs as job_rows
from headrace_server.model.errors import StaleAttemptError, StorageUnavailableError
from headrace_server.model.export import (
    OPEN_EXPORTS,
    ChartType,
    ExportFormat,
    ExportOutput,
    ExportRequest,
    ExportSource,
    ExportStatus,
    ReportSection,
    SectionType,
    SourceType,
)

from .conftest import CALLER, Done, both_engines, claimed, fill, left, request_of


async def bytes_of(core: Core, export_id: str) -> bytes:
    _, pieces = await core.answers.links.open(CALLER, export_id)
    return b"".join([piece async for piece in pieces])


@both_engines
async def test_a_job_exports_and_ends(core: Core, done: Done) -> None:
    export = await done(request_of(include_summary=True, keep_hours=2))
    assert (export.status, export.rows, export.total_rows) == (ExportStatus.COMPLETED, 10, 10)
    assert export.sheets == ("Data", "Summary")
    assert export.completed_at is not None
    assert export.expires_at - export.completed_at == timedelta(hours=2)
    data = await bytes_of(core, export.export_id)
    assert len(data) == export.file_bytes
    sheet = openpyxl.load_workbook(io.BytesIO(data))["Data"]
    assert list(sheet.values)[1] == (0, "name 0")
    assert left(core, export.export_id) == ["attempt-1/file"]


@both_engines
async def test_rows_that_were_not_asked_for_are_counted(core: Core, done: Done) -> None:
    sql = "SELECT n, n FROM numbers ORDER BY n -- all of them"
    export = await done(request_of(sql, format=ExportFormat.CSV, max_rows=4))
    assert (export.rows, export.truncated, export.total_rows) == (4, True, 10)
    assert export.warnings == ("only 4 rows were asked for; there are 10",)
    data = await bytes_of(core, export.export_id)
    assert data.endswith(b"\r\n0,0\r\n1,1\r\n2,2\r\n3,3\r\n")


async def test_a_count_that_takes_too_long_is_left_out(
    core: Core, done: Done, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_COUNT_SECONDS", 0.0)
    export = await done(request_of(format=ExportFormat.CSV, max_rows=4))
    assert (export.truncated, export.total_rows) == (True, None)


async def test_a_report_reads_each_of_its_sources(core: Core, done: Done) -> None:
    table = ExportSource(SourceType.DATAMART, name="numbers")
    sections = (
        ReportSection("Overview", SectionType.SUMMARY, {"a": 1}),
        ReportSection("Rows", SectionType.TABLE, {}, table),
        ReportSection("Chart", SectionType.CHART, {}, table, ChartType.BAR),
    )
    export = await done(ExportRequest(ExportOutput(), None, "A report", sections))
    assert (export.file_name, export.sheets) == ("A report.xlsx", ("Overview", "Rows", "Chart"))
    assert export.rows == 10


@both_engines
async def test_what_is_wrong_with_a_query_fails_it_for_good(core: Core, done: Done) -> None:
    export = await done(request_of("SELECT nope FROM numbers"))
    assert export.status is ExportStatus.FAILED
    assert (export.error or "").startswith("data_source.query: ")
    assert left(core, export.export_id) == []


@both_engines
async def test_a_value_that_cannot_be_computed_fails_it_for_good(core: Core, done: Done) -> None:
    if core.store.dialect == "sqlite":
        sql = "SELECT abs(-9223372036854775807 - n) FROM numbers"
    else:
        sql = "SELECT 1 / (n - 9) FROM numbers"
    export = await done(request_of(sql))
    assert export.status is ExportStatus.FAILED
    assert (export.error or "").startswith("data_source.query: ")


async def test_what_a_format_cannot_hold_fails_it_for_good(core: Core, done: Done) -> None:
    sql = "SELECT n AS v FROM numbers UNION ALL SELECT 'text' FROM numbers"
    export = await done(request_of(sql, format=ExportFormat.PARQUET))
    assert export.status is ExportStatus.FAILED
    assert "column 'v'" in (export.error or "")


async def test_a_table_that_goes_meanwhile_fails_it_for_good(core: Core) -> None:
    source = ExportSource(SourceType.TABLE, name="numbers", schema="public")
    begun = await core.answers.exports.start(CALLER, ExportRequest(source=source))
    await fill(core, "DROP TABLE numbers")
    await core.answers.exporting.run(await claimed(core))
    found = await core.answers.exports.get(CALLER, begun.export_id)
    assert found.status is ExportStatus.FAILED
    assert "public.numbers" in (found.error or "")


async def test_failed_attempts_are_told_and_end_it(core: Core) -> None:
    begun = await core.answers.exports.start(CALLER, request_of())
    for attempt in (1, 2, 3):
        job = await claimed(core)
        await core.jobs.record_failure(job.job_id, job.attempt, "the disk is full")
        found = await core.answers.exports.get(CALLER, begun.export_id)
        assert "the disk is full" in (found.error or "")
        if attempt < 3:
            assert found.status is ExportStatus.PENDING
            async with core.store.begin() as connection:
                await job_rows.update(connection, job.job_id, {"available_at": found.created_at})
    assert found.status is ExportStatus.FAILED
    assert found.completed_at is not None
    assert found.expires_at - found.completed_at == timedelta(hours=24)


@both_engines
async def test_the_next_attempt_leaves_one_file(core: Core) -> None:
    """As after a kill: an attempt that left its folder behind, and was found out."""
    begun = await core.answers.exports.start(CALLER, request_of(format=ExportFormat.CSV))
    lost = await claimed(core)
    folder = core.config.spool_dir / "exports" / begun.export_id / "attempt-1"
    folder.mkdir(parents=True)
    (folder / "file").write_bytes(b"half of it")
    async with core.store.begin() as connection:
        past = datetime.now(UTC) - timedelta(minutes=1)
        await job_rows.update(connection, lost.job_id, {"lease_expires_at": past})
    await core.jobs.reap()
    async with core.store.begin() as connection:
        await job_rows.update(connection, lost.job_id, {"available_at": begun.created_at})
    await core.answers.exporting.run(await claimed(core))
    assert left(core, begun.export_id) == ["attempt-2/file"]
    assert (await bytes_of(core, begun.export_id)).count(b"\r\n") == 11
    with pytest.raises(StaleAttemptError):
        await core.answers.exporting.run(lost)
    assert left(core, begun.export_id) == ["attempt-2/file"]


async def test_an_attempt_that_has_lost_its_claim_leaves_nothing(core: Core) -> None:
    begun = await core.answers.exports.start(CALLER, request_of())
    job = await claimed(core)
    running = asyncio.create_task(core.answers.exporting.run(job))
    while not (core.config.spool_dir / "exports" / begun.export_id / "attempt-1").exists():
        await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert left(core, begun.export_id) == []


async def test_a_disk_that_refuses_fails_the_attempt(core: Core) -> None:
    begun = await core.answers.exports.start(CALLER, request_of())
    (core.config.spool_dir / "exports" / begun.export_id).write_bytes(b"in the way")
    with pytest.raises(StorageUnavailableError, match="making room for an export"):
        await core.answers.exporting.run(await claimed(core))


async def test_progress_is_told_while_it_runs(
    core: Core, done: Done, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_PACE", 0.0)
    noted: list[int] = []
    note = Exporting.note

    async def listen(self: Exporting, job: object, export: object, **values: int) -> None:
        noted.append(values["rows"])
        await note(self, job, export, **values)  # type: ignore[arg-type]

    monkeypatch.setattr(Exporting, "note", listen)
    export = await done(request_of())
    assert noted[-1] == 10
    assert export.revision > 3


async def test_a_forgotten_export_ends_its_job(core: Core) -> None:
    begun = await core.answers.exports.start(CALLER, request_of())
    async with core.store.begin() as connection:
        await export_rows.delete(connection, begun.export_id)
    job = await claimed(core)
    await core.answers.exporting.run(job)
    assert await core.jobs.claim("worker", [job.kind], 1) == []


@both_engines
async def test_an_export_changes_in_the_states_that_are_expected_only(core: Core) -> None:
    begun = await core.answers.exports.start(CALLER, request_of())
    await core.answers.exports.cancel(CALLER, begun.export_id)
    cancelled = await core.answers.exports.get(CALLER, begun.export_id)
    async with core.store.begin() as connection:
        await export_rows.change(connection, begun.export_id, OPEN_EXPORTS, rows=5)
    assert await core.answers.exports.get(CALLER, begun.export_id) == replace(cancelled, rows=0)
