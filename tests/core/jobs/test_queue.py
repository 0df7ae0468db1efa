import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from headrace_server.core.jobs.queue import Jobs
from headrace_server.db import tables
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.wakeups import JOBS, Wakeups, job_topic
from headrace_server.model.errors import NotFoundError, StaleAttemptError, WrongStateError
from headrace_server.model.job import Clocks, Job, JobStatus, NewJob, Priority

NOW = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
KINDS = ["load_files"]
SECOND = timedelta(seconds=1)


@dataclass
class ManualClock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Queue:
    """The queue under test, with its clock."""

    store: ControlStore
    wakeups: Wakeups = field(default_factory=Wakeups)
    clock: ManualClock = field(default_factory=ManualClock)

    def __post_init__(self) -> None:
        self.jobs = Jobs(self.store, self.wakeups, clock=self.clock, jitter=lambda: 0.5)

    async def put(self, tenant_id: str = "acme", **options: object) -> Job:
        new = NewJob(**{"kind": "load_files", "payload": {"n": 1}, **options}, tenant_id=tenant_id)  # type: ignore[arg-type]  # options are checked by the record
        async with self.store.begin() as connection:
            return await self.jobs.enqueue(connection, new)

    async def claim(self, limit: int = 1, worker_id: str = "w1") -> list[Job]:
        return await self.jobs.claim(worker_id, KINDS, limit)

    async def claim_one(self, worker_id: str = "w1") -> Job:
        (job,) = await self.claim(1, worker_id)
        return job

    async def complete(self, job: Job) -> Job:
        async with self.store.begin() as connection:
            return await self.jobs.complete(connection, job.job_id, job.attempt)

    async def fail(self, job: Job, error: str = "broken") -> Job:
        return await self.jobs.record_failure(job.job_id, job.attempt, error)

    async def give_back(self, job: Job) -> Job:
        async with self.store.begin() as connection:
            return await self.jobs.give_back(connection, job.job_id, job.attempt)

    async def cancel(self, job: Job, tenant_id: str = "acme") -> Job:
        async with self.store.begin() as connection:
            return await self.jobs.cancel(connection, tenant_id, job.job_id)

    async def rearm(self, job: Job, tenant_id: str = "acme") -> Job:
        async with self.store.begin() as connection:
            return await self.jobs.rearm(connection, tenant_id, job.job_id)

    async def stored(self, job: Job) -> Job:
        found = await self.jobs.find(job.job_id)
        assert found is not None
        return found


@pytest.fixture
async def queue(migrated_url: str) -> AsyncIterator[Queue]:
    store = ControlStore.open(migrated_url)
    async with store.begin() as connection:
        await connection.execute(
            tables.tenants.insert(),
            [
                {"tenant_id": name, "display_name": name, "status": "ACTIVE", "created_at": NOW}
                for name in ("acme", "globex", "initech")
            ],
        )
    yield Queue(store)
    await store.close()


async def test_a_job_comes_back_as_it_was_put(queue: Queue) -> None:
    put = await queue.put(payload={"request_id": "r", "files": [1, "ü", None]})
    assert await queue.stored(put) == put
    assert (put.status, put.attempt, put.failures) == (JobStatus.PENDING, 0, 0)
    assert await queue.jobs.find("nothing") is None


async def test_a_roll_back_leaves_no_job(queue: Queue) -> None:
    with suppress(RuntimeError):
        async with queue.store.begin() as connection:
            await queue.jobs.enqueue(connection, NewJob("load_files", "acme", {}))
            raise RuntimeError
    assert await queue.claim(10) == []


async def test_a_claim_raises_the_attempt_and_grants_a_lease(queue: Queue) -> None:
    put = await queue.put(clocks=Clocks(30 * SECOND, 100 * SECOND))
    queue.clock.advance(1000)
    job = await queue.claim_one("w7")
    assert job == await queue.stored(put)
    assert (job.status, job.attempt, job.worker_id) == (JobStatus.RUNNING, 1, "w7")
    # Waiting burned nothing of the attempt's time.
    assert job.started_at == queue.clock.now
    assert job.lease_expires_at == queue.clock.now + 30 * SECOND
    assert job.attempt_expires_at == queue.clock.now + 100 * SECOND
    assert await queue.claim() == []


async def test_a_claim_returns_every_job_it_took(queue: Queue) -> None:
    put = [await queue.put(tenant) for tenant in ("acme", "globex", "acme", "acme", "initech")]
    first = await queue.claim(4)
    rest = await queue.claim(4)
    assert len(first) == 4
    assert {job.job_id for job in first + rest} == {job.job_id for job in put}
    assert await queue.jobs.claim("w", [], 4) == []


