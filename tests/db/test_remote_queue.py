import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from headrace_server.db import jobs, remote_jobs, tables
from headrace_server.db.engine import ControlStore
from headrace_server.db.jobs import StoredJob
from headrace_server.db.postgres_pool import PostgresPool
from headrace_server.db.remote_queue import RemoteQueue, open_remote_queue
from headrace_server.db.remote_queue_postgres import PostgresRemoteQueue
from headrace_server.model.errors import StorageUnavailableError
from headrace_server.model.job import Clocks, Job, JobStatus, Priority
from headrace_server.model.remote_job import NewRemoteJob, RemoteResult, Submission

CLOCKS = Clocks(lease=timedelta(seconds=60), attempt=timedelta(seconds=900))
#: bytes of JSON in a claim
MOST = 1 << 30
OPTIONS = {"language": "Grüße", "parts": [1, None, {"deep": 0.5}]}


@pytest.fixture
async def queue(store: ControlStore) -> AsyncIterator[RemoteQueue]:
    queue = open_remote_queue(store)
    yield queue
    await queue.close()


def waiting(
    job_id: str, now: datetime, kind: str = "remote:audio", priority: Priority = Priority.MEDIUM
) -> StoredJob:
    job = Job(
        job_id=job_id,
        kind=kind,
        tenant_id="acme",
        payload={},
        priority=priority,
        status=JobStatus.PENDING,
        attempt=0,
        failures=0,
        max_retries=3,
        worker_id=None,
        lease_expires_at=None,
        attempt_expires_at=None,
        available_at=now,
        last_error=None,
        created_at=now,
        started_at=None,
        completed_at=None,
    )
    return StoredJob(job, CLOCKS, expires_at=None, readable=True)


async def put(queue: RemoteQueue, now: datetime, *stored: StoredJob) -> list[Job]:
    new = [
        NewRemoteJob("/a", each.job.kind.partition(":")[2], OPTIONS, priority=each.job.priority)
        for each in stored
    ]
    return await queue.insert(stored, new, now)


async def test_what_it_writes_is_what_the_statements_read(
    store: ControlStore, queue: RemoteQueue, now: datetime
) -> None:
    made = await put(queue, now, waiting("j1", now, priority=Priority.LOW))
    async with store.read() as connection:
        found = await remote_jobs.find_stored(connection, "acme", "j1")
    assert found is not None
    stored, record = found
    assert [stored] == [StoredJob(made[0], CLOCKS, expires_at=None, readable=True)]
    assert (record.content_type, record.source_file_path) == ("audio", "/a")
    assert (record.task_options, record.ingestion_task_id, record.revision) == (OPTIONS, "", 1)
    async with store.read() as connection:
        heads = await jobs.waiting_heads(connection, ["remote:audio"], now)
    assert [head.rank for head in heads] == [jobs.rank_of(now, Priority.LOW)]


async def test_a_claim_takes_no_more_than_it_may_carry(
    store: ControlStore, queue: RemoteQueue, now: datetime
) -> None:
    at = [now + timedelta(seconds=place) for place in range(4)]
    for place, moment in enumerate(at):
        stored = waiting(f"j{place}", moment)
        new = NewRemoteJob("/a", "audio", {"text": "ß" * 500}, priority=stored.job.priority)
        await queue.insert([stored], [new], moment)
    async with store.begin() as connection:
        await connection.execute(
            tables.remote_jobs.update()
            .where(tables.remote_jobs.c.job_id == "j2")
            .values(checkpoint={"text": "x" * 3000})
        )
    kinds = ["remote:audio"]

    async def claimed(most: int) -> list[str]:
        found = await queue.claim("acme", kinds, ["w1"] * 9, most, at[-1])
        return [each.job.job_id for each in found]

    assert await claimed(8000) == ["j0", "j1"]
    assert await claimed(100) == ["j2"]
    assert await claimed(MOST) == ["j3"]


