"""What imports leave behind that end early, and how others go on from there."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from headrace_server.app import Core
from headrace_server.core.imports.accepting import IMPORT_FILE
from headrace_server.core.imports.sources import Fetched
from headrace_server.core.storage.files import FileFilter
from headrace_server.core.storage.watches import NewWatch
from headrace_server.model.contract import Table
from headrace_server.model.errors import StaleAttemptError, StorageUnavailableError
from headrace_server.model.file_import import (
    FileImport,
    ImportMode,
    ImportOptions,
    NewImport,
    TypeChanges,
)
from headrace_server.model.ingestion import Status
from headrace_server.model.job import Job
from headrace_server.model.page import PageRequest
from headrace_server.model.storage import FileStatus, StoredFile

from .conftest import CALLER, Import, Rows, Work

PAGE = PageRequest()
#: several chunks
LINES = "".join(f"{n},{'x' * 100}\n" for n in range(500))
BIG = "n,text\n" + LINES
HALF_A_MINUTE = 30
TEN_DAYS = 10 * 86_400.0

pytestmark = pytest.mark.usefixtures("chunk_by_chunk")

Die = Callable[[], Awaitable[str]]


Begin = Callable[[], Awaitable[str]]


@pytest.fixture
def begin_replacement(core: Core, imported: Import, inbox: Path) -> Begin:
    """Accept an import whose rows shall take the place of one of another; returns its id."""

    async def begin() -> str:
        await imported("old.csv", "n,text\n7,old\n", "raw.big")
        (inbox / "big.csv").write_text(BIG)
        new = NewImport("/in/big.csv", "raw.big", ImportOptions(mode=ImportMode.REPLACE))
        return (await core.services.imports.start(CALLER, new)).ingestion.request_id

    return begin


@pytest.fixture
def copied(core: Core, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Set when the next file is copied whole."""
    event, fetch = asyncio.Event(), core.imports._sources.fetch

    async def fetch_and_tell(*given: Any) -> Fetched:
        fetched = await fetch(*given)
        event.set()
        return fetched

    monkeypatch.setattr(core.imports._sources, "fetch", fetch_and_tell)
    return event


@pytest.fixture
def die_after_a_chunk(core: Core, monkeypatch: pytest.MonkeyPatch) -> Die:
    """Run the import that waits until its first chunk is committed; returns its id."""
    return _dying(core, monkeypatch, "merged")


@pytest.fixture
def die_at_the_end(core: Core, monkeypatch: pytest.MonkeyPatch) -> Die:
    """Run the import that waits, and replaces rows, until all of its own are in its draft."""
    return _dying(core, monkeypatch, "end_file")


def _dying(core: Core, monkeypatch: pytest.MonkeyPatch, at: str) -> Die:
    async def run() -> str:
        async def die(*_: Any) -> None:
            raise RuntimeError("killed")

        with monkeypatch.context() as patched:
            patched.setattr(core.imports._records, at, die)
            (job,) = await core.jobs.claim("tests", [IMPORT_FILE], 1)
            with pytest.raises(RuntimeError):
                await core.imports.run(job)
        await core.jobs.hand_back(job.job_id, job.attempt)
        return str(job.payload["request_id"])

    return run


async def _import_of(core: Core, import_id: str) -> FileImport:
    return await core.services.imports.get(CALLER, import_id)


async def _rejects(core: Core, import_id: str) -> list[str]:
    _, page = await core.services.rejects.list(
        CALLER, import_id, rejected=True, parked=True, page=PAGE
    )
    return [row.reject_id for row in page.items]


async def _drafts(core: Core) -> list[str]:
    async with core.warehouses.use(CALLER.tenant_id) as warehouse:
        return await warehouse.drafts()


async def test_corrected_rows_of_a_file_that_replaced_nothing_replace(
    core: Core, imported: Import, rows: Rows, work: Work
) -> None:
    await imported("old.csv", "id\n1\n2\n", "raw.t")
    options: dict[str, Any] = {"mode": ImportMode.REPLACE, "type_changes": TypeChanges.REJECT_ROW}
    bad = await imported("bad.csv", "id\nx\ny\n", "raw.t", data_types={"id": "BIGINT"}, **options)
    assert bad.ingestion.status is Status.FAILED
    import_id = bad.ingestion.request_id
    first, second = await _rejects(core, import_id)
    await core.services.rejects.replay(CALLER, import_id, {first: "7"}, only_corrections=True)
    await work()
    again = (await _import_of(core, import_id)).ingestion
    assert (again.status, again.rows_loaded) == (Status.COMPLETED_WITH_ERRORS, 1)
    assert await _rejects(core, import_id) == [second]
    assert await rows("raw.t") == [("7",)]


