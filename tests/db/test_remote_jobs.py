from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from headrace_server.core.jobs.changes import queued
from headrace_server.db import jobs, remote_jobs, tables
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.model.job import JobStatus, NewJob
from headrace_server.model.remote_job import NewRemoteJob, RemoteJob, RemoteResult, kind_of

NEW = NewRemoteJob("/talk.mp3", "audio", {"language": "en"}, ingestion_task_id="label")


async def put(
    connection: Connection,
    now: datetime,
    new: NewRemoteJob = NEW,
    tenant_id: str = "acme",
    open_ingestions: tuple[str, ...] = (),
    **values: Any,
) -> str:
    """Queue a job, with columns of the queue's changed; return its id."""
    stored = queued(NewJob(kind_of(new.content_type), tenant_id, {}), now)
    await jobs.insert(connection, stored)
    await remote_jobs.insert(connection, [stored.job], [new], open_ingestions)
    if values:
        await jobs.update(connection, stored.job.job_id, values)
    return stored.job.job_id


async def found(connection: Connection, job_id: str) -> RemoteJob:
    record = await remote_jobs.find(connection, "acme", job_id)
    assert record is not None
    return record


async def test_a_job_comes_back_as_it_was(store: ControlStore, now: datetime) -> None:
    async with store.begin() as connection:
        job_id = await put(connection, now)
        record = await found(connection, job_id)
        assert (record.content_type, record.source_file_path) == ("audio", "/talk.mp3")
        assert (record.task_options, record.ingestion_task_id) == ({"language": "en"}, "label")
        assert (record.checkpoint, record.worker_id, record.result) == (None, None, None)
        assert (record.revision, record.ingestion_continued, record.terminal) == (1, False, False)
        assert (record.job.job_id, record.job.created_at) == (job_id, now)


async def test_others_jobs_are_not_there(store: ControlStore, now: datetime) -> None:
    async with store.begin() as connection:
        job_id = await put(connection, now)
        assert await remote_jobs.find(connection, "globex", job_id) is None
        assert await remote_jobs.find_stored(connection, "globex", job_id) is None
        assert await remote_jobs.lock(connection, "globex", [job_id]) == {}
        found_by = await remote_jobs.lock(connection, "acme", [job_id, "nothing"])
        assert {key: record.job.job_id for key, (_, record) in found_by.items()} == {job_id: job_id}


async def test_changes_raise_the_revision(store: ControlStore, now: datetime) -> None:
    async with store.begin() as connection:
        first, other = await put(connection, now), await put(connection, now)
        before = await found(connection, other)
        await remote_jobs.change(connection, [first], {"checkpoint": {"page": 3}})
        await remote_jobs.change(connection, [first])
        changed = await found(connection, first)
        assert (changed.revision, changed.checkpoint) == (3, {"page": 3})
        assert await found(connection, other) == before


async def test_each_result_goes_to_its_job(store: ControlStore, now: datetime) -> None:
    async with store.begin() as connection:
        ids = [await put(connection, now) for _ in range(3)]
        results = [
            RemoteResult("text", {"pages": 2, "title": "\u00fc"}, 1.5),
            RemoteResult(upload_token="token"),  # noqa: S106  # a token in name only
        ]
        await remote_jobs.complete(
            connection, {ids[0]: (results[0], True), ids[1]: (results[1], False)}
        )
        records = [await found(connection, each) for each in ids]
        assert [record.result for record in records] == [*results, None]
        assert [record.ingestion_continued for record in records] == [True, False, False]
        assert [record.revision for record in records] == [2, 2, 1]


async def test_who_names_an_open_ingestion_holds_it_to_the_end(
    store: ControlStore, now: datetime
) -> None:
    async def holding(connection: Connection) -> set[str]:
        columns = tables.remote_jobs.c
        rows = await connection.execute(select(columns.job_id).where(columns.holds == "label"))
        return set(rows.scalars())

    async with store.begin() as connection:
        completed, dead = [await put(connection, now, NEW, "acme", ("label",)) for _ in range(2)]
        await put(connection, now, replace(NEW, ingestion_task_id="other"), "acme", ("label",))
        nameless = await put(connection, now, replace(NEW, ingestion_task_id=""))
        assert await holding(connection) == {completed, dead}
        await remote_jobs.complete(connection, {completed: (RemoteResult("x"), True)})
        assert await holding(connection) == {dead}
        assert await remote_jobs.end(connection, [dead, nameless]) == {"label"}
        assert await holding(connection) == set()
        assert (await found(connection, dead)).revision == 2


async def test_pages_are_in_order(store: ControlStore, now: datetime) -> None:
    async with store.begin() as connection:
        made = [await put(connection, now + timedelta(seconds=n // 2)) for n in range(6)]
        await put(connection, now, tenant_id="globex")
        film = await put(connection, now, replace(NEW, content_type="video"), status="FAILED")
        seen: list[RemoteJob] = []
        after = None
        while page := await remote_jobs.page(
            connection, "acme", status=None, content_type="audio", after=after, limit=4
        ):
            seen += page
            after = page[-1].job.created_at, page[-1].job.job_id
        assert sorted(each.job.job_id for each in seen) == sorted(made)
        instants = [each.job.created_at for each in seen]
        assert instants == sorted(instants, reverse=True)
        failed = await remote_jobs.page(
            connection, "acme", status=JobStatus.FAILED, content_type="", after=None, limit=9
        )
        assert [each.job.job_id for each in failed] == [film]


async def test_the_newest_durations(store: ControlStore, now: datetime) -> None:
    async with store.begin() as connection:
        for seconds in (30, 10, 20):
            await put(
                connection, now, status="COMPLETED", started_at=now,
                completed_at=now + timedelta(seconds=seconds),
            )  # fmt: skip
        await put(connection, now, status="RUNNING", started_at=now)
        kind = kind_of("audio")
        newest = await remote_jobs.durations(connection, "acme", kind, 2)
        assert [each.total_seconds() for each in newest] == [30, 20]
        assert await remote_jobs.durations(connection, "globex", kind, 2) == []


async def test_old_ends_are_found_in_every_tenant(store: ControlStore, now: datetime) -> None:
    old, late = now - timedelta(days=9), now - timedelta(days=1)
    async with store.begin() as connection:
        ours = await put(connection, old, status="FAILED", completed_at=old)
        theirs = await put(connection, old, tenant_id="globex", status="FAILED", completed_at=old)
        await put(connection, old, status="FAILED", completed_at=late)
        await put(connection, old)
        found = await remote_jobs.ended_before(connection, now - timedelta(days=7), 10)
        assert sorted(found) == [("acme", ours), ("globex", theirs)]
        assert len(await remote_jobs.ended_before(connection, now - timedelta(days=7), 1)) == 1
        await remote_jobs.delete(connection, [ours])
        assert await remote_jobs.find(connection, "acme", ours) is None
        assert await jobs.find(connection, ours) is None
