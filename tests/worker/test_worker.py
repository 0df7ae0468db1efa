import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from headrace_server.core.jobs.queue import Jobs
from headrace_server.db import tables
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.wakeups import Wakeups
from headrace_server.model.errors import HeadraceError, StorageUnavailableError
from headrace_server.model.job import Clocks, Job, JobStatus, NewJob
from headrace_server.worker.worker import Runner, Worker, in_words

KILLED_WORKER = Path(__file__).parent / "killed_worker.py"
HALF_A_MINUTE = 30
SHORT = Clocks(lease=timedelta(seconds=0.9))


class Bench:
    """A queue and workers on it."""

    def __init__(self, store: ControlStore, jobs: Jobs, wakeups: Wakeups) -> None:
        self.store = store
        self.jobs = jobs
        self.wakeups = wakeups

    async def put(self, kind: str = "k", **options: object) -> Job:
        new = NewJob(**{"payload": {}, **options}, kind=kind, tenant_id="acme")  # type: ignore[arg-type]  # options are checked by the record
        async with self.store.begin() as connection:
            job = await self.jobs.enqueue(connection, new)
        self.jobs.announce()
        return job

    async def complete(self, job: Job) -> None:
        async with self.store.begin() as connection:
            await self.jobs.complete(connection, job.job_id, job.attempt)

    async def until(self, job: Job, fits: Callable[[Job], bool]) -> Job:
        async with asyncio.timeout(HALF_A_MINUTE):
            while True:
                found = await self.jobs.find(job.job_id)
                assert found is not None
                if fits(found):
                    return found
                await asyncio.sleep(0.01)

    async def until_status(self, job: Job, status: JobStatus) -> Job:
        return await self.until(job, lambda found: found.status is status)

    @asynccontextmanager
    async def worker(self, run: Runner, **options: float) -> AsyncIterator[Worker]:
        settings = {"poll_seconds": 0.1, "reap_seconds": 0.1, **options}
        worker = Worker(self.jobs, {"k": run}, self.wakeups, worker_id="w", **settings)  # type: ignore[arg-type]  # numbers all
        await worker.start()
        try:
            yield worker
        finally:
            await worker.stop(0)


@pytest.fixture
def bench(store: ControlStore, jobs: Jobs, wakeups: Wakeups) -> Bench:
    return Bench(store, jobs, wakeups)


class Hold:
    """A runner that says when it began, and waits until it is cancelled."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def __call__(self, job: Job) -> None:
        self.began.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()


async def within(waiting: Awaitable[object]) -> None:
    async with asyncio.timeout(HALF_A_MINUTE):
        await waiting


async def test_jobs_put_before_and_after_the_start_are_run(bench: Bench) -> None:
    before = [await bench.put() for _ in range(5)]
    async with bench.worker(bench.complete):
        after = [await bench.put() for _ in range(5)]
        for job in before + after:
            done = await bench.until_status(job, JobStatus.COMPLETED)
            assert done.attempt == 1


async def test_a_wake_up_is_enough(bench: Bench) -> None:
    """No poll comes within the test's time."""
    async with bench.worker(bench.complete, poll_seconds=1000):
        for _ in range(3):
            await bench.until_status(await bench.put(), JobStatus.COMPLETED)


async def test_a_poll_is_enough(bench: Bench) -> None:
    deaf = Bench(bench.store, Jobs(bench.store, Wakeups()), Wakeups())
    async with bench.worker(bench.complete):
        await bench.until_status(await deaf.put(), JobStatus.COMPLETED)


async def test_no_more_jobs_run_at_once_than_allowed(bench: Bench) -> None:
    now, most = 0, 0

    async def run(job: Job) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        await bench.complete(job)

    jobs = [await bench.put() for _ in range(9)]
    async with bench.worker(run, concurrency=3) as worker:
        for job in jobs:
            await bench.until_status(job, JobStatus.COMPLETED)
        await within(until(lambda: worker.running == 0))
    assert most == 3


async def until(fits: Callable[[], bool]) -> None:
    while not fits():  # it is a state of the code under test, not an event
        await asyncio.sleep(0.005)