async def test_rejects_are_replayed_though_file_and_copy_are_gone(
    core: Core, imported: Import, inbox: Path, rows: Rows, work: Work
) -> None:
    done = await imported("a.csv", "id,name\n1,Ada\n2\n", "raw.t")
    import_id = done.ingestion.request_id
    (inbox / "a.csv").unlink()
    core.imports._sources.drop(import_id)
    (reject,) = await _rejects(core, import_id)
    await core.services.rejects.replay(CALLER, import_id, {reject: "2,Bo"}, only_corrections=True)
    await work()
    again = (await _import_of(core, import_id)).ingestion
    assert (again.status, again.details) == (Status.COMPLETED, None)
    assert await rows("raw.t") == [("1", "Ada"), ("2", "Bo")]


async def test_rows_of_several_lines_are_each_loaded_once_though_an_attempt_dies(
    core: Core, inbox: Path, rows: Rows, work: Work, die_after_a_chunk: Die
) -> None:
    """The next attempt cuts the file where the one before it did, whatever each knew of it."""
    lines = "".join(f'{n},"{"x" * 50}\n{"y" * 50}"\n' for n in range(500))
    (inbox / "a.csv").write_text(f"n,text\n{lines}")
    await core.services.imports.start(CALLER, NewImport("/in/a.csv", "raw.t"))
    import_id = await die_after_a_chunk()
    await work()
    done = (await _import_of(core, import_id)).ingestion
    assert (done.status, done.rows_loaded) == (Status.COMPLETED, 500)
    assert sorted(int(n) for n, _ in await rows("raw.t")) == list(range(500))


