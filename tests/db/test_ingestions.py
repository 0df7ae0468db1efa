import asyncio
from dataclasses import fields, replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy.exc import NoResultFound

from headrace_server.db import ingestions
from headrace_server.db.engine import ControlStore
from headrace_server.model.ingestion import OPEN, Ingestion, IngestionFile, Kind, Status
from headrace_server.model.job import Priority


async def _insert(store: ControlStore, ingestion: Ingestion, *files: IngestionFile) -> None:
    async with store.begin() as connection:
        await ingestions.insert(connection, ingestion, f"job-{ingestion.request_id}", files)


async def test_an_ingestion_comes_back_as_it_was(
    store: ControlStore, ingestion: Ingestion, file: IngestionFile
) -> None:
    second = replace(file, file_no=1, error="broken", status=Status.FAILED)
    await _insert(store, ingestion, second, file)
    async with store.read() as connection:
        assert await ingestions.find(connection, "acme", "r1") == ingestion
        assert await ingestions.find(connection, "globex", "r1") is None
        assert await ingestions.find_in_any_tenant(connection, "r1") == ingestion
        assert await ingestions.find_in_any_tenant(connection, "none") is None
        assert await ingestions.files(connection, "r1") == [file, second]
        assert await ingestions.files(connection, "none") == []
        assert await ingestions.job_id(connection, "r1") == "job-r1"
        with pytest.raises(NoResultFound):
            await ingestions.job_id(connection, "none")


async def test_every_field_can_be_updated(
    store: ControlStore, ingestion: Ingestion, now: datetime
) -> None:
    await _insert(store, ingestion)
    new = Ingestion(
        request_id="r1",
        tenant_id="acme",
        kind=Kind.FILES,
        status=Status.COMPLETED_WITH_ERRORS,
        priority=Priority.HIGH,
        total_units=3,
        processed_units=4,
        failed_units=5,
        rows_loaded=2**40,
        rows_rejected=2**41,
        rows_parked=2**42,
        bytes_total=2**43,
        bytes_processed=2**44,
        details="words",
        revision=2,
        replays=6,
        created_at=now,
        started_at=now + timedelta(seconds=1),
        completed_at=now + timedelta(seconds=2),
    )
    values = {field.name: getattr(new, field.name) for field in fields(new)}
    del values["request_id"], values["revision"]
    async with store.begin() as connection:
        updated = await ingestions.update_ingestion(connection, "r1", OPEN, **values)
        assert updated == new
        assert await ingestions.find(connection, "acme", "r1") == new


async def test_an_update_that_comes_too_late_changes_nothing(
    store: ControlStore, ingestion: Ingestion
) -> None:
    await _insert(store, ingestion)
    async with store.begin() as connection:
        update = ingestions.update_ingestion
        assert await update(connection, "r1", {Status.IN_PROGRESS}, details="x") is None
        assert await update(connection, "r1", OPEN, revision=2, details="x") is None
        assert await update(connection, "none", OPEN, details="x") is None
        assert await ingestions.find(connection, "acme", "r1") == ingestion
        updated = await update(connection, "r1", OPEN, revision=1, details="x")
        assert updated == replace(ingestion, details="x", revision=2)


async def test_revisions_rise_by_one_with_each_of_many_updates(
    store: ControlStore, ingestion: Ingestion
) -> None:
    await _insert(store, ingestion)

    async def update() -> int:
        async with store.begin() as connection:
            updated = await ingestions.update_ingestion(connection, "r1", OPEN)
        assert updated is not None
        return updated.revision

    revisions = await asyncio.gather(*(update() for _ in range(20)))
    assert sorted(revisions) == list(range(2, 22))


async def test_pages_are_newest_first_without_gap_or_repeat(
    store: ControlStore, ingestion: Ingestion, now: datetime
) -> None:
    async with store.begin() as connection:
        for number in range(11):
            record = replace(
                ingestion,
                request_id=f"r{number:02}",
                created_at=now + timedelta(microseconds=number // 3),
                status=Status.FAILED if number % 2 else Status.PENDING,
            )
            await ingestions.insert(connection, record, "j", [])
        await ingestions.insert(
            connection, replace(ingestion, request_id="x", tenant_id="globex"), "j", []
        )
    expected = [f"r{n:02}" for n in sorted(range(11), key=lambda n: (-(n // 3), n))]
    assert await _pages(store, None) == expected
    failed = [name for name in expected if int(name[1:]) % 2]
    assert await _pages(store, Status.FAILED) == failed


async def _pages(store: ControlStore, status: Status | None) -> list[str]:
    listed: list[str] = []
    after = None
    async with store.read() as connection:
        while page := await ingestions.page(
            connection, "acme", status=status, after=after, limit=2
        ):
            listed += [each.request_id for each in page]
            after = page[-1].created_at, page[-1].request_id
    return listed


async def test_open_ingestions_of_all_tenants_are_counted(
    store: ControlStore, ingestion: Ingestion
) -> None:
    for number, status in enumerate(Status):
        await _insert(
            store,
            replace(
                ingestion,
                request_id=f"r{number}",
                status=status,
                tenant_id=("acme", "globex")[number % 2],
            ),
        )
    async with store.read() as connection:
        assert await ingestions.count_active(connection) == 2


async def test_files_are_updated_one_by_one(
    store: ControlStore, ingestion: Ingestion, file: IngestionFile
) -> None:
    other = replace(file, file_no=1)
    await _insert(store, ingestion, file, other)
    new = IngestionFile(
        request_id="r1",
        file_no=0,
        file_name="b.ndjson",
        data_type="customers",
        upload_id="u9",
        status=Status.COMPLETED_WITH_ERRORS,
        bytes_total=2**41,
        bytes_processed=2**42,
        rows_loaded=2**43,
        rows_rejected=2**44,
        rows_parked=2**45,
        error="words",
    )
    async with store.begin() as connection:
        await ingestions.update_file(connection, new)
        assert await ingestions.files(connection, "r1") == [new, other]


async def test_open_files_end_and_failed_ones_open_again(
    store: ControlStore, ingestion: Ingestion, file: IngestionFile
) -> None:
    files = [
        replace(file, file_no=number, status=status, error="old")
        for number, status in enumerate(Status)
    ]
    await _insert(store, ingestion, *files)
    async with store.begin() as connection:
        await ingestions.end_open_files(connection, "r1", Status.CANCELLED)
        statuses = [each.status for each in await ingestions.files(connection, "r1")]
        ended = [Status.CANCELLED if s in OPEN else s for s in Status]
        assert statuses == ended
        await ingestions.reopen_files(connection, "r1")
        reopened = await ingestions.files(connection, "r1")
    again = {Status.FAILED, Status.CANCELLED}
    assert [each.status for each in reopened] == [
        Status.PENDING if status in again else status for status in ended
    ]
    assert [each.error for each in reopened] == [
        None if status in again else "old" for status in ended
    ]
