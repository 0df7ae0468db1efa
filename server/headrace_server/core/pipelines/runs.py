"""Runs of pipelines: started, read, cancelled, resumed, approved."""

import uuid
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.jobs.recalls import call
from headrace_server.core.limits import Limits
from headrace_server.core.pages import decode_token, page_of, position_of
from headrace_server.core.pipelines.beginning import new_run, reopened
from headrace_server.core.pipelines.ending import RunEnds
from headrace_server.core.watching import Watches
from headrace_server.db import pipelines as pipeline_rows
from headrace_server.db import runs as run_rows
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.wakeups import RUNS, Wakeups, run_topic
from headrace_server.model.errors import NotFoundError, QuotaExceededError, WrongStateError
from headrace_server.model.job import Clocks, NewJob
from headrace_server.model.page import Page, PageRequest
from headrace_server.model.pipeline import Pipeline
from headrace_server.model.run import (
    RESUMABLE,
    LogLine,
    Run,
    RunStatus,
    StepStatus,
    Verdict,
)
from headrace_server.model.tenant import Principal

#: kind of the job that moves a run on; its payload names the run
ADVANCE_RUN = "advance_run"
#: how long a run is kept after its end
KEPT = timedelta(days=30)
#: runs of one pipeline at most that have not ended
MOST_OPEN = 1000
#: what one look at a run may take at most
_ATTEMPT = timedelta(minutes=10)
#: failed attempts in a row that end a run, about half an hour after the first
_ATTEMPTS = 10
_SWEPT_AT_ONCE = 500