async def test_drafts_and_copies_are_dropped_after_a_while_and_a_retry_begins_anew(
    core: Core,
    inbox: Path,
    rows: Rows,
    work: Work,
    begin_replacement: Begin,
    die_after_a_chunk: Die,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import_id = await begin_replacement()
    assert await die_after_a_chunk() == import_id
    await core.housekeeping.sweep()
    monkeypatch.setattr(core.housekeeping, "_kept_bytes_life", timedelta(0))
    await core.housekeeping.sweep()
    assert await _drafts(core) == [import_id]
    await core.services.ingestions.cancel(CALLER, import_id)
    copies = core.config.spool_dir / "imports"
    os.utime(copies / import_id, (time.time() - TEN_DAYS,) * 2)
    await core.housekeeping.sweep()
    assert await _drafts(core) == []
    assert list(copies.iterdir()) == []
    assert await rows("raw.big") == [("7", "old")]
    (inbox / "big.csv").write_text(BIG + "500,more\n")
    await core.services.ingestions.retry(CALLER, import_id)
    await work()
    done = (await _import_of(core, import_id)).ingestion
    assert (done.status, done.rows_loaded) == (Status.COMPLETED, 501)
    assert len(await rows("raw.big")) == 501


async def test_a_refused_attempt_drops_nothing_of_the_next(
    core: Core, inbox: Path, rows: Rows, begin_replacement: Begin, die_at_the_end: Die
) -> None:
    """The second attempt waits for its turn to drop what the third then goes on with."""
    import_id = await begin_replacement()
    await die_at_the_end()
    core.imports._sources.drop(import_id)
    (inbox / "big.csv").write_text("n,text\n")
    async with core.warehouses.use(CALLER.tenant_id) as warehouse:
        drop, fence = warehouse.drop_draft, warehouse.fence
        fenced = asyncio.Event()

        async def drop_late(*given: Any) -> None:
            await fenced.wait()
            await drop(*given)

        async def fence_and_tell(of: str, attempt: int) -> None:
            await fence(of, attempt)
            if attempt == 3:
                fenced.set()
                await asyncio.wait({overtaken})

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(warehouse, "drop_draft", drop_late)
            patched.setattr(warehouse, "fence", fence_and_tell)
            (second,) = await core.jobs.claim("tests", [IMPORT_FILE], 1)
            overtaken = asyncio.create_task(core.imports.run(second))
            while (await _import_of(core, import_id)).ingestion.status is not Status.FAILED:
                await asyncio.sleep(0.01)
            (inbox / "big.csv").write_text(BIG)
            await core.services.ingestions.retry(CALLER, import_id)
            (third,) = await core.jobs.claim("tests", [IMPORT_FILE], 1)
            await core.imports.run(third)
            with pytest.raises(StaleAttemptError, match="overtaken"):
                await overtaken
    done = (await _import_of(core, import_id)).ingestion
    assert (done.status, done.rows_loaded) == (Status.COMPLETED, 500)
    assert len(await rows("raw.big")) == 500


async def test_a_draft_that_is_dropped_as_an_attempt_begins_is_made_anew(
    core: Core, rows: Rows, work: Work, begin_replacement: Begin, die_at_the_end: Die
) -> None:
    import_id = await begin_replacement()
    await die_at_the_end()
    async with core.warehouses.use(CALLER.tenant_id) as warehouse:
        draft = warehouse.draft

        async def drop_and_draft(*given: Any) -> Table:
            await warehouse.drop_draft(import_id, 2)
            return await draft(*given)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(warehouse, "draft", drop_and_draft)
            (job,) = await core.jobs.claim("tests", [IMPORT_FILE], 1)
            with pytest.raises(StorageUnavailableError, match="begins anew"):
                await core.imports.run(job)
    await core.jobs.hand_back(job.job_id, job.attempt)
    await work()
    done = (await _import_of(core, import_id)).ingestion
    assert (done.status, done.rows_loaded) == (Status.COMPLETED, 500)
    assert len(await rows("raw.big")) == 500


async def test_what_is_retried_as_it_is_dropped_stays(
    core: Core, inbox: Path, die_after_a_chunk: Die, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inbox / "big.csv").write_text(BIG)
    begun = await core.services.imports.start(CALLER, NewImport("/in/big.csv", "raw.big"))
    import_id = begun.ingestion.request_id
    await die_after_a_chunk()
    await core.services.ingestions.cancel(CALLER, import_id)
    monkeypatch.setattr(core.housekeeping, "_kept_bytes_life", timedelta(0))
    copies = core.config.spool_dir / "imports"
    os.utime(copies / import_id, (time.time() - TEN_DAYS,) * 2)
    async with core.warehouses.use(CALLER.tenant_id) as warehouse:
        await warehouse.fence(import_id, 3)
        await core.housekeeping.sweep()
    assert [path.name for path in (copies / import_id).iterdir()] == ["source-1"]


async def test_attempts_that_do_not_begin_leave_no_copies(
    core: Core, inbox: Path, copied: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inbox / "big.csv").write_text(BIG)
    await core.services.imports.start(CALLER, NewImport("/in/big.csv", "raw.big"))

    async def away(*_: Any) -> None:
        await copied.wait()
        raise StorageUnavailableError("away")

    async with core.warehouses.use(CALLER.tenant_id) as warehouse:
        monkeypatch.setattr(warehouse, "fence", away)
        for _ in range(2):
            (job,) = await core.jobs.claim("tests", [IMPORT_FILE], 1)
            with pytest.raises(StorageUnavailableError):
                await core.imports.run(job)
            await core.jobs.hand_back(job.job_id, job.attempt)
    copies = core.config.spool_dir / "imports"
    assert [path for path in copies.rglob("*") if path.is_file()] == []


async def test_an_attempt_that_was_overtaken_leaves_the_copy_of_the_next_alone(
    core: Core,
    inbox: Path,
    rows: Rows,
    work: Work,
    die_after_a_chunk: Die,
    copied: asyncio.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (inbox / "big.csv").write_text(BIG)
    begun = await core.services.imports.start(CALLER, NewImport("/in/big.csv", "raw.big"))
    (overtaken,) = await core.jobs.claim("tests", [IMPORT_FILE], 1)
    seen = await core.imports._record(overtaken)
    await core.jobs.hand_back(overtaken.job_id, overtaken.attempt)
    await die_after_a_chunk()
    (inbox / "big.csv").write_text("n,text\n1,other\n")

    async def as_it_was(_: Job) -> FileImport:
        return seen

    copied.clear()

    async def wake_up(import_id: str, attempt: int) -> None:
        await copied.wait()
        raise StaleAttemptError(f"attempt {attempt} of {import_id} was overtaken")

    with monkeypatch.context() as patched:
        patched.setattr(core.imports, "_record", as_it_was)
        async with core.warehouses.use(CALLER.tenant_id) as warehouse:
            patched.setattr(warehouse, "fence", wake_up)
            with pytest.raises(StaleAttemptError):
                await core.imports.run(overtaken)
    await work()
    done = (await _import_of(core, begun.ingestion.request_id)).ingestion
    assert (done.status, done.rows_loaded) == (Status.COMPLETED, 500)
    assert len(await rows("raw.big")) == 500
    assert list((core.config.spool_dir / "imports").iterdir()) == []


async def test_a_file_that_was_overwritten_is_not_held_to_be_taken(
    core: Core, inbox: Path, work: Work, die_after_a_chunk: Die
) -> None:
    (inbox / "big.csv").write_text(BIG)
    new = NewWatch("/in", auto_import=True, stable=timedelta(0), poll=timedelta(seconds=0.1))
    watch = await core.services.folder_watches.watch(CALLER, new)

    async def file_that(is_so: Callable[[StoredFile], bool]) -> StoredFile:
        while True:
            listed = await core.services.files.list(CALLER, FileFilter(watch.watch_id), PAGE)
            for file in listed.page.items:
                if is_so(file):
                    return file
            await asyncio.sleep(0.01)

    async with core.storage.watcher.running(), asyncio.timeout(HALF_A_MINUTE):
        first = await file_that(lambda file: file.status is FileStatus.IMPORTING)
        import_id = await die_after_a_chunk()
        core.imports._sources.drop(import_id)
        (inbox / "big.csv").write_text("n,text\n1,other\n")
        await work()
        assert (await _import_of(core, import_id)).ingestion.status is Status.FAILED
        again = await file_that(lambda file: file.imports == 2)
        assert again.import_id != first.import_id
        await work()
        await file_that(lambda file: file.status is FileStatus.IMPORTED)
