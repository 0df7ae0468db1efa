"""Jobs that workers give back, or that were claimed for workers who had gone by then."""

import asyncio
from collections.abc import Sequence

import structlog

from headrace_server.core.jobs.queue import Jobs
from headrace_server.db import remote_jobs as remote_rows
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.wakeups import Wakeups, job_topic, waiting_topic
from headrace_server.model.errors import NotFoundError, StaleAttemptError
from headrace_server.model.job import Job, JobStatus
from headrace_server.model.remote_job import RemoteJob
from headrace_server.model.tenant import Principal

_log = structlog.get_logger(__name__)


class Releases:
    """Returns claimed jobs to the queue; that is no failure, and their checkpoints stay."""

    def __init__(self, store: ControlStore, jobs: Jobs, wakeups: Wakeups) -> None:
        self._store = store
        self._jobs = jobs
        self._wakeups = wakeups
        self._running: set[asyncio.Task[None]] = set()

    async def release(self, caller: Principal, job_id: str, attempt: int) -> JobStatus:
        """Return a job to the queue and say where it stands; repeated, it answers the same.

        Raises NotFoundError, StaleAttemptError.
        """
        async with self._store.begin() as connection:
            found = await remote_rows.lock(connection, caller.tenant_id, [job_id])
            if job_id not in found:
                raise NotFoundError("job", job_id)
            job = found[job_id][1].job
            if job.attempt == attempt and job.status is JobStatus.PENDING:
                return job.status
            released = await self._release(connection, job_id, attempt)
        self._announce(released)
        return released.status

    def release_soon(self, claimed: Sequence[RemoteJob]) -> None:
        """Return jobs to the queue that nobody heard of."""
        for record in claimed:
            task = asyncio.create_task(self._try(record.job))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def drain(self) -> None:
        """Wait until what `release_soon` began is done."""
        await asyncio.gather(*self._running)

    async def _try(self, job: Job) -> None:
        try:
            async with self._store.begin() as connection:
                released = await self._release(connection, job.job_id, job.attempt)
        except StaleAttemptError:
            return
        except Exception:  # noqa: BLE001  # then the lease runs out
            _log.exception("remote_jobs.cannot_release", job_id=job.job_id)
            return
        self._announce(released)

    async def _release(self, connection: Connection, job_id: str, attempt: int) -> Job:
        released = await self._jobs.give_back(connection, job_id, attempt)
        await remote_rows.change(connection, [job_id])
        return released

    def _announce(self, job: Job) -> None:
        self._wakeups.notify(job_topic(job.job_id))
        self._wakeups.notify(waiting_topic(job.tenant_id, job.kind))
