"""The queue of jobs: claims with leases, fenced ends, retries.

Delivery is at least once. The effect is once where a runner ends its job in the transaction that
changes the state: `complete` and its siblings refuse a claim that is no longer the newest.
"""

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog

from headrace_server.core.jobs.changes import armed, ended, failed, given_back, queued
from headrace_server.core.jobs.leases import (
    Cause,
    Heartbeat,
    cause_of_death,
    cause_of_orphanhood,
    granted,
    held_claim,
    stale_attempt,
)
from headrace_server.core.jobs.turns import in_turn
from headrace_server.db import jobs as job_rows
from headrace_server.db.engine import Connection, ControlStore, current_time
from headrace_server.db.jobs import Head, StoredJob
from headrace_server.db.wakeups import JOBS, Wakeups, job_topic
from headrace_server.model.errors import NotFoundError, WrongStateError
from headrace_server.model.job import Job, JobStatus, NewJob

REAP_LIMIT = 1000

#: Called in the transaction that records a failed attempt, with the job as it is then (PENDING,
#: FAILED or TIMEOUT). Changes what depends on the job and returns the topics to notify after.
FailureRecorder = Callable[[Connection, Job], Awaitable[Iterable[str]]]

_ENDED_BADLY = frozenset({JobStatus.FAILED, JobStatus.TIMEOUT, JobStatus.CANCELLED})

_log = structlog.get_logger(__name__)


