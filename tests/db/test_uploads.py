import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import event, select, text

from headrace_server.core.jobs.changes import queued
from headrace_server.db import ingestions, jobs, remote_jobs, tables, uploads
from headrace_server.db.engine import ControlStore
from headrace_server.model.ingestion import Ingestion, Status
from headrace_server.model.job import NewJob
from headrace_server.model.remote_job import NewRemoteJob
from headrace_server.model.upload import Segment, Upload, UploadStatus

LATER = datetime.fromisoformat("2026-04-01T00:00:00+00:00")


async def test_an_upload_comes_back_as_it_was(store: ControlStore, upload: Upload) -> None:
    bare = replace(upload, upload_id="u2", total_bytes=None, sha256=None)
    async with store.begin() as connection:
        for each in (upload, bare):
            await uploads.insert(connection, each)
            assert await uploads.find(connection, "acme", each.upload_id) == each
        assert await uploads.find(connection, "globex", "u1") is None
        assert await uploads.find(connection, "acme", "none") is None
        assert await uploads.segments(connection, "u1") == []


async def test_each_writer_begins_where_the_bytes_end(store: ControlStore, upload: Upload) -> None:
    async with store.begin() as connection:
        await uploads.insert(connection, upload)
        assert await uploads.take_writer(connection, "u1") == replace(upload, writer=1)
        done = await uploads.acknowledge(connection, "u1", 1, 2**33, LATER)
        assert done == replace(upload, writer=1, offset=2**33, expires_at=LATER)
        assert await uploads.take_writer(connection, "u1") == replace(done, writer=2)
        # A writer that died before its first byte leaves nothing.
        assert await uploads.take_writer(connection, "u1") == replace(done, writer=3)
        done = await uploads.acknowledge(connection, "u1", 3, 5, LATER)
        assert done is not None
        assert done.offset == 2**33 + 5
        assert await uploads.segments(connection, "u1") == [
            Segment(1, 0, 2**33),
            Segment(3, 2**33, 5),
        ]


async def test_an_older_writer_changes_nothing(store: ControlStore, upload: Upload) -> None:
    async with store.begin() as connection:
        await uploads.insert(connection, upload)
        await uploads.take_writer(connection, "u1")
        await uploads.acknowledge(connection, "u1", 1, 10, LATER)
        await uploads.take_writer(connection, "u1")
        before = await uploads.find(connection, "acme", "u1")
        assert await uploads.acknowledge(connection, "u1", 1, 20, LATER) is None
        assert await uploads.find(connection, "acme", "u1") == before


async def test_acknowledged_bytes_never_shrink(store: ControlStore, upload: Upload) -> None:
    async with store.begin() as connection:
        await uploads.insert(connection, upload)
        await uploads.take_writer(connection, "u1")
        assert await uploads.acknowledge(connection, "u1", 1, 10, LATER)
        assert await uploads.acknowledge(connection, "u1", 1, 9, LATER) is None
        assert await uploads.acknowledge(connection, "u1", 1, 10, LATER)


async def test_whatever_writers_do_segments_follow_one_another(
    store: ControlStore, upload: Upload
) -> None:
    """Against the sums of a plain dictionary, over a random history of writers."""
    random = Random(7)  # noqa: S311  # repeatable
    lengths: dict[int, int] = {}
    async with store.begin() as connection:
        await uploads.insert(connection, upload)
        for _ in range(60):
            newest = len(lengths)
            if not newest or random.random() < 0.2:
                taken = await uploads.take_writer(connection, "u1")
                assert taken is not None
                assert (taken.writer, taken.offset) == (newest + 1, sum(lengths.values()))
                lengths[newest + 1] = 0
                continue
            writer, length = random.randint(max(1, newest - 1), newest), random.randint(0, 50)
            done = await uploads.acknowledge(connection, "u1", writer, length, LATER)
            if writer == newest and length >= lengths[writer]:
                lengths[writer] = length
                assert done is not None
                assert done.offset == sum(lengths.values())
            else:
                assert done is None
        end = 0
        for segment in await uploads.segments(connection, "u1"):
            assert (segment.start, segment.length) == (end, lengths[segment.writer])
            end += segment.length
    assert end == sum(lengths.values())


async def test_a_takeover_and_an_acknowledgement_at_once_agree(
    store: ControlStore, upload: Upload
) -> None:
    """Whichever is first: the new segment begins behind what was acknowledged."""
    for number in range(10):
        upload_id = f"u{number}"
        async with store.begin() as connection:
            await uploads.insert(connection, replace(upload, upload_id=upload_id))
            await uploads.take_writer(connection, upload_id)
        acknowledged, taken = await asyncio.gather(
            _acknowledge(store, upload_id), _take(store, upload_id)
        )
        assert taken is not None
        assert taken.offset == (10 if acknowledged else 0)
        async with store.read() as connection:
            now = await uploads.find(connection, "acme", upload_id)
        assert now is not None
        assert now.offset == taken.offset