class SecretError(Exception):
    """As a driver's errors are: with what nobody should see."""


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (StorageUnavailableError("the disk is full"), "the disk is full"),
        (
            SecretError("password=hunter2"),
            "internal error (SecretError); the server's log says more",
        ),
    ],
)
async def test_a_runner_that_raises_fails_its_attempt(
    bench: Bench, error: Exception, words: str
) -> None:
    async def run(job: Job) -> None:
        raise error

    recorded: list[tuple[JobStatus, int]] = []

    async def record(connection: Connection, job: Job) -> list[str]:
        recorded.append((job.status, job.failures))
        return []

    bench.jobs.on_failure("k", record)
    job = await bench.put(max_retries=2)
    async with bench.worker(run):
        failed = await bench.until_status(job, JobStatus.FAILED)
    assert (failed.failures, failed.last_error) == (2, words)
    assert recorded == [(JobStatus.PENDING, 1), (JobStatus.FAILED, 2)]


def test_only_words_meant_for_callers_are_shown() -> None:
    assert in_words(HeadraceError("words")) == "words"
    assert "hunter2" not in in_words(ValueError("hunter2"))


async def test_a_job_left_unfinished_failed(bench: Bench) -> None:
    async def run(job: Job) -> None:
        pass

    job = await bench.put(max_retries=0)
    async with bench.worker(run):
        failed = await bench.until_status(job, JobStatus.FAILED)
    assert failed.last_error == "the attempt came to an end without ending the job"


async def test_a_runner_that_cancels_itself_failed(bench: Bench) -> None:
    async def run(job: Job) -> None:
        raise asyncio.CancelledError

    job = await bench.put(max_retries=0)
    async with bench.worker(run):
        failed = await bench.until_status(job, JobStatus.FAILED)
    assert failed.last_error == "the attempt was cancelled"


async def test_heartbeats_keep_a_long_job(bench: Bench) -> None:
    async def run(job: Job) -> None:
        await asyncio.sleep(2)  # more than two leases
        await bench.complete(job)

    job = await bench.put(clocks=SHORT)
    async with bench.worker(run):
        done = await bench.until(job, lambda found: found.status is not JobStatus.PENDING)
        done = await bench.until(job, lambda found: found.status is not JobStatus.RUNNING)
    assert (done.status, done.attempt, done.failures) == (JobStatus.COMPLETED, 1, 0)


async def test_a_lost_lease_cancels_the_runner(bench: Bench) -> None:
    hold = Hold()
    job = await bench.put(max_retries=0, clocks=SHORT)
    async with bench.worker(hold):
        await within(hold.began.wait())
        async with bench.store.begin() as connection:
            await connection.execute(tables.jobs.update().values(attempt=7))
        await within(hold.cancelled.wait())
    found = await bench.jobs.find(job.job_id)
    assert found is not None
    assert found.attempt == 7


async def test_cancelling_a_job_cancels_the_runner(bench: Bench) -> None:
    hold = Hold()
    job = await bench.put(clocks=Clocks(timedelta(hours=1)))  # the heartbeat is too far away
    async with bench.worker(hold) as worker:
        await within(hold.began.wait())
        async with bench.store.begin() as connection:
            await bench.jobs.cancel(connection, "acme", job.job_id)
        bench.jobs.announce_cancel(job.job_id)
        await within(hold.cancelled.wait())
        await within(until(lambda: worker.running == 0))
    assert (await bench.until_status(job, JobStatus.CANCELLED)).failures == 0


async def test_the_attempts_deadline_ends_it(bench: Bench) -> None:
    hold = Hold()
    clocks = Clocks(lease=timedelta(seconds=0.9), attempt=timedelta(seconds=1.2))
    job = await bench.put(max_retries=0, clocks=clocks)
    async with bench.worker(hold, reap_seconds=1000):
        ended = await bench.until_status(job, JobStatus.TIMEOUT)
        await within(hold.cancelled.wait())
    assert ended.last_error == "the attempt took longer than 1.2 s"


async def test_stopping_waits_for_what_ends_in_time(bench: Bench) -> None:
    finish = asyncio.Event()

    async def run(job: Job) -> None:
        await finish.wait()
        await bench.complete(job)

    job = await bench.put()
    async with bench.worker(run) as worker:
        await within(until(lambda: worker.running == 1))
        stopping = asyncio.create_task(worker.stop(HALF_A_MINUTE))
        await asyncio.sleep(0.05)
        finish.set()
        await stopping
        assert (await bench.until_status(job, JobStatus.COMPLETED)).attempt == 1