class Runs:
    """A tenant's runs. Methods that name one raise NotFoundError for any other's."""

    def __init__(
        self,
        store: ControlStore,
        jobs: Jobs,
        ends: RunEnds,
        watches: Watches,
        wakeups: Wakeups,
        limits: Limits,
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._ends = ends
        self._watches = watches
        self._wakeups = wakeups
        self._limits = limits

    async def start(
        self,
        connection: Connection,
        tenant_id: str,
        pipeline_id: str,
        *,
        parameters: Mapping[str, Any],
        trigger_id: str | None = None,
        nominal_time: datetime | None = None,
        event: Mapping[str, Any] | None = None,
    ) -> Run:
        """Queue a run in the caller's transaction; `announce` it once that is committed.

        Texts among the parameters are templates: "{{ execution_date }}" is the day of the nominal
        time, in its time zone; the present one if not given. Raises NotFoundError for the pipeline,
        InvalidFieldError for a parameter, QuotaExceededError for too many runs that have not ended.
        """
        pipeline = await pipeline_rows.share(connection, tenant_id, pipeline_id)
        if pipeline is None:
            raise NotFoundError("pipeline", pipeline_id)
        await self._refuse_too_many(connection, pipeline)
        now = await self._jobs.now(connection)
        run = new_run(
            f"run_{uuid.uuid4().hex}",
            pipeline,
            parameters,
            trigger_id,
            nominal_time or now,
            event or {},
            now,
        )
        job = await self._jobs.enqueue(
            connection,
            NewJob(
                ADVANCE_RUN,
                tenant_id,
                {"run_id": run.run_id},
                max_retries=_ATTEMPTS,
                clocks=Clocks(lease=self._limits.lease, attempt=_ATTEMPT),
            ),
        )
        await run_rows.insert(connection, run, job.job_id)
        return run

    async def _refuse_too_many(self, connection: Connection, pipeline: Pipeline) -> None:
        open_ones = await run_rows.open_ids(connection, pipeline.tenant_id, pipeline.pipeline_id)
        if len(open_ones) >= MOST_OPEN:
            raise QuotaExceededError(
                f"{MOST_OPEN} runs of the pipeline have not ended; wait for some, or cancel them",
                limit="open_runs",
                retry_after=60,
            )

    def announce(self) -> None:
        """Wake who moves runs on, after the commit of `start` or `cancel_in`."""
        self._jobs.announce()

    async def get(self, caller: Principal, run_id: str) -> Run:
        """Return a run as it stands."""
        async with self._store.read() as connection:
            found = await run_rows.find(connection, caller.tenant_id, run_id)
        if found is None:
            raise NotFoundError("run", run_id)
        return found

    def watch(
        self, caller: Principal, run_id: str, after_revision: int
    ) -> AsyncGenerator[Run, None]:
        """Yield snapshots as `Watches.stream` does."""
        return self._watches.stream(
            caller.tenant_id, run_topic(run_id), lambda: self.get(caller, run_id), after_revision
        )

    async def list(
        self,
        caller: Principal,
        page: PageRequest,
        *,
        pipeline_id: str = "",
        trigger_id: str = "",
        status: RunStatus | None = None,
    ) -> Page[Run]:
        """Return a page of the runs, newest first, without steps. Raises InvalidFieldError."""
        async with self._store.read() as connection:
            found = await run_rows.page(
                connection,
                caller.tenant_id,
                pipeline_id=pipeline_id,
                trigger_id=trigger_id,
                status=status,
                after=position_of(page.token),
                limit=page.limit + 1,
            )
        return page_of(found, page.limit, lambda last: [last.created_at.isoformat(), last.run_id])

    async def logs(
        self, caller: Principal, run_id: str, step_id: str, page: PageRequest
    ) -> Page[LogLine]:
        """Return a page of what happened to the steps of a run, or to one of them."""
        run = await self.get(caller, run_id)
        if step_id and step_id not in {step.step_id for step in run.steps}:
            raise NotFoundError("step", step_id)
        after = int(decode_token(page.token, int)[0]) if page.token else 0
        async with self._store.read() as connection:
            found = await run_rows.log_page(
                connection, run_id, step_id=step_id, after=after, limit=page.limit + 1
            )
        return page_of(found, page.limit, lambda last: [last.number])

    async def cancel(self, caller: Principal, run_id: str) -> Run:
        """End a run that has not ended, and what its steps have under way."""
        async with self._store.begin() as connection:
            topics = await self.cancel_in(connection, caller.tenant_id, run_id)
        self._tell(topics)
        return await self.get(caller, run_id)

    async def cancel_in(
        self,
        connection: Connection,
        tenant_id: str,
        run_id: str,
        why: str = "cancelled on request",
    ) -> Sequence[str]:
        """`cancel` in the caller's transaction; returns what to notify after, with `announce`."""
        run = await self._lock(connection, tenant_id, run_id)
        if run.terminal:
            return []
        now = await self._jobs.now(connection)
        topics = await self._ends.cut(connection, run, RunStatus.CANCELLED, why, now)
        return [run_topic(run_id), *topics]

    async def resume(self, caller: Principal, run_id: str) -> Run:
        """Have a run go on that failed or was cancelled; what succeeded stays.

        Raises WrongStateError for any other.
        """
        async with self._store.begin() as connection:
            found = await run_rows.find(connection, caller.tenant_id, run_id)
            if found is not None:
                await self._ends.resuming(connection, found)
            run = await self._lock(connection, caller.tenant_id, run_id)
            if run.status not in RESUMABLE:
                status = run.status.value
                raise WrongStateError(f"the run is {status}: there is nothing to resume")
            await self._reopen(connection, run)
            topics = await self._ends.resumed(connection, run)
        self._tell([run_topic(run_id), RUNS, *topics])
        return await self.get(caller, run_id)

    async def _reopen(self, connection: Connection, run: Run) -> None:
        now = await self._jobs.now(connection)
        again = reopened(run)
        lines = [LogLine(step.step_id, step.attempt, now, "resumed") for step in again]
        span = run.deadline_at - run.created_at if run.deadline_at else None
        await run_rows.write_steps(connection, run.run_id, again)
        await run_rows.log(connection, run.run_id, lines)
        await run_rows.update(
            connection,
            run.run_id,
            status=RunStatus.RUNNING.value,
            error=None,
            completed_at=None,
            deadline_at=None if span is None else now + span,
        )

    async def approve(
        self, caller: Principal, run_id: str, step_id: str, *, approved: bool, comment: str = ""
    ) -> Run:
        """Decide an approval that a run waits for; the same decision again changes nothing.

        Raises WrongStateError where it does not wait, or was decided otherwise.
        """
        async with self._store.begin() as connection:
            run = await self._lock(connection, caller.tenant_id, run_id)
            step = next((step for step in run.steps if step.step_id == step_id), None)
            if step is None:
                raise NotFoundError("step", step_id)
            if step.verdict is not None and step.verdict.approved == approved:
                return run
            if step.status is not StepStatus.WAITING or step.verdict is not None:
                raise WrongStateError(f"step {step_id} does not wait for approval")
            now = await self._jobs.now(connection)
            verdict = Verdict(approved, caller.key_id or "anonymous", now, comment)
            await run_rows.write_steps(connection, run_id, [replace(step, verdict=verdict)])
        self._tell([run_topic(run_id), RUNS])
        return await self.get(caller, run_id)

    async def guard_deletion(
        self, connection: Connection, pipeline: Pipeline, force: bool
    ) -> Sequence[str]:
        """Refuse to delete a pipeline with runs under way; cancel them where that is forced."""
        tenant_id, pipeline_id = pipeline.tenant_id, pipeline.pipeline_id
        open_ones = await run_rows.open_ids(connection, tenant_id, pipeline_id)
        if open_ones and not force:
            raise WrongStateError(
                f"{len(open_ones)} runs of the pipeline have not ended: cancel them, or force it"
            )
        return [
            topic
            for run_id in open_ones
            for topic in await self.cancel_in(
                connection, tenant_id, run_id, "its pipeline was deleted"
            )
        ]

    async def sweep(self) -> int:
        """Forget runs that ended long ago, and versions of pipelines that none is of; how many."""
        async with self._store.begin() as connection:
            before = await self._jobs.now(connection) - KEPT
            old = await run_rows.ended_before(connection, before, _SWEPT_AT_ONCE)
            if old:
                await run_rows.delete(connection, old)
            await pipeline_rows.delete_unused_versions(connection, before)
        return len(old)

    async def _lock(self, connection: Connection, tenant_id: str, run_id: str) -> Run:
        """Lock a run and call its job, which is locked before it."""
        job_id = await run_rows.job_of(connection, tenant_id, run_id)
        if job_id is None:
            raise NotFoundError("run", run_id)
        await call(self._jobs, connection, tenant_id, job_id)
        run = await run_rows.lock(connection, run_id)
        if run is None:
            raise NotFoundError("run", run_id)
        return run

    def _tell(self, topics: Sequence[str]) -> None:
        for topic in topics:
            self._wakeups.notify(topic)
        self._jobs.announce()