async def _acknowledge(store: ControlStore, upload_id: str) -> Upload | None:
    async with store.begin() as connection:
        return await uploads.acknowledge(connection, upload_id, 1, 10, LATER)


async def _take(store: ControlStore, upload_id: str) -> Upload | None:
    async with store.begin() as connection:
        return await uploads.take_writer(connection, upload_id)


async def test_nobody_writes_to_an_upload_that_is_not_there(store: ControlStore) -> None:
    assert await _take(store, "none") is None


async def test_a_complete_upload_takes_no_more(store: ControlStore, upload: Upload) -> None:
    async with store.begin() as connection:
        await uploads.insert(connection, upload)
        await uploads.take_writer(connection, "u1")
        assert await uploads.complete(connection, "u1", "r1")
        assert not await uploads.complete(connection, "u1", "r2")
        assert not await uploads.fail(connection, "u1", 1)
        assert not await uploads.reopen(connection, "u1")
        assert not await uploads.delete_incomplete(connection, "u1")
        assert await uploads.take_writer(connection, "u1") is None
        assert await uploads.acknowledge(connection, "u1", 1, 10, LATER) is None
        assert await uploads.find(connection, "acme", "u1") == replace(
            upload, writer=1, status=UploadStatus.COMPLETED, request_id="r1"
        )


async def test_a_failed_upload_is_opened_again(store: ControlStore, upload: Upload) -> None:
    async with store.begin() as connection:
        await uploads.insert(connection, upload)
        await uploads.take_writer(connection, "u1")
        await uploads.acknowledge(connection, "u1", 1, 10, LATER)
        assert not await uploads.fail(connection, "u1", 0)
        assert await uploads.fail(connection, "u1", 1)
        assert await uploads.take_writer(connection, "u1") is None
        assert not await uploads.complete(connection, "u1", "r1")
        await uploads.delete_segments(connection, "u1")
        assert await uploads.reopen(connection, "u1")
        again = await uploads.take_writer(connection, "u1")
        assert again is not None
        assert (again.status, again.writer, again.offset) == (UploadStatus.OPEN, 2, 0)


async def test_what_expired_is_listed_and_deleted(
    store: ControlStore, upload: Upload, now: datetime
) -> None:
    async with store.begin() as connection:
        for number in range(4):
            await uploads.insert(connection, replace(upload, upload_id=f"u{number}"))
            await uploads.take_writer(connection, f"u{number}")
        await uploads.complete(connection, "u0", "r1")
        await uploads.acknowledge(connection, "u1", 1, 10, LATER)
        assert await uploads.expired(connection, now, 9) == []
        expired = await uploads.expired(connection, upload.expires_at, 9)
        assert {each.upload_id for each in expired} == {"u2", "u3"}
        assert len(await uploads.expired(connection, upload.expires_at, 1)) == 1
        assert not await uploads.delete_incomplete(connection, "u1", expired_at=upload.expires_at)
        assert await uploads.delete_incomplete(connection, "u2", expired_at=upload.expires_at)
        assert await uploads.find(connection, "acme", "u2") is None
        left = await connection.execute(select(tables.upload_segments.c.upload_id))
        assert sorted(left.scalars()) == ["u0", "u1", "u3"]


async def test_uploads_of_ended_ingestions_are_listed(
    store: ControlStore, upload: Upload, ingestion: Ingestion, now: datetime
) -> None:
    async with store.begin() as connection:
        for number, ended in enumerate((None, now, now + timedelta(days=1))):
            await uploads.insert(connection, replace(upload, upload_id=f"u{number}"))
            await uploads.complete(connection, f"u{number}", f"r{number}")
            status = Status.COMPLETED if ended else Status.IN_PROGRESS
            record = replace(ingestion, request_id=f"r{number}", status=status, completed_at=ended)
            await ingestions.insert(connection, record, "j", [])
        found = await uploads.ended_before(connection, now + timedelta(hours=1), limit=9)
        assert [each.upload_id for each in found] == ["u1"]


async def put_kept(store: ControlStore, upload: Upload, upload_id: str, **changes: object) -> None:
    """Put an upload that is complete and only kept."""
    kept = replace(upload, upload_id=upload_id, data_type="", status=UploadStatus.COMPLETED)
    async with store.begin() as connection:
        await uploads.insert(connection, replace(kept, **changes))  # type: ignore[arg-type]  # checked by the record


