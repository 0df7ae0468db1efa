"""Results of remote workers: each takes effect once, with all that depends on it."""

from collections.abc import Container, Sequence
from dataclasses import replace
from datetime import datetime

from headrace_server.core.ingestion.endings import go_on
from headrace_server.core.jobs.changes import ended
from headrace_server.core.jobs.leases import held_claim
from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.remote_jobs.requests import told_of
from headrace_server.core.together import Together
from headrace_server.db import holds as hold_rows
from headrace_server.db import remote_jobs as remote_rows
from headrace_server.db import uploads as upload_rows
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.jobs import StoredJob
from headrace_server.db.remote_queue import RemoteQueue
from headrace_server.db.wakeups import Wakeups, ingestion_topic, job_topic
from headrace_server.model.errors import (
    HeadraceError,
    InvalidFieldError,
    NotFoundError,
    StaleAttemptError,
)
from headrace_server.model.job import JobStatus
from headrace_server.model.remote_job import (
    Acknowledgement,
    RemoteJob,
    RemoteResult,
    Submission,
)
from headrace_server.model.tenant import Principal

Outcome = Acknowledgement | HeadraceError

_AT_ONCE = 50
_DONE = Acknowledgement(JobStatus.COMPLETED, ingestion_continued=False)


class RemoteResults:
    """Takes the ends of attempts."""

    def __init__(
        self, store: ControlStore, jobs: Jobs, queue: RemoteQueue, wakeups: Wakeups
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._queue = queue
        self._wakeups = wakeups
        self._together = Together(self._submit, _AT_ONCE)

    async def submit(self, caller: Principal, submission: Submission) -> Acknowledgement:
        """`submit_all` of one. Raises NotFoundError, StaleAttemptError."""
        outcome = await self._together.do(caller.tenant_id, submission)
        if isinstance(outcome, HeadraceError):
            raise outcome
        return outcome

    async def submit_all(
        self, caller: Principal, submissions: Sequence[Submission]
    ) -> list[Outcome]:
        """End attempts; each takes effect whole or not at all; their outcomes are in order.

        A success that names an open ingestion of the tenant moves it on in one transaction: its
        details say which conversion arrived, and its revision rises; it ends where it waited for
        that job alone. The last failure of a job is told and ends the waiting too. A submission
        that is repeated is answered as it was the first time.
        """
        return await self._submit(caller.tenant_id, submissions)

    async def _submit(self, tenant_id: str, submissions: Sequence[Submission]) -> list[Outcome]:
        done = await self._complete(tenant_id, submissions)
        rest = [each for each in submissions if id(each) not in done]
        outcomes = iter(await self._take(tenant_id, rest) if rest else [])
        return [_DONE if id(each) in done else next(outcomes) for each in submissions]

    async def _complete(self, tenant_id: str, submissions: Sequence[Submission]) -> set[int]:
        """Take the successes that nothing depends on; return which objects were taken."""
        first = {each.job_id: each for each in reversed(submissions)}
        plain = {job_id: each for job_id, each in first.items() if _is_plain(each)}
        if not plain:
            return set()
        now = self._jobs.given_now
        done = await self._queue.complete(tenant_id, list(plain.values()), now)
        for job_id in done:
            self._wakeups.notify(job_topic(job_id))
        return {id(plain[job_id]) for job_id in done}

    async def _take(self, tenant_id: str, submissions: Sequence[Submission]) -> list[Outcome]:
        async with self._store.begin() as connection:
            batch = _Batch(
                connection,
                self._jobs,
                tenant_id,
                now=await self._jobs.now(connection),
                found=await remote_rows.lock(
                    connection, tenant_id, {each.job_id for each in submissions}
                ),
            )
            errors = [await batch.take(each) for each in submissions]
            topics = await batch.write()
        for topic in topics:
            self._wakeups.notify(topic)
        return [
            error or batch.acknowledgement(each.job_id)
            for error, each in zip(errors, submissions, strict=True)
        ]


class _Batch:
    """Submissions taken within one transaction, whose jobs are locked."""

    def __init__(
        self,
        connection: Connection,
        jobs: Jobs,
        tenant_id: str,
        *,
        now: datetime,
        found: dict[str, tuple[StoredJob, RemoteJob]],
    ) -> None:
        self._connection = connection
        self._jobs = jobs
        self._tenant_id = tenant_id
        self._now = now
        self._stored = {job_id: stored for job_id, (stored, _) in found.items()}
        self._records = {job_id: record for job_id, (_, record) in found.items()}
        self._completed: dict[str, RemoteResult] = {}
        self._failed: list[str] = []
        self._dead: list[str] = []

    async def take(self, submission: Submission) -> HeadraceError | None:
        """Let a submission take effect; return why it may not."""
        job_id = submission.job_id
        if job_id not in self._records:
            return NotFoundError("job", job_id)
        if await self._is_repeated(submission):
            return None
        try:
            held = held_claim(self._stored[job_id], job_id, submission.attempt, self._now)
            await self._take_upload(submission)
            await self._end(held, submission)
        except (StaleAttemptError, InvalidFieldError) as error:
            return error
        return None

    async def _take_upload(self, submission: Submission) -> None:
        """Make the upload that holds the content, if one does, the job's own."""
        token, job_id = submission.result.upload_token, submission.job_id
        if token is None:
            return
        if token == self._records[job_id].source_file_path or not await upload_rows.make_result(
            self._connection, self._tenant_id, token, job_id, submission.attempt
        ):
            raise InvalidFieldError.of(
                "upload_token",
                "must name a completed upload session that keeps its bytes, and of no other result",
            )

    async def _is_repeated(self, submission: Submission) -> bool:
        job = self._records[submission.job_id].job
        if job.attempt != submission.attempt:
            return False
        if submission.success:
            completed = job.status is JobStatus.COMPLETED
            return completed and await self._result(job.job_id) == submission.result
        failed = job.status in {JobStatus.PENDING, JobStatus.FAILED}
        return failed and job.failures > 0 and job.last_error == _words(submission)

    async def _result(self, job_id: str) -> RemoteResult | None:
        if job_id in self._completed:
            return self._completed[job_id]
        # One after the other: each may be large.
        found = await remote_rows.find(self._connection, self._tenant_id, job_id)
        return None if found is None else found.result

    async def _end(self, held: StoredJob, submission: Submission) -> None:
        job_id = submission.job_id
        if submission.success:
            job = replace(held.job, **ended(JobStatus.COMPLETED, self._now))
            self._completed[job_id] = submission.result
        else:
            words = _words(submission)
            job = await self._jobs.fail(self._connection, job_id, submission.attempt, words)
            (self._failed if job.status is JobStatus.PENDING else self._dead).append(job_id)
        self._stored[job_id] = replace(held, job=job)
        self._records[job_id] = replace(self._records[job_id], job=job)

    async def write(self) -> list[str]:
        """Write what was taken; return the topics to notify of after the commit."""
        news = self._news()
        waiting = await hold_rows.lock_open(self._connection, self._tenant_id, news) if news else {}
        await self._write_jobs(waiting)
        await go_on(self._connection, self._tenant_id, waiting, news, self._now)
        changed = [*self._completed, *self._failed, *self._dead]
        return [*map(job_topic, changed), *map(ingestion_topic, waiting)]

    def _news(self) -> dict[str, str]:
        """What to say of the ingestions, or labels, that ended jobs name."""
        news = {}
        for job_id in (*self._dead, *self._completed):
            record = self._records[job_id]
            if record.ingestion_task_id:
                news[record.ingestion_task_id] = told_of(record.job)
        return news

    async def _write_jobs(self, open_ingestions: Container[str]) -> None:
        for job_id in self._completed:
            record = self._records[job_id]
            if record.ingestion_task_id in open_ingestions:
                self._records[job_id] = replace(record, ingestion_continued=True)
        if self._completed:
            results = {
                job_id: (result, self._records[job_id].ingestion_continued)
                for job_id, result in self._completed.items()
            }
            await self._jobs.complete_all(self._connection, list(results), self._now)
            await remote_rows.complete(self._connection, results)
        if self._failed:
            await remote_rows.change(self._connection, self._failed)
        if self._dead:
            await remote_rows.end(self._connection, self._dead)

    def acknowledgement(self, job_id: str) -> Acknowledgement:
        """Return what became of a submission that was taken, now or before."""
        record = self._records[job_id]
        return Acknowledgement(record.job.status, record.ingestion_continued)


def _is_plain(submission: Submission) -> bool:
    return submission.success and submission.result.upload_token is None


def _words(submission: Submission) -> str:
    return submission.error_message or "the worker gave no reason"
