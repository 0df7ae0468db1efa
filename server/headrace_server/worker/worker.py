"""A worker: claims jobs, runs each in a task of its own, and sees to it that each one ends.

A runner ends its job itself, in the transaction that changes the state. One that raises, or
returns without having done so, has failed; one whose claim is lost is cancelled.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

import structlog

from headrace_server.core.jobs.queue import Jobs
from headrace_server.db.wakeups import JOBS, Subscription, Wakeups
from headrace_server.model.errors import HeadraceError, StaleAttemptError
from headrace_server.model.job import Job, JobStatus
from headrace_server.worker.heartbeats import keep_lease

Runner = Callable[[Job], Awaitable[None]]
"""Runs a job of one kind; anything that it raises fails the attempt."""

_log = structlog.get_logger(__name__)


class Worker:
    """Runs up to `concurrency` jobs at once, of the kinds that have a runner."""

    def __init__(
        self,
        jobs: Jobs,
        runners: Mapping[str, Runner],
        wakeups: Wakeups,
        *,
        worker_id: str,
        concurrency: int = 2,
        poll_seconds: float = 2.0,
        reap_seconds: float = 5.0,
    ) -> None:
        self._jobs = jobs
        self._runners = dict(runners)
        self._wakeups = wakeups
        self._worker_id = worker_id
        self._concurrency = concurrency
        self._poll_seconds = poll_seconds
        self._reap_seconds = reap_seconds
        # Each attempt, and the runner within it.
        self._attempts: dict[asyncio.Task[None], asyncio.Task[None]] = {}
        self._loops: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()

    @property
    def running(self) -> int:
        """How many jobs run now."""
        return len(self._attempts)

    async def start(self) -> None:
        """Begin to claim, and to reap what other workers left behind."""
        self._loops = [
            asyncio.create_task(self._keep_claiming(), name="worker-claim"),
            asyncio.create_task(self._keep_reaping(), name="worker-reap"),
        ]

    async def stop(self, drain_seconds: float) -> None:
        """Claim no more, wait for what runs, then give the rest back; that spends no attempt."""
        self._stopping.set()
        self._wakeups.notify(JOBS)
        # Not cancelled: that could lose jobs between their claim and their start.
        await asyncio.gather(*self._loops)
        if self._attempts:
            await asyncio.wait(self._attempts, timeout=drain_seconds)
        for runner in self._attempts.values():
            runner.cancel()
        if self._attempts:
            await asyncio.wait(self._attempts)

    async def _keep_claiming(self) -> None:
        async with self._wakeups.subscribe(JOBS) as subscription:
            while not self._stopping.is_set():
                for job in await self._claim():
                    self._begin(job, subscription)
                await subscription.wait(self._poll_seconds)

    async def _claim(self) -> list[Job]:
        free = self._concurrency - len(self._attempts)
        if free == 0:
            return []
        try:
            return await self._jobs.claim(self._worker_id, list(self._runners), free)
        except Exception:  # noqa: BLE001  # the next poll tries again
            _log.exception("worker.cannot_claim")
            return []

    def _begin(self, job: Job, slots: Subscription) -> None:
        runner = asyncio.create_task(self._run(job))
        attempt = asyncio.create_task(self._see_through(job, runner), name=f"job-{job.job_id}")
        self._attempts[attempt] = runner

        def end(_: object) -> None:
            del self._attempts[attempt]
            slots.wake()

        attempt.add_done_callback(end)

    async def _run(self, job: Job) -> None:
        await self._runners[job.kind](job)

    async def _see_through(self, job: Job, runner: asyncio.Task[None]) -> None:
        lease = asyncio.create_task(keep_lease(self._jobs, self._wakeups, job, self._worker_id))
        await asyncio.wait({runner, lease}, return_when=asyncio.FIRST_COMPLETED)
        lost = lease.done() and not runner.done()
        lease.cancel()
        runner.cancel()
        await asyncio.wait({runner, lease})
        try:
            await self._record(job, runner, lost=lost)
        except StaleAttemptError:
            _log.info("worker.claim_was_lost", job_id=job.job_id, attempt=job.attempt)
        except Exception:  # noqa: BLE001  # the reaper sees to it later
            _log.exception("worker.cannot_record", job_id=job.job_id, attempt=job.attempt)

    async def _record(self, job: Job, runner: asyncio.Task[None], *, lost: bool) -> None:
        """Record how the attempt ended, unless the runner did so."""
        error = None if runner.cancelled() else runner.exception()
        if lost:
            _log.info("worker.claim_was_lost", job_id=job.job_id, attempt=job.attempt)
            # If it was the clock, the attempt is over for everybody.
            await self._jobs.reap()
        elif self._stopping.is_set() and runner.cancelling():
            # Whatever it raised, a driver's error for instance, comes of being interrupted.
            await self._jobs.hand_back(job.job_id, job.attempt)
        elif runner.cancelled():
            await self._jobs.record_failure(job.job_id, job.attempt, "the attempt was cancelled")
        elif error is not None:
            # Recorded first: to render a traceback may take longer than the lease lasts.
            await self._jobs.record_failure(job.job_id, job.attempt, in_words(error))
            _log.warning("worker.attempt_failed", job_id=job.job_id, kind=job.kind, exc_info=error)
        elif await self._is_unfinished(job):
            words = "the attempt came to an end without ending the job"
            await self._jobs.record_failure(job.job_id, job.attempt, words)

    async def _is_unfinished(self, job: Job) -> bool:
        found = await self._jobs.find(job.job_id)
        return (
            found is not None and found.attempt == job.attempt and found.status is JobStatus.RUNNING
        )

    async def _keep_reaping(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._jobs.reap()
            except Exception:  # noqa: BLE001  # the next round tries again
                _log.exception("worker.cannot_reap")
            with suppress(TimeoutError):
                async with asyncio.timeout(self._reap_seconds):
                    await self._stopping.wait()


def in_words(error: BaseException) -> str:
    """What of an error may be shown: another's message may hold parameters or a password."""
    if isinstance(error, HeadraceError):
        return error.message
    return f"internal error ({type(error).__name__}); the server's log says more"