async def test_stopping_gives_the_rest_back_and_spends_no_attempt(bench: Bench) -> None:
    hold = Hold()
    job = await bench.put(max_retries=0)
    waiting = [await bench.put() for _ in range(3)]
    async with bench.worker(hold, concurrency=1) as worker:
        await within(hold.began.wait())
        await worker.stop(0.01)
        back = await bench.jobs.find(job.job_id)
        assert back is not None
        assert (back.status, back.failures, back.worker_id) == (JobStatus.PENDING, 0, None)
        assert hold.cancelled.is_set()
    async with bench.worker(bench.complete):
        for each in (job, *waiting):
            await bench.until_status(each, JobStatus.COMPLETED)


async def test_an_error_of_being_interrupted_spends_no_attempt(bench: Bench) -> None:
    hold = Hold()

    async def run(job: Job) -> None:
        try:
            await hold(job)
        finally:
            raise OSError("the statement was interrupted")

    job = await bench.put(max_retries=0)
    async with bench.worker(run) as worker:
        await within(hold.began.wait())
        await worker.stop(0)
    back = await bench.jobs.find(job.job_id)
    assert back is not None
    assert (back.status, back.failures) == (JobStatus.PENDING, 0)


async def test_stopping_gives_back_no_job_that_has_ended(bench: Bench) -> None:
    async def run(job: Job) -> None:
        await bench.complete(job)
        await asyncio.Event().wait()

    job = await bench.put()
    async with bench.worker(run):
        await bench.until_status(job, JobStatus.COMPLETED)
    assert (await bench.until_status(job, JobStatus.COMPLETED)).attempt == 1


async def test_a_store_that_fails_for_a_while_stops_no_worker(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = {"claim", "heartbeat", "reap", "record_failure"}

    def breaking(name: str) -> None:
        real = getattr(bench.jobs, name)

        async def call(*arguments: object) -> object:
            if name in broken:
                broken.discard(name)
                raise StorageUnavailableError("gone for a moment")
            return await real(*arguments)

        monkeypatch.setattr(bench.jobs, name, call)

    for name in tuple(broken):
        breaking(name)

    async def run(job: Job) -> None:
        if job.attempt == 1:
            await asyncio.sleep(0.5)  # a heartbeat comes
            raise SecretError
        await bench.complete(job)

    job = await bench.put(clocks=SHORT)
    async with bench.worker(run):
        # The failure could not be recorded: the reaper saw to it.
        done = await bench.until_status(job, JobStatus.COMPLETED)
    assert broken == set()
    assert (done.attempt, done.failures) == (2, 1)
    assert done.last_error == "the worker was not heard of for 0.9 s"


async def test_kill_9_loses_nothing_and_doubles_nothing(bench: Bench) -> None:
    jobs = [await bench.put("effect", max_retries=50, clocks=SHORT) for _ in range(40)]
    for number in range(3):
        process = await asyncio.create_subprocess_exec(
            sys.executable, KILLED_WORKER, bench.store.url, f"w{number}"
        )
        already = await _effects(bench)
        async with asyncio.timeout(HALF_A_MINUTE):
            while await _effects(bench) < already + 3 + number:  # another process
                await asyncio.sleep(0.005)
        process.kill()
        await process.wait()
    assert 0 < await _effects(bench) < len(jobs)

    async def run(job: Job) -> None:
        async with bench.store.begin() as connection:
            await bench.jobs.complete(connection, job.job_id, job.attempt)
            effect = {"token_hash": job.job_id, "topic": "last", "tenant_id": "acme"}
            await connection.execute(
                tables.watch_tokens.insert().values(**effect, expires_at=job.created_at)
            )

    worker = Worker(bench.jobs, {"effect": run}, bench.wakeups, worker_id="last", reap_seconds=0.1)
    await worker.start()
    for job in jobs:
        await bench.until_status(job, JobStatus.COMPLETED)
    await worker.stop(1)
    assert await _effects(bench) == len(jobs)


async def _effects(bench: Bench) -> int:
    async with bench.store.read() as connection:
        return len((await connection.execute(select(tables.watch_tokens.c.token_hash))).all())
