"""Remote jobs as those see them who ask for them: created, read, listed, ended, armed again."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from headrace_server.core.ingestion.endings import go_on
from headrace_server.core.jobs.changes import queued
from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.pages import page_of, position_of
from headrace_server.core.together import Together
from headrace_server.core.watching import Watches
from headrace_server.db import holds as hold_rows
from headrace_server.db import remote_jobs as remote_rows
from headrace_server.db import uploads as upload_rows
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.remote_queue import RemoteQueue
from headrace_server.db.wakeups import Wakeups, ingestion_topic, job_topic, waiting_topic
from headrace_server.files.spool import Spool
from headrace_server.model.errors import NotFoundError, WrongStateError
from headrace_server.model.job import Job, JobStatus, NewJob
from headrace_server.model.page import Page, PageRequest
from headrace_server.model.remote_job import (
    LEASE,
    NewRemoteJob,
    RemoteJob,
    RemoteResult,
    clocks_of,
    kind_of,
)
from headrace_server.model.tenant import Principal

#: how long a job that has ended, and its result, are kept
KEPT = timedelta(days=7)
_SWEPT_AT_ONCE = 1000
_AT_ONCE = 50


class RemoteJobs:
    """A tenant's remote jobs. Methods that name one raise NotFoundError for any other's."""

    def __init__(
        self,
        store: ControlStore,
        jobs: Jobs,
        queue: RemoteQueue,
        wakeups: Wakeups,
        watches: Watches,
        spool: Spool,
        lease: timedelta = LEASE,
    ) -> None:
        """Let a worker that is silent for `lease` lose its job."""
        self._store = store
        self._jobs = jobs
        self._queue = queue
        self._wakeups = wakeups
        self._watches = watches
        self._spool = spool
        self._lease = lease
        self._together = Together(self._create, _AT_ONCE)

    async def create(self, caller: Principal, new: Sequence[NewRemoteJob]) -> Sequence[Job]:
        """Queue jobs, all in one transaction, and wake who waits for such."""
        return await self._create(caller.tenant_id, new)

    async def create_one(self, caller: Principal, new: NewRemoteJob) -> Job:
        """Queue a job, together with others of the tenant that come at once."""
        return await self._together.do(caller.tenant_id, new)

    async def create_as(self, caller: Principal, new: NewRemoteJob, job_id: str) -> Job:
        """Queue a job under an id that none has."""
        entry = replace(_queue_entry(caller.tenant_id, new, self._lease), job_id=job_id)
        (created,) = await self._insert([entry], [new])
        self._announce([created])
        return created

    async def _create(self, tenant_id: str, new: Sequence[NewRemoteJob]) -> Sequence[Job]:
        entries = [_queue_entry(tenant_id, each, self._lease) for each in new]
        if any(each.ingestion_task_id for each in new):
            created = await self._insert(entries, new)
        else:
            now = self._jobs.given_now
            stored = [queued(each, now or datetime.now(UTC)) for each in entries]
            created = await self._queue.insert(stored, new, now)
        self._announce(created)
        return created

    async def _insert(self, entries: Sequence[NewJob], new: Sequence[NewRemoteJob]) -> list[Job]:
        async with self._store.begin() as connection:
            created = await self._jobs.enqueue_all(connection, entries)
            named = {each.ingestion_task_id for each in new} - {""}
            held = await hold_rows.share_open(connection, entries[0].tenant_id, named)
            await remote_rows.insert(connection, created, new, held)
        return created

    async def get(self, caller: Principal, job_id: str) -> RemoteJob:
        """Return a job as it stands."""
        async with self._store.read() as connection:
            found = await remote_rows.find(connection, caller.tenant_id, job_id)
        if found is None:
            raise NotFoundError("job", job_id)
        return found

    async def result(self, caller: Principal, job_id: str) -> RemoteResult:
        """Return what a worker made of a job. Raises WrongStateError where there is nothing."""
        found = await self.get(caller, job_id)
        if found.result is None:
            status = shown_status(found.job.status)
            raise WrongStateError(f"the job is {status}: it has no result", status=status)
        return found.result

    def watch(
        self, caller: Principal, job_id: str, after_revision: int
    ) -> AsyncGenerator[RemoteJob, None]:
        """Yield snapshots as `Watches.stream` does."""
        return self._watches.stream(
            caller.tenant_id, job_topic(job_id), lambda: self.get(caller, job_id), after_revision
        )

    async def list(
        self, caller: Principal, status: JobStatus | None, content_type: str, page: PageRequest
    ) -> Page[RemoteJob]:
        """Return a page of the jobs, newest first. Raises InvalidFieldError for a bad token."""
        async with self._store.read() as connection:
            rows = await remote_rows.page(
                connection,
                caller.tenant_id,
                status=status,
                content_type=content_type,
                after=position_of(page.token),
                limit=page.limit + 1,
            )
        return page_of(
            rows, page.limit, lambda row: (row.job.created_at.isoformat(), row.job.job_id)
        )

    async def cancel(self, caller: Principal, job_id: str) -> RemoteJob:
        """End a job that has not ended; its worker hears of it at the next heartbeat.

        Doing so twice changes nothing. Raises WrongStateError where it has ended otherwise.
        """
        topics = [job_topic(job_id)]
        async with self._store.begin() as connection:
            before = await self._lock(connection, caller, job_id)
            if before.job.status is not JobStatus.CANCELLED:
                job = await self._jobs.cancel(connection, caller.tenant_id, job_id)
                topics += await self._ended(connection, job)
        for topic in topics:
            self._wakeups.notify(topic)
        return await self.get(caller, job_id)

    async def rearm(self, caller: Principal, job_id: str) -> RemoteJob:
        """Queue a job again that failed, timed out or was cancelled. Raises WrongStateError.

        It keeps the ingestion that it names open again, unless that has ended meanwhile.
        """
        async with self._store.begin() as connection:
            named = (await self._lock(connection, caller, job_id)).ingestion_task_id
            job = await self._jobs.rearm(connection, caller.tenant_id, job_id)
            held = named and await hold_rows.share_open(connection, caller.tenant_id, [named])
            await remote_rows.change(connection, [job_id], {"holds": named if held else None})
        self._announce([job])
        self._wakeups.notify(job_topic(job_id))
        return await self.get(caller, job_id)

    async def delete(self, caller: Principal, job_id: str) -> None:
        """Delete a job that has ended, and its result. Raises WrongStateError."""
        async with self._store.begin() as connection:
            found = await self._lock(connection, caller, job_id)
            if not found.terminal:
                status = shown_status(found.job.status)
                raise WrongStateError(f"the job is {status}: cancel it first", status=status)
            uploads = await upload_rows.delete_results(connection, [job_id])
            await remote_rows.delete(connection, [job_id])
        await self._drop_bytes(uploads)

    async def sweep(self) -> int:
        """Delete the jobs that ended long ago; return how many."""
        async with self._store.read() as connection:
            before = await self._jobs.now(connection) - KEPT
            # Among a million jobs that is a while, for which nobody who writes should wait.
            if not await remote_rows.ended_before(connection, before, 1):
                return 0
        async with self._store.begin() as connection:
            ended = await remote_rows.ended_before(connection, before, _SWEPT_AT_ONCE)
            old = [job_id for _, job_id in ended]
            uploads = await upload_rows.delete_results(connection, old) if old else []
            if old:
                await remote_rows.delete(connection, old)
        await self._drop_bytes(uploads)
        return len(old)

    async def _drop_bytes(self, uploads: Iterable[str]) -> None:
        for upload_id in uploads:
            await asyncio.to_thread(self._spool.drop_upload, upload_id)

    async def failed(self, connection: Connection, job: Job) -> Sequence[str]:
        """Record a failure that the queue found out itself; returns what to notify."""
        if job.status is JobStatus.PENDING:
            await remote_rows.change(connection, [job.job_id])
            return [job_topic(job.job_id)]
        return [job_topic(job.job_id), *await self._ended(connection, job)]

    async def _ended(self, connection: Connection, job: Job) -> Sequence[str]:
        """Write that a job ended without a result, and move on the ingestion that it held."""
        named = await remote_rows.end(connection, [job.job_id])
        if not named:
            return []
        waiting = await hold_rows.lock_open(connection, job.tenant_id, named)
        now = await self._jobs.now(connection)
        await go_on(connection, job.tenant_id, waiting, dict.fromkeys(waiting, told_of(job)), now)
        return [ingestion_topic(request_id) for request_id in waiting]

    async def _lock(self, connection: Connection, caller: Principal, job_id: str) -> RemoteJob:
        found = await remote_rows.lock(connection, caller.tenant_id, [job_id])
        if job_id not in found:
            raise NotFoundError("job", job_id)
        return found[job_id][1]

    def _announce(self, waiting: Iterable[Job]) -> None:
        for topic in {waiting_topic(job.tenant_id, job.kind) for job in waiting}:
            self._wakeups.notify(topic)


def shown_status(status: JobStatus) -> str:
    """Return the status as callers know it."""
    return "PROCESSING" if status is JobStatus.RUNNING else status.value


def told_of(job: Job) -> str:
    """Say how a job ended, to who waits for it."""
    what = job.kind.partition(":")[2]
    if job.status is JobStatus.COMPLETED:
        return f"the {what} conversion of job {job.job_id} has arrived"
    if job.status is JobStatus.CANCELLED:
        return f"the {what} conversion of job {job.job_id} was cancelled"
    return f"the {what} conversion of job {job.job_id} failed: {job.last_error}"


def _queue_entry(tenant_id: str, new: NewRemoteJob, lease: timedelta) -> NewJob:
    return NewJob(
        kind=kind_of(new.content_type),
        tenant_id=tenant_id,
        payload={},
        priority=new.priority,
        max_retries=new.max_retries,
        clocks=clocks_of(new.content_type, lease),
    )
