"""Files that wait become imports, on each engine."""

from datetime import timedelta
from typing import Any

import pytest

from headrace_server.core.imports.accepting import IMPORT_FILE, FileImports
from headrace_server.core.storage import taking as module
from headrace_server.core.storage.noticing import noticed
from headrace_server.core.storage.records import Change
from headrace_server.db import file_imports as import_rows
from headrace_server.db.engine import Connection
from headrace_server.model.errors import InvalidFieldError, StorageUnavailableError
from headrace_server.model.file_import import ImportMode, ImportOptions, NewImport
from headrace_server.model.ingestion import Kind, Status
from headrace_server.model.storage import FileInfo, FolderWatch, ImportConfig, OnOverwrite

from .conftest import Share

AT_ONCE = timedelta(0)


async def _watch(share: Share, **asked: Any) -> FolderWatch:
    return await share.watch(auto_import=True, stable=AT_ONCE, recursive=True, **asked)


async def _target(share: Share, name: str) -> str:
    import_id = (await share.stored())[name].import_id or ""
    async with share.store.read() as connection:
        found = await import_rows.find(connection, "acme", import_id)
    assert found is not None
    return found.target_table


async def test_an_import_is_accepted_with_what_the_watch_asks(share: Share) -> None:
    options = ImportOptions(mode=ImportMode.UPSERT, key_columns=("id",), null_values=("-",))
    config = ImportConfig("raw.customers", options)
    watch = await _watch(share, config=config)
    share.write("a.csv")
    await share.look(watch)
    assert await share.taker.take(watch) == 1
    (file,) = (await share.stored()).values()
    assert (file.status.value, file.imports) == ("IMPORTING", 1)
    assert file.taken_fingerprint == file.fingerprint
    async with share.store.read() as connection:
        found = await import_rows.find(connection, "acme", file.import_id or "")
    assert found is not None
    assert (found.file_path, found.target_table) == ("/mnt/share/a.csv", "raw.customers")
    assert (found.options, found.watch_id) == (options, watch.watch_id)
    assert (found.ingestion.kind, found.ingestion.status) == (Kind.IMPORT, Status.PENDING)
    (job,) = await share.jobs.claim("w", [IMPORT_FILE], 10)
    assert job.payload["request_id"] == file.import_id
    assert await share.taker.take(watch) == 0


async def test_files_of_one_table_come_one_after_the_other_oldest_first(share: Share) -> None:
    watch = await _watch(share, config=ImportConfig("raw.all"))
    for name, age in (("a.csv", 1), ("b.csv", 3), ("c.csv", 2)):
        share.write(name, age=age)
    await share.look(watch)
    order = []
    while await share.taker.take(watch):
        assert await share.taker.take(watch) == 0
        (name,) = [n for n, s in (await share.statuses()).items() if s == "IMPORTING"]
        order.append(name)
        await share.end(name, Status.FAILED)
        await share.settler.settle()
    assert order == ["b.csv", "c.csv", "a.csv"]


async def test_tables_do_not_wait_for_each_other(share: Share) -> None:
    watch = await _watch(share)
    # Of a contract's table, whatever stands behind its name; and each of its own.
    for name in ("orders_1.csv", "orders_2.csv", "Stock 1.csv", "Stock 2.csv", "x/Stock-2.csv"):
        share.write(name, age=ord(name[-5]))
    await share.look(watch)
    assert await share.taker.take(watch) == 3
    targets = [await _target(share, n) for n in ("orders_2.csv", "Stock 1.csv", "Stock 2.csv")]
    assert targets == ["orders", "raw.stock_1", "raw.stock_2"]