async def put_job(store: ControlStore, upload: Upload, job_id: str, source: str) -> None:
    stored = queued(NewJob("remote:audio", "acme", {}), upload.created_at)
    job = replace(stored.job, job_id=job_id)
    async with store.begin() as connection:
        await jobs.insert(connection, replace(stored, job=job))
        await remote_jobs.insert(connection, [job], [NewRemoteJob(source, "audio")])


async def test_kept_uploads_run_out_unless_a_job_needs_them(
    store: ControlStore, upload: Upload
) -> None:
    for name in ("unused", "source", "result", "orphan"):
        await put_kept(store, upload, name)
    await put_kept(store, upload, "theirs", tenant_id="globex")
    await put_kept(store, upload, "late", expires_at=LATER)
    await put_kept(store, upload, "loaded", data_type="orders")
    await put_kept(store, upload, "open", status=UploadStatus.OPEN)
    await put_job(store, upload, "j1", "source")
    async with store.begin() as connection:
        assert await uploads.make_result(connection, "acme", "result", "j1", 1)
        assert await uploads.make_result(connection, "acme", "orphan", "gone", 1)
        found = await uploads.kept_before(connection, LATER, limit=10)
        assert {each.upload_id for each in found} == {"unused", "orphan", "theirs"}
        assert len(await uploads.kept_before(connection, LATER, limit=1)) == 1
        assert await uploads.kept_before(connection, upload.expires_at, limit=10) == []


async def test_kept_uploads_are_found_by_indexes(store: ControlStore, now: datetime) -> None:
    """However many remote jobs there are: SQLite's other writers wait meanwhile."""
    statements: list[tuple[str, Any]] = []
    async with store.begin() as connection:
        event.listen(
            connection.sync_connection,
            "before_cursor_execute",
            lambda _connection, _cursor, statement, parameters, *_: statements.append(
                (statement, parameters)
            ),
        )
        await uploads.kept_before(connection, now, 5)
        await uploads.delete_results(connection, ["j1"])
        executed = list(statements)
        if store.dialect == "postgresql":
            for scan in ("seqscan", "hashjoin", "mergejoin"):
                await connection.execute(text(f"SET LOCAL enable_{scan} = off"))
        plans = []
        for statement, parameters in executed:
            explain = "EXPLAIN QUERY PLAN " if store.dialect == "sqlite" else "EXPLAIN "
            rows = await connection.exec_driver_sql(explain + statement, parameters)
            plans.append("\n".join(str(row) for row in rows))
    assert ["ix_remote_jobs_of_source" in plan for plan in plans] == [True, True, False]


async def test_a_result_that_is_a_source_too_outlives_its_job(
    store: ControlStore, upload: Upload
) -> None:
    for name in ("shared", "own"):
        await put_kept(store, upload, name)
        await put_job(store, upload, f"made-{name}", "/a")
        async with store.begin() as connection:
            assert await uploads.make_result(connection, "acme", name, f"made-{name}", 1)
    await put_job(store, upload, "next", "shared")
    async with store.begin() as connection:
        assert await uploads.delete_results(connection, ["made-shared", "made-own"]) == ["own"]
        found = await uploads.find(connection, "acme", "shared")
        assert found is not None
        assert (found.job_id, found.job_attempt) == (None, None)
        assert await uploads.kept_before(connection, LATER, limit=10) == []
        # The last that needs it goes: so does the upload.
        await remote_jobs.delete(connection, ["next"])
        assert len(await uploads.kept_before(connection, LATER, limit=10)) == 1


async def test_an_upload_is_the_result_of_one_attempt(store: ControlStore, upload: Upload) -> None:
    await put_kept(store, upload, "kept")
    await put_kept(store, upload, "begun", job_id="j1", job_attempt=2)
    await put_kept(store, upload, "loaded", data_type="orders")
    await put_kept(store, upload, "open", status=UploadStatus.OPEN)
    async with store.begin() as connection:
        for name in ("loaded", "open", "nothing"):
            assert not await uploads.make_result(connection, "acme", name, "j1", 1)
        assert not await uploads.make_result(connection, "globex", "kept", "j1", 1)
        for _ in range(2):
            assert await uploads.make_result(connection, "acme", "kept", "j1", 1)
        assert not await uploads.make_result(connection, "acme", "kept", "j1", 2)
        assert not await uploads.make_result(connection, "acme", "kept", "j2", 1)
        assert not await uploads.make_result(connection, "acme", "begun", "j1", 1)
        assert await uploads.make_result(connection, "acme", "begun", "j1", 2)
        found = await uploads.find(connection, "acme", "begun")
        assert found is not None
        assert (found.job_id, found.job_attempt) == ("j1", 2)
        assert sorted(await uploads.delete_results(connection, ["j1", "j2"])) == ["begun", "kept"]
        assert await uploads.find(connection, "acme", "kept") is None