class Jobs:
    """The queue. Methods that take a connection work in the caller's writing transaction.

    Such a transaction locks the job before anything else that it changes, so that two of them
    cannot wait for each other.
    """

    def __init__(
        self,
        store: ControlStore,
        wakeups: Wakeups,
        *,
        clock: Callable[[], datetime] | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Take the database's clock unless another is given; `jitter` is within [0, 1)."""
        self._store = store
        self._wakeups = wakeups
        self._clock = clock
        self._jitter = jitter
        self._recorders: dict[str, FailureRecorder] = {}

    def on_failure(self, kind: str, record: FailureRecorder) -> None:
        """Have failures that the queue itself records take effect elsewhere too.

        `kind` is the whole kind, or the family that stands before its colon.
        """
        self._recorders[kind] = record

    async def enqueue(self, connection: Connection, new: NewJob) -> Job:
        """Queue a job; once that is committed, `announce` it."""
        (job,) = await self.enqueue_all(connection, [new])
        return job

    async def enqueue_all(self, connection: Connection, new: Iterable[NewJob]) -> list[Job]:
        """Queue jobs with one statement; `announce` them as those of `enqueue`."""
        now = await self.now(connection)
        stored = [queued(each, now) for each in new]
        await job_rows.insert(connection, *stored)
        return [each.job for each in stored]

    def announce(self) -> None:
        """Wake the workers, after the commit of `enqueue`, `give_back` or `rearm`."""
        self._wakeups.notify(JOBS)

    def announce_cancel(self, job_id: str) -> None:
        """Tell the job's worker, after the commit of `cancel`, rather than at its heartbeat."""
        self._wakeups.notify(job_topic(job_id))

    async def find(self, job_id: str) -> Job | None:
        """Read a job."""
        async with self._store.read() as connection:
            return await job_rows.find(connection, job_id)

    async def claim(self, worker_id: str, kinds: Sequence[str], limit: int) -> list[Job]:
        """Take up to `limit` jobs, each with a new attempt number and a lease.

        The tenant that was served longest ago goes first; within a tenant the least rank does.
        """
        claimed: list[Job] = []
        while len(claimed) < limit and kinds:
            async with self._store.read() as connection:
                heads = await job_rows.waiting_heads(connection, kinds, await self.now(connection))
            turns = list(in_turn(heads, limit - len(claimed)))
            taken = await self._take(worker_id, turns) if turns else []
            if not taken:
                break
            claimed += [stored.job for stored in taken if stored.readable]
            await self._fail_unreadable(taken)
            if len(turns) == len(heads) and _fell_short(taken, turns):
                break
        return claimed

    async def _take(self, worker_id: str, turns: Iterable[tuple[Head, int]]) -> list[StoredJob]:
        """Claim the next jobs of each turn; those that others lock are passed over."""
        async with self._store.begin() as connection:
            now = await self.now(connection)
            taken = [
                granted(stored, worker_id, now)
                for head, count in turns
                for stored in await job_rows.lock_waiting(
                    connection, head.tenant_id, head.kind, now, count
                )
            ]
            if taken:
                await job_rows.hand_out(connection, worker_id, [each.job for each in taken])
        return taken

    async def _fail_unreadable(self, taken: Iterable[StoredJob]) -> None:
        for stored in taken:
            if not stored.readable:
                job = stored.job
                await self.record_failure(job.job_id, job.attempt, "the payload cannot be read")

    async def heartbeat(self, job_id: str, attempt: int, worker_id: str) -> Heartbeat:
        """Extend the lease, never beyond the attempt's maximum. Raises StaleAttemptError."""
        async with self._store.begin() as connection:
            return await self.beat(connection, job_id, attempt, worker_id)

    async def beat(
        self, connection: Connection, job_id: str, attempt: int, worker_id: str
    ) -> Heartbeat:
        """`heartbeat` in the caller's transaction. Raises StaleAttemptError."""
        stored = await job_rows.lock(connection, job_id)
        if stored and stored.job.attempt == attempt and _is(stored, JobStatus.CANCELLED):
            return Heartbeat(cancelled=True, lease_expires_at=None)
        now = await self.now(connection)
        held = held_claim(stored, job_id, attempt, now)
        if held.job.worker_id != worker_id or held.job.attempt_expires_at is None:
            raise stale_attempt(job_id, attempt)
        lease_expires_at = min(now + held.clocks.lease, held.job.attempt_expires_at)
        await job_rows.update(connection, job_id, {"lease_expires_at": lease_expires_at})
        return Heartbeat(cancelled=False, lease_expires_at=lease_expires_at)

    async def hold(self, connection: Connection, job_id: str, attempt: int) -> None:
        """Lock a job for what its attempt writes down. Raises StaleAttemptError."""
        await self._lock_held(connection, job_id, attempt)

    async def complete(self, connection: Connection, job_id: str, attempt: int) -> Job:
        """End a job well. Raises StaleAttemptError."""
        held, now = await self._lock_held(connection, job_id, attempt)
        return await _change(connection, held, ended(JobStatus.COMPLETED, now))

    async def complete_all(
        self, connection: Connection, job_ids: Sequence[str], now: datetime
    ) -> None:
        """End jobs well that are locked, and whose claims were seen to hold."""
        await job_rows.update_all(connection, job_ids, _columns(ended(JobStatus.COMPLETED, now)))

    async def cancel_all(
        self, connection: Connection, job_ids: Sequence[str], now: datetime
    ) -> None:
        """Cancel jobs that are locked and have not ended."""
        await job_rows.update_all(connection, job_ids, _columns(ended(JobStatus.CANCELLED, now)))

    async def give_back(self, connection: Connection, job_id: str, attempt: int) -> Job:
        """Return a job to the queue; that is no failure. Raises StaleAttemptError."""
        held, _ = await self._lock_held(connection, job_id, attempt)
        return await _change(connection, held, given_back())

    async def hand_back(self, job_id: str, attempt: int) -> None:
        """`give_back` in a transaction of its own. Raises StaleAttemptError."""
        async with self._store.begin() as connection:
            await self.give_back(connection, job_id, attempt)
        self.announce()

    async def fail(self, connection: Connection, job_id: str, attempt: int, error: str) -> Job:
        """Record a failed attempt: PENDING after a back-off, or FAILED after the last.

        Raises StaleAttemptError.
        """
        held, now = await self._lock_held(connection, job_id, attempt)
        return await self._fail(connection, held, now, error, JobStatus.FAILED)

    async def record_failure(self, job_id: str, attempt: int, error: str) -> Job:
        """`fail` in a transaction of its own, with what depends on it. Raises StaleAttemptError."""
        async with self._store.begin() as connection:
            job = await self.fail(connection, job_id, attempt, error)
            topics = await self._record(connection, job)
        self._notify(topics)
        return job

    async def cancel(self, connection: Connection, tenant_id: str, job_id: str) -> Job:
        """End a job that has not ended; doing so twice changes nothing.

        Raises NotFoundError, and WrongStateError where it has ended otherwise.
        """
        stored = await _lock_own(connection, tenant_id, job_id)
        if _is(stored, JobStatus.CANCELLED):
            return stored.job
        if not _is(stored, JobStatus.PENDING, JobStatus.RUNNING):
            raise WrongStateError(f"the job is {stored.job.status.value}, it cannot be cancelled")
        now = await self.now(connection)
        return await _change(connection, stored, ended(JobStatus.CANCELLED, now))

    async def rearm(self, connection: Connection, tenant_id: str, job_id: str) -> Job:
        """Queue a job again that failed, timed out or was cancelled, with all its retries.

        Attempts go on counting. Raises NotFoundError and WrongStateError.
        """
        return await self._arm(connection, tenant_id, job_id, _ENDED_BADLY)

    async def rerun(self, connection: Connection, tenant_id: str, job_id: str) -> Job:
        """`rearm`, also of a job that ended well: there is more to do for it."""
        return await self._arm(connection, tenant_id, job_id, _ENDED_BADLY | {JobStatus.COMPLETED})

    async def _arm(
        self, connection: Connection, tenant_id: str, job_id: str, statuses: Collection[JobStatus]
    ) -> Job:
        stored = await _lock_own(connection, tenant_id, job_id)
        if not _is(stored, *statuses):
            raise WrongStateError(f"the job is {stored.job.status.value}, it cannot be armed again")
        now = await self.now(connection)
        total = stored.clocks.total
        await job_rows.update(
            connection, job_id, {"expires_at": None if total is None else now + total}
        )
        return await _change(connection, stored, armed(now))

    async def take_back(self) -> list[Job]:
        """Record every running attempt as failed: for the one who knows that all workers died.

        Not those of remote workers, which nobody knows that of. Returns the jobs as they are
        then: PENDING or TIMEOUT.
        """
        async with self._store.read() as connection:
            running = await job_rows.running(connection)
        return [job for job_id in running for job in await self._reap(job_id, cause_of_orphanhood)]

    async def reap(self) -> list[Job]:
        """Record as failed what ran out of its lease, its attempt's or its total time.

        Each in a transaction of its own with what depends on it. Returns the jobs as they are
        then: PENDING or TIMEOUT.
        """
        async with self._store.read() as connection:
            now = await self.now(connection)
            overdue = await job_rows.overdue(connection, now, REAP_LIMIT)
        reaped: list[Job] = []
        for job_id in overdue:
            try:
                reaped += await self._reap(job_id)
            except Exception:  # noqa: BLE001  # one must not keep the others; it is tried again
                _log.exception("jobs.cannot_reap", job_id=job_id)
        return reaped

    async def _reap(self, job_id: str, cause_of: Cause = cause_of_death) -> list[Job]:
        async with self._store.begin() as connection:
            stored = await job_rows.lock(connection, job_id)
            now = await self.now(connection)
            cause = None if stored is None else cause_of(stored, now)
            if stored is None or cause is None:
                return []
            job = await self._fail(connection, stored, now, cause, JobStatus.TIMEOUT)
            topics = await self._record(connection, job)
        self._notify(topics)
        return [job]

    async def _fail(
        self,
        connection: Connection,
        stored: StoredJob,
        now: datetime,
        error: str,
        final: JobStatus,
    ) -> Job:
        values = failed(stored, now, error, final, self._jitter())
        return await _change(connection, stored, values)

    async def _record(self, connection: Connection, job: Job) -> list[str]:
        record = self._recorders.get(job.kind.partition(":")[0])
        return [] if record is None else list(await record(connection, job))

    def _notify(self, topics: Iterable[str]) -> None:
        for topic in topics:
            self._wakeups.notify(topic)

    async def _lock_held(
        self, connection: Connection, job_id: str, attempt: int
    ) -> tuple[StoredJob, datetime]:
        stored = await job_rows.lock(connection, job_id)
        now = await self.now(connection)
        return held_claim(stored, job_id, attempt, now), now

    @property
    def given_now(self) -> datetime | None:
        """The time by the clock that was given; None where it is the database's."""
        return None if self._clock is None else self._clock()

    async def now(self, connection: Connection) -> datetime:
        """The time by the queue's clock."""
        return await current_time(connection) if self._clock is None else self._clock()


def _fell_short(taken: Iterable[StoredJob], turns: Iterable[tuple[Head, int]]) -> bool:
    """Whether each turn gave less than was asked for: nobody has more waiting."""
    given = Counter((stored.job.tenant_id, stored.job.kind) for stored in taken)
    return all(given[head.tenant_id, head.kind] < count for head, count in turns)


def _is(stored: StoredJob, *statuses: JobStatus) -> bool:
    return stored.job.status in statuses


async def _lock_own(connection: Connection, tenant_id: str, job_id: str) -> StoredJob:
    stored = await job_rows.lock(connection, job_id)
    if stored is None or stored.job.tenant_id != tenant_id:
        raise NotFoundError("job", job_id)
    return stored


async def _change(connection: Connection, stored: StoredJob, values: Mapping[str, Any]) -> Job:
    """Write the values and return the job with them."""
    await job_rows.update(connection, stored.job.job_id, _columns(values))
    return replace(stored.job, **values)


def _columns(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.value if isinstance(value, JobStatus) else value
        for name, value in values.items()
    }
