"""Files that are tried as they are, before all of them was looked at."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from headrace_server.app import Core
from headrace_server.core.imports.accepting import IMPORT_FILE
from headrace_server.files.importing.sql_types import column_of
from headrace_server.files.importing.widths import wider
from headrace_server.model.errors import StaleAttemptError, StorageUnavailableError
from headrace_server.model.file_import import FileImport, ImportMode, ImportOptions, NewImport
from headrace_server.model.ingestion import Status
from headrace_server.model.page import PageRequest
from headrace_server.model.warehouse import StagedChunk, WarehouseTable
from headrace_server.warehouse.definitions import shape
from headrace_server.warehouse.widening import widest

from .conftest import CALLER, Import, Rows, Work

#: several chunks of which the sample shows the first few rows
LINES = [f"{n},{n}.5,{'x' * 100},2024-01-31,true" for n in range(300)]
HEADER = "n,amount,text,day,ok"
SAMPLE: dict[str, Any] = {"sample_bytes": 1024}
HALF_A_MINUTE = 30


def csv_of(*lines: str) -> str:
    return "\n".join([HEADER, *lines, ""])


@pytest.mark.parametrize("one", ["BIGINT", "NUMERIC", "DATE", "TIMESTAMP", "BOOLEAN", "UUID"])
def test_a_table_that_is_there_becomes_what_would_be_made(one: str) -> None:
    while one != (other := wider(one)):
        made = widest(column_of("a", one), column_of("a", other))
        assert shape(made) == shape(column_of("a", other))
        one = other


async def outcome(core: Core, done: FileImport, rows: Rows) -> tuple[Any, ...]:
    """All that users see of an import, but the table's name."""
    ingestion = done.ingestion
    _, page = await core.services.rejects.list(
        CALLER, ingestion.request_id, rejected=True, parked=True, page=PageRequest()
    )
    schema, _, name = done.target_table.rpartition(".")
    async with core.warehouses.use(CALLER.tenant_id) as warehouse:
        table: WarehouseTable = await warehouse.describe_table(schema, name)
    return (
        ingestion.status,
        (ingestion.rows_loaded, ingestion.processed_units, ingestion.failed_units),
        done.inferred_schema,
        [(column.name, column.type, column.nullable) for column in table.columns],
        [(each.line, each.byte_offset, each.reason, each.raw) for each in page.items],
        await rows(done.target_table),
    )


Begin = Callable[..., Awaitable[FileImport]]
Run = Callable[[], Awaitable[None]]