async def test_only_the_kinds_asked_for_are_claimed(queue: Queue) -> None:
    export = await queue.put(kind="export", priority=Priority.HIGH)
    load = await queue.put()
    assert [job.job_id for job in await queue.claim(5)] == [load.job_id]
    assert [job.job_id for job in await queue.jobs.claim("w", ["export"], 5)] == [export.job_id]


async def test_kinds_of_one_tenant_go_by_rank(queue: Queue) -> None:
    order = []
    for kind in ("export", "load_files", "export", "load_files"):
        order.append((await queue.put(kind=kind)).job_id)
        queue.clock.advance(1)
    claimed = await queue.jobs.claim("w", ["load_files", "export"], 4)
    assert [job.job_id for job in claimed] == order


async def test_high_goes_first_and_all_age_alike(queue: Queue) -> None:
    low = await queue.put(priority=Priority.LOW)
    medium = await queue.put(priority=Priority.MEDIUM)
    high = await queue.put(priority=Priority.HIGH)
    assert [j.job_id for j in await queue.claim(3)] == [high.job_id, medium.job_id, low.job_id]


async def test_a_stream_of_high_cannot_starve_low(queue: Queue) -> None:
    low = await queue.put(priority=Priority.LOW)
    # No newer job is ahead any more once twice the head start has passed.
    for _ in range(21):
        queue.clock.advance(60)
        await queue.put(priority=Priority.HIGH)
        await queue.claim_one()
    assert (await queue.stored(low)).status is JobStatus.RUNNING


async def test_a_thousand_jobs_cannot_starve_one(queue: Queue) -> None:
    many = [NewJob("load_files", "acme", {}, Priority.HIGH)] * 1000
    async with queue.store.begin() as connection:
        for new in many:
            await queue.jobs.enqueue(connection, new)
    queue.clock.advance(5)
    one = await queue.put("globex", priority=Priority.LOW)
    queue.clock.advance(5)
    claimed = [(await queue.claim_one()).job_id for _ in range(2)]
    assert one.job_id in claimed


async def test_tenants_take_turns(queue: Queue) -> None:
    for tenant in ["acme"] * 6 + ["globex"] * 6:
        await queue.put(tenant)
        queue.clock.advance(1)
    served = []
    for _ in range(6):
        queue.clock.advance(1)
        served.append((await queue.claim_one()).tenant_id)
    assert served == ["acme", "globex"] * 3
    assert sorted(job.tenant_id for job in await queue.claim(4)) == ["acme"] * 2 + ["globex"] * 2


async def test_fifty_claimers_never_take_a_job_twice(queue: Queue) -> None:
    stores = [queue.store, *(ControlStore.open(queue.store.url) for _ in range(2))]
    claimers = [Jobs(store, queue.wakeups, clock=queue.clock) for store in stores]
    put = {(await queue.put(("acme", "globex")[n % 2])).job_id for n in range(60)}

    async def drain(number: int) -> list[str]:
        taken: list[str] = []
        while jobs := await claimers[number % 3].claim(f"w{number}", KINDS, 3):
            taken += [job.job_id for job in jobs]
        return taken

    taken = [job for jobs in await asyncio.gather(*map(drain, range(50))) for job in jobs]
    assert len(taken) == 60
    assert set(taken) == put
    for store in stores[1:]:
        await store.close()


async def test_completion_commits_with_the_callers_change(queue: Queue) -> None:
    await queue.put()
    job = await queue.claim_one()
    rename = tables.tenants.update().values(display_name="done")
    with suppress(RuntimeError):
        async with queue.store.begin() as connection:
            await queue.jobs.complete(connection, job.job_id, job.attempt)
            await connection.execute(rename)
            raise RuntimeError
    assert await queue.stored(job) == job
    done = await queue.complete(job)
    assert done == await queue.stored(job)
    assert (done.status, done.completed_at) == (JobStatus.COMPLETED, queue.clock.now)
    with pytest.raises(StaleAttemptError):
        await queue.complete(job)