async def test_a_claim_is_what_is_stored_then(
    store: ControlStore, queue: RemoteQueue, now: datetime
) -> None:
    await put(queue, now, waiting("j1", now))
    (claimed,) = await queue.claim("acme", ["remote:audio"], ["w1"], MOST, now)
    assert claimed.job.lease_expires_at == now + CLOCKS.lease
    assert claimed.job.attempt_expires_at == now + CLOCKS.attempt
    assert (claimed.job.worker_id, claimed.worker_id) == ("w1", "w1")
    async with store.read() as connection:
        assert await remote_jobs.find(connection, "acme", "j1") == claimed
    assert await queue.claim("acme", ["remote:audio"], ["w2"], MOST, now) == []


async def test_claims_go_by_rank_over_all_kinds(queue: RemoteQueue, now: datetime) -> None:
    later = now + timedelta(seconds=1)
    await put(queue, now, waiting("low", now, priority=Priority.LOW), waiting("first", now))
    await put(queue, later, waiting("video", later, "remote:video"), waiting("second", later))
    await put(queue, later, waiting("high", later, "remote:video", Priority.HIGH))
    kinds = ["remote:audio", "remote:video", "remote:none"]
    claimed = await queue.claim("acme", kinds, ["w1", "w2"], MOST, later)
    assert [each.job.job_id for each in claimed] == ["high", "first"]
    assert [each.job.worker_id for each in claimed] == ["w1", "w2"]
    claimed = await queue.claim("acme", kinds, ["w"] * 5, MOST, later)
    assert {each.job.job_id for each in claimed} == {"video", "second", "low"}


async def test_other_tenants_get_nothing(queue: RemoteQueue, now: datetime) -> None:
    await put(queue, now, waiting("j1", now))
    assert await queue.claim("globex", ["remote:audio"], ["w1"], MOST, now) == []
    await queue.claim("acme", ["remote:audio"], ["w1"], MOST, now)
    assert await queue.complete("globex", [success("j1", 1)], now) == set()


async def test_jobs_that_wait_for_their_time_are_passed_over(
    queue: RemoteQueue, now: datetime
) -> None:
    await put(queue, now, waiting("j1", now))
    early = now - timedelta(microseconds=1)
    assert await queue.claim("acme", ["remote:audio"], ["w1"], MOST, early) == []


async def test_only_held_claims_complete(
    store: ControlStore, queue: RemoteQueue, now: datetime
) -> None:
    await put(queue, now, *(waiting(f"j{n}", now) for n in range(4)))
    claimed = await queue.claim("acme", ["remote:audio"], ["w1"] * 3, MOST, now)
    held, stale, late = (each.job.job_id for each in claimed)
    (left,) = {"j0", "j1", "j2", "j3"} - {held, stale, late}
    over = now + CLOCKS.lease
    assert await queue.complete("acme", [success(late, 1)], over) == set()
    taken = [success(held, 1), success(stale, 2), success(left, 0), success("none", 1)]
    assert await queue.complete("acme", taken, over - timedelta(microseconds=1)) == {held}
    assert await queue.complete("acme", [success(held, 1)], now) == set()
    async with store.read() as connection:
        record = await remote_jobs.find(connection, "acme", held)
    assert record is not None
    assert record.result == RemoteResult("text", {"pages": 2}, 0.5)
    assert (record.job.status, record.job.worker_id) == (JobStatus.COMPLETED, None)
    assert (record.worker_id, record.revision) == ("w1", 3)


def success(job_id: str, attempt: int) -> Submission:
    result = RemoteResult("text", {"pages": 2}, 0.5)
    return Submission(job_id, attempt, success=True, result=result)


async def test_jobs_of_ingestions_are_left_to_the_careful_way(
    store: ControlStore, queue: RemoteQueue, now: datetime
) -> None:
    stored = waiting("j1", now)
    async with store.begin() as connection:
        await jobs.insert(connection, stored)
        new = NewRemoteJob("/a", "audio", ingestion_task_id="r1")
        await remote_jobs.insert(connection, [stored.job], [new])
    await queue.claim("acme", ["remote:audio"], ["w1"], MOST, now)
    assert await queue.complete("acme", [success("j1", 1)], now) == set()