@pytest.fixture
def migrated_url(migrated_postgres_url: str) -> str:
    """PostgreSQL alone takes rows so."""
    return migrated_postgres_url


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (300, "300,1.5,,,"),
        (300, "x,1.5,a,2024-01-31,true"),
        (300, "300,x,a,2024-01-31,true"),
        (300, "1e5,1e5,a,2024-01-31,true"),
        (300, "1.25,1.5,a,2024-01-31,true"),
        (300, "300,1.5,a,2024-01-31 10:00:00,true"),
        (300, "300,1.5,a,31.01.2024,true"),
        (300, "300,1.5,a,2024-01-31,yes"),
        (300, f"300,1.5,{'y' * 300},2024-01-31,true"),
        (300, "300,1.5"),
        (300, "300,1.5,a,2024-01-31,true,more"),
        (300, '300,1.5,"a\nb",2024-01-31,true'),
        (300, '300,1.5,"never closed,2024-01-31,true'),
        (150, "007,1.5,a,2024-01-31,true"),
        (60, '60,1.5,"' + "a\n" * 2500 + '",2024-01-31,true'),
        (40, "\n \n"),
    ],
)
async def test_what_comes_after_the_sample_is_as_if_all_had_been_looked_at(
    core: Core,
    imported: Import,
    rows: Rows,
    place: int,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = csv_of(*LINES[:place], line, *LINES[place:])
    tried = await outcome(core, await imported("a.csv", data, "raw.tried", **SAMPLE), rows)
    monkeypatch.setattr("headrace_server.core.imports.preparing._MOST_TRIED_BYTES", 0)
    looked_at = await outcome(core, await imported("a.csv", data, "raw.looked_at", **SAMPLE), rows)
    assert tried == looked_at


async def test_a_number_beyond_floating_point_stays_exact(imported: Import, rows: Rows) -> None:
    data = "\n".join(["n,text", *["1e5,a", "2.5,b"] * 500, "1e400,c", ""])
    done = await imported("a.csv", data, "raw.t", **SAMPLE)
    assert done.inferred_schema["n"] == "NUMERIC"
    assert max(Decimal(n) for n, _ in await rows("raw.t")) == Decimal("1e400")


@pytest.mark.parametrize("options", [{}, {"key_columns": ("n",)}, {"mode": ImportMode.REPLACE}])
async def test_all_rows_are_there_once(
    imported: Import, rows: Rows, options: dict[str, Any]
) -> None:
    done = await imported("a.csv", csv_of(*LINES), "raw.t", **SAMPLE, **options)
    assert (done.ingestion.status, done.ingestion.rows_loaded) == (Status.COMPLETED, 300)
    found = await rows("raw.t")
    assert sorted(int(row[0]) for row in found) == list(range(300))


@pytest.mark.parametrize("options", [{"key_columns": ("n",)}, {}])
async def test_rows_of_the_next_file_are_added(
    imported: Import, rows: Rows, options: dict[str, Any]
) -> None:
    await imported("a.csv", csv_of(*LINES[:200]), "raw.t", **SAMPLE, **options)
    await imported("b.csv", csv_of(*LINES[200:]), "raw.t", **SAMPLE)
    assert len(await rows("raw.t")) == 300
    again = await imported("c.csv", csv_of(*LINES), "raw.t", **SAMPLE)
    assert again.ingestion.status is Status.COMPLETED
    assert len(await rows("raw.t")) == (300 if options else 600)


async def test_a_file_without_rows_is_none(imported: Import, rows: Rows) -> None:
    done = await imported("a.csv", HEADER + "\n", "raw.t")
    assert (done.ingestion.status, done.ingestion.rows_loaded) == (Status.COMPLETED, 0)
    assert await rows("raw.t") == []


@pytest.fixture
def begin(core: Core, inbox: Path) -> Begin:
    """Accept an import of all lines."""

    async def accept(**options: Any) -> FileImport:
        (inbox / "a.csv").write_text(csv_of(*LINES))
        new = NewImport("/in/a.csv", "raw.t", ImportOptions(**SAMPLE, **options))
        return await core.services.imports.start(CALLER, new)

    return accept


@pytest.fixture
async def cut_off(core: Core, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Run]:
    """Run the import that waits until some of its transactions have committed."""
    async with core.warehouses.use(CALLER.tenant_id) as warehouse:
        merge_whole = warehouse.merge_whole

        async def merge_some(chunks: Sequence[StagedChunk], *given: Any) -> None:
            await merge_whole(chunks[:3], *given)
            raise StorageUnavailableError("a session was ended")

        async def run() -> None:
            (job,) = await core.jobs.claim("tests", [IMPORT_FILE], 1)
            with monkeypatch.context() as patched:
                patched.setattr(warehouse, "merge_whole", merge_some)
                with pytest.raises(StorageUnavailableError):
                    await core.imports.run(job)
            assert len(await warehouse.committed(str(job.payload["request_id"]))) == 3
            await core.jobs.hand_back(job.job_id, job.attempt)

        yield run


@pytest.mark.parametrize("options", [{}, {"key_columns": ("n",)}, {"mode": ImportMode.REPLACE}])
@pytest.mark.parametrize("copy_is_lost", [False, True])
async def test_what_was_committed_in_part_goes_on_with_the_rest(
    core: Core,
    begin: Begin,
    cut_off: Run,
    work: Work,
    rows: Rows,
    options: dict[str, Any],
    copy_is_lost: bool,
) -> None:
    begun = await begin(**options)
    await cut_off()
    if copy_is_lost:
        core.imports._sources.drop(begun.ingestion.request_id)
    await work()
    done = await core.services.imports.get(CALLER, begun.ingestion.request_id)
    assert (done.ingestion.status, done.ingestion.rows_loaded) == (Status.COMPLETED, 300)
    assert sorted(int(row[0]) for row in await rows("raw.t")) == list(range(300))


async def test_the_next_attempt_goes_by_a_plan_that_was_saved_as_it_began(
    core: Core, begin: Begin, cut_off: Run, inbox: Path
) -> None:
    begun = await begin()
    await cut_off()
    (inbox / "a.csv").write_text(csv_of("1,1.5,other,,"))
    (job,) = await core.jobs.claim("tests", [IMPORT_FILE], 1)
    # As it was before the first attempt: it has no plan.
    async with core.imports._planning.of(begun, job) as planning:
        planned = await planning.planned(begun=True, loaded=False)
    assert not planned.is_sampled
    assert planned.path.read_text() == csv_of(*LINES)


async def test_what_was_committed_in_part_is_observed(
    core: Core, begin: Begin, cut_off: Run
) -> None:
    await begin()
    await cut_off()
    assert await core.services.observer.observe_next()
    found = await core.services.datasets.get(CALLER, "raw.t")
    assert found.observation is not None
    assert 0 < found.observation.profile.rows < 300


async def test_a_later_attempt_goes_chunk_by_chunk(
    core: Core, begin: Begin, work: Work, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    await begin()
    async with core.warehouses.use(CALLER.tenant_id) as warehouse:

        async def fail(*_: Any) -> None:
            raise StorageUnavailableError("the disk is full")

        monkeypatch.setattr(warehouse, "merge_whole", fail)
        (job,) = await core.jobs.claim("tests", [IMPORT_FILE], 1)
        with pytest.raises(StorageUnavailableError):
            await core.imports.run(job)
        await core.jobs.hand_back(job.job_id, job.attempt)
        await work()
    assert len(await rows("raw.t")) == 300


async def test_an_attempt_that_was_overtaken_saves_no_plan(core: Core, begin: Begin) -> None:
    begun = await begin()
    (job,) = await core.jobs.claim("tests", [IMPORT_FILE], 1)
    async with core.imports._planning.of(begun, replace(job, attempt=0)) as planning:
        planned = await planning.planned(begun=False, loaded=False)
        with pytest.raises(StaleAttemptError, match="another attempt"):
            await planning.save(planned.plan)
    found = await core.services.imports.get(CALLER, begun.ingestion.request_id)
    assert found.plan is None


async def test_a_file_that_is_tried_waits_for_one_that_replaces_all(
    core: Core, begin: Begin, imported: Import, inbox: Path, rows: Rows
) -> None:
    await imported("old.csv", csv_of(LINES[0]), "raw.t")
    (inbox / "new.csv").write_text(csv_of(*LINES[:2]))
    replaces = NewImport("/in/new.csv", "raw.t", ImportOptions(mode=ImportMode.REPLACE))
    await core.services.imports.start(CALLER, replaces)
    (replacing,) = await core.jobs.claim("tests", [IMPORT_FILE], 1)
    await core.imports._records.begin(replacing)
    await begin()
    (adding,) = await core.jobs.claim("tests", [IMPORT_FILE], 1)
    async with asyncio.timeout(HALF_A_MINUTE):
        added = asyncio.create_task(core.imports.run(adding))
        await asyncio.wait({added}, timeout=0.5)
        assert not added.done()
        await core.imports.run(replacing)
        await added
    assert len(await rows("raw.t")) == 302