Act = Callable[[Queue, Job], object]
ACTS = {
    "complete": Queue.complete,
    "fail": Queue.fail,
    "give back": Queue.give_back,
    "heartbeat": lambda queue, job: queue.jobs.heartbeat(job.job_id, job.attempt, "w1"),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
async def test_an_old_claim_is_refused(queue: Queue, act: Callable[[Queue, Job], object]) -> None:
    await queue.put(clocks=Clocks(10 * SECOND, 100 * SECOND))
    old = await queue.claim_one("w1")

    async def refused() -> None:
        before = await queue.stored(old)
        with pytest.raises(StaleAttemptError):
            await act(queue, old)  # type: ignore[misc]  # every act is a coroutine
        assert await queue.stored(old) == before

    queue.clock.advance(10)  # the lease ran out, nobody noticed yet
    await refused()
    await queue.jobs.reap()
    await refused()
    queue.clock.advance(10)
    new = await queue.claim_one("w1")  # the same worker id
    assert new.attempt == 2
    await refused()
    await queue.complete(new)
    await refused()


async def test_heartbeat_extends_the_lease_but_not_the_attempt(queue: Queue) -> None:
    await queue.put(clocks=Clocks(10 * SECOND, 25 * SECOND))
    job = await queue.claim_one()
    for expected in (15, 20, 25, 25):
        queue.clock.advance(5)
        beat = await queue.jobs.heartbeat(job.job_id, job.attempt, "w1")
        assert not beat.cancelled
        assert beat.lease_expires_at == NOW + expected * SECOND
        assert (await queue.stored(job)).lease_expires_at == beat.lease_expires_at
    queue.clock.advance(5)
    (reaped,) = await queue.jobs.reap()
    assert reaped.last_error == "the attempt took longer than 25 s"


async def test_the_heartbeat_of_another_worker_is_refused(queue: Queue) -> None:
    await queue.put()
    job = await queue.claim_one("w1")
    for job_id, worker in ((job.job_id, "w2"), ("nothing", "w1")):
        with pytest.raises(StaleAttemptError):
            await queue.jobs.heartbeat(job_id, job.attempt, worker)


async def test_failures_back_off_then_stay_and_can_be_armed_again(queue: Queue) -> None:
    put = await queue.put(max_retries=3)
    for delay in (1, 2):
        job = await queue.fail(await queue.claim_one(), "disk on fire")
        assert (job.status, job.last_error) == (JobStatus.PENDING, "disk on fire")
        assert job.available_at == queue.clock.now + delay * SECOND
        queue.clock.advance(delay - 0.001)
        assert await queue.claim() == []
        queue.clock.advance(0.001)
    job = await queue.fail(await queue.claim_one(), "again")
    assert job == await queue.stored(put)
    assert (job.status, job.failures, job.attempt) == (JobStatus.FAILED, 3, 3)
    assert job.completed_at == queue.clock.now
    queue.clock.advance(10_000)
    assert await queue.claim() == []
    armed = await queue.rearm(job)
    assert armed == await queue.stored(put)
    assert (armed.status, armed.failures, armed.attempt) == (JobStatus.PENDING, 0, 3)
    assert (await queue.claim_one()).attempt == 4


async def test_jitter_spreads_the_back_off(queue: Queue) -> None:
    delays = []
    for jitter in (0.0, 0.999):
        put = await queue.put()
        jobs = Jobs(queue.store, queue.wakeups, clock=queue.clock, jitter=lambda: jitter)  # noqa: B023  # used within the turn
        (job,) = await jobs.claim("w", KINDS, 1)
        delays.append((await jobs.record_failure(job.job_id, 1, "x")).available_at - NOW)
        await queue.cancel(put)
    assert delays == [0.75 * SECOND, 1.2495 * SECOND]


async def test_giving_back_spends_no_attempt(queue: Queue) -> None:
    put = await queue.put(max_retries=0)
    for attempt in range(1, 6):
        job = await queue.claim_one()
        assert job.attempt == attempt
        back = await queue.give_back(job)
        assert back == await queue.stored(put)
        assert (back.status, back.failures, back.worker_id) == (JobStatus.PENDING, 0, None)


async def test_a_lost_worker_costs_an_attempt_then_times_out(queue: Queue) -> None:
    await queue.put(max_retries=2, clocks=Clocks(10 * SECOND, 100 * SECOND))
    await queue.claim_one()
    queue.clock.advance(9.999)
    assert await queue.jobs.reap() == []
    queue.clock.advance(0.001)
    (job,) = await queue.jobs.reap()
    assert (job.status, job.failures, job.worker_id) == (JobStatus.PENDING, 1, None)
    assert job.last_error == "the worker was not heard of for 10 s"
    assert job.available_at == queue.clock.now + SECOND
    queue.clock.advance(1)
    await queue.claim_one()
    queue.clock.advance(10)
    (job,) = await queue.jobs.reap()
    assert job == await queue.stored(job)
    assert job.status is JobStatus.TIMEOUT
    assert await queue.jobs.reap() == []


async def test_the_total_time_ends_waiting_and_running_jobs(queue: Queue) -> None:
    clocks = Clocks(lease=1000 * SECOND, total=60 * SECOND)
    running = await queue.put(clocks=clocks)
    await queue.claim_one()
    waiting = await queue.put(clocks=clocks)
    queue.clock.advance(60)
    assert await queue.claim() == []
    reaped = await queue.jobs.reap()
    assert {job.job_id for job in reaped} == {running.job_id, waiting.job_id}
    assert {job.status for job in reaped} == {JobStatus.TIMEOUT}
    assert {job.last_error for job in reaped} == {"the job did not end within its total time"}
    # Armed again, it has as long once more, any number of times.
    for _ in range(2):
        await queue.rearm(waiting)
        queue.clock.advance(59)
        assert await queue.jobs.reap() == []
        queue.clock.advance(1)
        assert [job.job_id for job in await queue.jobs.reap()] == [waiting.job_id]


async def test_what_dead_workers_held_is_taken_back_at_once(queue: Queue) -> None:
    held, _, ended = await queue.put(), await queue.put(), await queue.put()
    held, waiting = await queue.claim(2)
    await queue.give_back(waiting)
    (taken,) = await queue.jobs.take_back()
    assert (taken.job_id, taken.status, taken.failures) == (held.job_id, JobStatus.PENDING, 1)
    assert taken.last_error == "its worker died"
    for stored in (await queue.stored(waiting), await queue.stored(ended)):
        assert (stored.status, stored.failures) == (JobStatus.PENDING, 0)
    with pytest.raises(StaleAttemptError):
        await queue.complete(held)
    assert await queue.jobs.take_back() == []


async def test_the_reaper_never_overwrites_what_raced_it(queue: Queue) -> None:
    """The reaper looked when the leases were over; then ends and claims came first."""
    clocks = Clocks(10 * SECOND, 100 * SECOND)
    jobs = [await queue.put(clocks=clocks) for _ in range(2)]
    first, second = await queue.claim(2)
    queue.clock.advance(10)
    overdue = [job.job_id for job in jobs]
    queue.clock.advance(-1)
    done = await queue.complete(first)
    queue.clock.advance(1)
    await queue.jobs.reap()
    queue.clock.advance(1)
    fresh = await queue.claim_one("w2")
    assert fresh.job_id == second.job_id
    assert [await queue.jobs._reap(job_id) for job_id in [*overdue, "nothing"]] == [[], [], []]
    assert await queue.stored(first) == done
    assert await queue.stored(second) == fresh


async def test_reapers_and_completions_at_once_end_each_job_once(queue: Queue) -> None:
    """By the real clock, with leases that run out in the middle."""
    other = ControlStore.open(queue.store.url)
    here, there = Jobs(queue.store, queue.wakeups), Jobs(other, queue.wakeups)
    clocks = Clocks(lease=timedelta(milliseconds=30))
    async with queue.store.begin() as connection:
        for _ in range(20):
            await here.enqueue(connection, NewJob("load_files", "acme", {}, clocks=clocks))
    claimed = await here.claim("w", KINDS, 20)
    completed: list[str] = []

    async def complete(job: Job, delay: float) -> None:
        await asyncio.sleep(delay)
        try:
            async with queue.store.begin() as connection:
                await here.complete(connection, job.job_id, job.attempt)
        except StaleAttemptError:
            return
        completed.append(job.job_id)

    async def reap() -> list[Job]:
        reaped: list[Job] = []
        for _ in range(10):
            await asyncio.sleep(0.008)
            reaped += await there.reap()
        return reaped

    reaping = asyncio.create_task(reap())
    await asyncio.gather(*(complete(job, n * 0.003) for n, job in enumerate(claimed)))
    reaped = await reaping
    ended = completed + [job.job_id for job in reaped]
    assert len(ended) == len(set(ended)) == 20
    for job_id in completed:
        found = await here.find(job_id)
        assert found is not None
        assert found.status is JobStatus.COMPLETED
    await other.close()


async def test_what_depends_on_a_failure_commits_with_it(queue: Queue) -> None:
    async def record(connection: Connection, job: Job) -> list[str]:
        await connection.execute(tables.tenants.update().values(display_name=job.status.value))
        return ["ingestion:r"]

    queue.jobs.on_failure("load_files", record)
    await queue.put(max_retries=2)
    async with queue.wakeups.subscribe("ingestion:r") as subscription:
        await queue.fail(await queue.claim_one())
        assert await subscription.wait(0)
        queue.clock.advance(2)
        await queue.claim_one()
        queue.clock.advance(1000)
        await queue.jobs.reap()
        assert await subscription.wait(0)
    async with queue.store.read() as connection:
        names = await connection.execute(tables.tenants.select())
        assert {row.display_name for row in names} == {"TIMEOUT"}


async def test_a_failure_that_cannot_be_recorded_does_not_keep_the_others(queue: Queue) -> None:
    async def record(connection: Connection, job: Job) -> list[str]:
        if job.payload == {"n": "bad"}:
            raise RuntimeError
        return []

    queue.jobs.on_failure("load_files", record)
    bad, good = await queue.put(payload={"n": "bad"}), await queue.put()
    await queue.claim(2)
    queue.clock.advance(1000)
    assert [job.job_id for job in await queue.jobs.reap()] == [good.job_id]
    assert (await queue.stored(bad)).status is JobStatus.RUNNING


async def test_cancelling_ends_waiting_and_running_jobs(queue: Queue) -> None:
    running = await queue.put()
    claimed = await queue.claim_one()
    waiting = await queue.put()
    for job in (running, waiting):
        cancelled = await queue.cancel(job)
        assert cancelled == await queue.stored(job)
        assert cancelled.status is JobStatus.CANCELLED
        assert await queue.cancel(job) == cancelled
    assert await queue.claim() == []
    beat = await queue.jobs.heartbeat(running.job_id, claimed.attempt, "w1")
    assert beat.cancelled
    with pytest.raises(StaleAttemptError):
        await queue.complete(claimed)
    assert (await queue.rearm(running)).status is JobStatus.PENDING
    again = await queue.claim_one()
    with pytest.raises(StaleAttemptError):
        await queue.jobs.heartbeat(running.job_id, claimed.attempt, "w1")
    await queue.complete(again)
    for act in (queue.cancel, queue.rearm):
        with pytest.raises(WrongStateError):
            await act(running)


async def test_a_completed_job_can_run_again_when_there_is_more_to_do(queue: Queue) -> None:
    put = await queue.put()
    done = await queue.complete(await queue.claim_one())
    async with queue.store.begin() as connection:
        again = await queue.jobs.rerun(connection, "acme", put.job_id)
    assert again == await queue.stored(put)
    assert (again.status, again.completed_at) == (JobStatus.PENDING, None)
    with pytest.raises(StaleAttemptError):
        await queue.complete(done)
    assert (await queue.claim_one()).attempt == 2


async def test_another_tenants_job_is_not_found(queue: Queue) -> None:
    job = await queue.put("globex")
    for act in (queue.cancel, queue.rearm):
        with pytest.raises(NotFoundError):
            await act(job, "acme")


@pytest.mark.parametrize("payload", ["[1]", '"x"', "null"])
async def test_an_undecodable_job_backs_off_and_finally_fails(queue: Queue, payload: str) -> None:
    await _check_undecodable(queue, payload)


async def test_text_that_is_no_json_spoils_its_own_job_only(migrated_sqlite_url: str) -> None:
    """PostgreSQL would not store it."""
    store = ControlStore.open(migrated_sqlite_url)
    async with store.begin() as connection:
        await connection.execute(
            tables.tenants.insert().values(
                tenant_id="acme", display_name="", status="ACTIVE", created_at=NOW
            )
        )
    await _check_undecodable(Queue(store), "{broken")
    await store.close()


async def _check_undecodable(queue: Queue, payload: str) -> None:
    bad = await queue.put(max_retries=2)
    async with queue.store.begin() as connection:
        await connection.execute(text(f"UPDATE jobs SET payload = '{payload}'"))
    good = await queue.put()
    assert [job.job_id for job in await queue.claim(5)] == [good.job_id]
    found = await queue.stored(bad)
    assert (found.status, found.failures, found.payload) == (JobStatus.PENDING, 1, {})
    assert found.available_at > queue.clock.now
    assert await queue.claim(5) == []
    queue.clock.advance(10)
    assert await queue.claim(5) == []
    found = await queue.stored(bad)
    assert (found.status, found.last_error) == (JobStatus.FAILED, "the payload cannot be read")


async def test_announcements_wake_workers(queue: Queue) -> None:
    async with (
        queue.wakeups.subscribe(JOBS) as workers,
        queue.wakeups.subscribe(job_topic("j")) as runner,
    ):
        queue.jobs.announce()
        assert await workers.wait(0)
        assert not await runner.wait(0)
        queue.jobs.announce_cancel("j")
        assert await runner.wait(0)


async def test_without_a_clock_the_databases_counts(queue: Queue) -> None:
    jobs = Jobs(queue.store, queue.wakeups)
    async with queue.store.begin() as connection:
        job = await jobs.enqueue(connection, NewJob("load_files", "acme", {}))
    assert abs(datetime.now(UTC) - job.created_at) < 60 * SECOND
    assert job.created_at.tzinfo is UTC