async def test_not_too_many_are_under_way(share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_IMPORTS", 2)
    watch = await _watch(share)
    for name in "abc":
        share.write(f"{name}.csv")
    await share.look(watch)
    assert await share.taker.take(watch) == 2
    assert await share.taker.take(watch) == 0
    await share.end("a.csv", Status.COMPLETED)
    await share.settler.settle()
    assert await share.taker.take(watch) == 1


async def test_versions_have_tables_of_their_own(share: Share) -> None:
    watch = await _watch(share, on_overwrite=OnOverwrite.NEW_VERSION)
    tables = []
    ends = (Status.FAILED, Status.COMPLETED, Status.COMPLETED_WITH_ERRORS, Status.COMPLETED)
    for number, end in enumerate(ends):
        share.write("a.csv", "x" * (number + 1))
        await share.look(watch, after=1)
        # Changed once more before it is taken, which makes no other version.
        share.write("a.csv", "y" * (number + 10))
        await share.look(watch, after=1)
        assert await share.taker.take(watch) == 1
        tables.append(await _target(share, "a.csv"))
        await share.end("a.csv", end)
        await share.settler.settle()
    assert tables == ["raw.a", "raw.a", "raw.a_v2", "raw.a_v3"]


class Refusing(FileImports):
    """Accepts nothing."""

    async def accept(
        self,
        connection: Connection,
        tenant_id: str,
        new: NewImport,
        import_id: str | None = None,
    ) -> str:
        raise InvalidFieldError.of("target_table", "is no name for a table")


class Away(FileImports):
    """Cannot be reached."""

    async def accept(
        self,
        connection: Connection,
        tenant_id: str,
        new: NewImport,
        import_id: str | None = None,
    ) -> str:
        raise StorageUnavailableError("the control store cannot be reached now")


async def test_what_cannot_be_accepted_has_failed(share: Share) -> None:
    watch = await _watch(share)
    share.write("a.csv")
    await share.look(watch)
    await share.taker.take(watch)
    await share.end("a.csv", Status.COMPLETED)
    await share.settler.settle()
    path = share.write("a.csv", "longer")
    await share.look(watch, after=1)
    with pytest.raises(StorageUnavailableError):
        await share.taker_of(Away).take(watch)
    assert await share.statuses() == {"a.csv": "PENDING"}
    assert await share.taker_of(Refusing).take(watch) == 0
    assert await share.settler.settle() == 0
    (file,) = (await share.stored()).values()
    assert file.status.value == "FAILED"
    assert file.error == "target_table: is no name for a table"
    path.write_text("again")
    assert await share.look(watch, after=1) == {"a.csv": "PENDING"}


async def test_an_import_that_runs_again_is_waited_for(share: Share) -> None:
    watch = await _watch(share)
    share.write("a.csv")
    await share.look(watch)
    await share.taker.take(watch)
    await share.end("a.csv", Status.FAILED)
    await share.settler.settle()
    share.write("a.csv", "longer")
    await share.look(watch, after=1)
    await share.end("a.csv", Status.IN_PROGRESS)
    assert await share.taker.take(watch) == 0
    await share.end("a.csv", Status.COMPLETED)
    assert await share.taker.take(watch) == 1


async def test_a_file_that_changed_since_it_was_read_is_not_taken(share: Share) -> None:
    watch = await _watch(share)
    share.write("a.csv")
    await share.look(watch)
    (file,) = (await share.stored()).values()
    share.write("a.csv", "longer")
    await share.look(watch, after=1)
    await share.taker._take(watch, file, {})
    await share.taker._refuse(watch, file, "late")
    assert await share.statuses() == {"a.csv": "PENDING"}
    assert await share.jobs.claim("w", [IMPORT_FILE], 10) == []


async def test_a_part_that_was_loaded_is_not_loaded_again(share: Share) -> None:
    watch = await _watch(share)
    share.write("a.csv")
    await share.look(watch)
    await share.taker.take(watch)
    (begun,) = (await share.stored()).values()
    (job,) = await share.jobs.claim("w", [IMPORT_FILE], 1)
    async with share.store.begin() as connection:
        await share.jobs.complete(connection, job.job_id, job.attempt)
    await share.end("a.csv", Status.FAILED, rows_loaded=7)
    await share.settler.settle()
    await share.files.retry(share.acme, "/mnt/share/a.csv")
    assert await share.taker.take(watch) == 1
    (file,) = (await share.stored()).values()
    assert (file.status.value, file.import_id, file.imports) == ("IMPORTING", begun.import_id, 1)
    (again,) = await share.jobs.claim("w", [IMPORT_FILE], 10)
    assert (again.job_id, again.attempt) == (job.job_id, 2)
    assert await share.taker.take(watch) == 0


async def test_an_import_that_somebody_ran_again_himself_is_not_followed_by_another(
    share: Share,
) -> None:
    watch = await _watch(share)
    share.write("a.csv")
    await share.look(watch)
    await share.taker.take(watch)
    await share.end("a.csv", Status.FAILED)
    await share.settler.settle()
    await share.files.retry(share.acme, "/mnt/share/a.csv")
    await share.end("a.csv", Status.COMPLETED, rows_loaded=7)
    assert await share.taker.take(watch) == 0
    await share.settler.settle()
    (file,) = (await share.stored()).values()
    assert (file.status.value, file.imports) == ("IMPORTED", 1)


async def test_a_watch_that_was_stopped_or_changed_takes_nothing_more(share: Share) -> None:
    watch = await _watch(share, config=ImportConfig("raw.old"))
    share.write("a.csv")
    await share.look(watch)
    changed = await _watch(share, config=ImportConfig("raw.new"))
    await share.taker.take(watch)
    assert await share.statuses() == {"a.csv": "PENDING"}
    await share.watches.stop(share.acme, watch.watch_id)
    await share.taker.take(changed)
    assert await share.statuses() == {"a.csv": "PENDING"}
    assert await share.jobs.claim("w", [IMPORT_FILE], 10) == []


async def test_a_name_may_be_as_long_as_a_bucket_allows(share: Share) -> None:
    watch = await _watch(share)
    path = f"/mnt/share/{'n' * 1000}.csv"
    info = FileInfo("", 1, share.now, "1")
    async with share.records.changing("acme") as writing:
        await writing.write([Change(None, noticed(watch, path, info, share.now))])
    assert await share.taker.take(watch) == 1
    (file,) = (await share.stored()).values()
    assert file.status.value == "IMPORTING"