async def test_each_job_is_given_out_once(queue: RemoteQueue, now: datetime) -> None:
    await put(queue, now, *(waiting(f"j{n}", now) for n in range(40)))
    polls = [queue.claim("acme", ["remote:audio"], [f"w{n}"] * 3, MOST, now) for n in range(20)]
    claimed = [each.job.job_id for found in await asyncio.gather(*polls) for each in found]
    assert sorted(claimed) == sorted(f"j{n}" for n in range(40))


async def test_the_clock_of_the_database_is_used_where_none_is_given(queue: RemoteQueue) -> None:
    before = datetime.now(UTC)
    stored = waiting("j1", before)
    (made,) = await queue.insert([stored], [NewRemoteJob("/a", "audio")], None)
    (claimed,) = await queue.claim("acme", ["remote:audio"], ["w1"], MOST, None)
    assert claimed.job.started_at is not None
    assert before <= made.created_at <= claimed.job.started_at <= datetime.now(UTC)
    assert await queue.complete("acme", [success("j1", 1)], None) == {"j1"}


async def test_a_failed_write_leaves_nothing(
    store: ControlStore, queue: RemoteQueue, now: datetime
) -> None:
    await put(queue, now, waiting("j1", now))
    with pytest.raises(Exception, match=r"(?i)unique"):
        await put(queue, now, waiting("j2", now), waiting("j1", now))
    async with store.read() as connection:
        assert await remote_jobs.find(connection, "acme", "j2") is None
    await put(queue, now, waiting("j2", now))


async def test_writers_of_both_ways_take_turns(
    store: ControlStore, queue: RemoteQueue, now: datetime
) -> None:
    async def write(n: int) -> None:
        async with store.begin() as connection:
            await jobs.insert(connection, waiting(f"s{n}", now))

    ways = [write(n) if n % 2 else put(queue, now, waiting(f"q{n}", now)) for n in range(40)]
    await asyncio.gather(*ways)
    async with store.read() as connection:
        heads = await jobs.waiting_heads(connection, ["remote:audio"], now)
    assert len(heads) == 1


async def test_a_cancelled_call_keeps_its_turn_to_the_end(
    store: ControlStore, queue: RemoteQueue, now: datetime
) -> None:
    putting = asyncio.create_task(put(queue, now, *(waiting(f"j{n}", now) for n in range(500))))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    putting.cancel()
    await asyncio.wait([putting])
    await put(queue, now, waiting("after", now))
    async with store.begin() as connection:
        await jobs.insert(connection, waiting("last", now))


async def test_a_database_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path / 'no' / 'file'}", f"postgresql:///d?host={tmp_path}"):
        store = ControlStore.open(url)
        queue = open_remote_queue(store)
        with pytest.raises(StorageUnavailableError):
            await queue.claim("acme", ["remote:audio"], ["w1"], MOST, None)
        await queue.close()
        await store.close()


async def test_what_claims_leave_in_the_indexes_is_swept(
    migrated_postgres_url: str, now: datetime
) -> None:
    store = ControlStore.open(migrated_postgres_url)
    tenant = {"tenant_id": "acme", "display_name": "", "status": "ACTIVE", "created_at": now}
    async with store.begin() as connection:
        await connection.execute(tables.tenants.insert(), tenant)
    queue = PostgresRemoteQueue(PostgresPool(store.url), claims_per_vacuum=10)
    await put(queue, now, *(waiting(f"j{n}", now) for n in range(25)))
    claimed = await queue.claim("acme", ["remote:audio"], ["w1"] * 9, MOST, now)
    assert (len(claimed), await vacuums(store)) == (9, 0)
    await queue.claim("acme", ["remote:audio"], ["w1"], MOST, now)
    while not await vacuums(store):
        await asyncio.sleep(0.05)
    await queue.claim("acme", ["remote:audio"], ["w1"] * 15, MOST, now)
    await queue.close()
    await store.close()


async def vacuums(store: ControlStore) -> int:
    async with store.read() as connection:
        counted = "SELECT vacuum_count FROM pg_stat_user_tables WHERE relname = 'jobs'"
        number: int = (await connection.execute(text(counted))).scalar_one()
    return number
