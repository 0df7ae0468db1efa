"""Runs that somebody starts, and runs that newer ones make superfluous."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.pipelines.runs import Runs
from headrace_server.core.schedules.schedules import Schedules
from headrace_server.core.schedules.times import check_moment
from headrace_server.core.triggers.firing import Fire, Firing
from headrace_server.core.triggers.outcomes import Outcomes
from headrace_server.db.engine import ControlStore
from headrace_server.db.wakeups import Wakeups, run_topic
from headrace_server.model.errors import InvalidFieldError, NotFoundError, WrongStateError
from headrace_server.model.job import Job
from headrace_server.model.run import Run, RunStatus
from headrace_server.model.tenant import Principal

_SLOW_POLL = 0.5


class ManualRuns:
    """Starts runs by hand."""

    def __init__(
        self,
        store: ControlStore,
        jobs: Jobs,
        wakeups: Wakeups,
        schedules: Schedules,
        runs: Runs,
        firing: Firing,
        outcomes: Outcomes,
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._wakeups = wakeups
        self._schedules = schedules
        self._runs = runs
        self._firing = firing
        self._outcomes = outcomes

    async def start(
        self,
        caller: Principal,
        pipeline_id: str,
        parameters: Mapping[str, Any],
        *,
        trigger_id: str = "",
        nominal_time: datetime | None = None,
    ) -> Run:
        """Start a run, which counts for a trigger where one is named, paused or not.

        Raises NotFoundError for the pipeline or the trigger, InvalidFieldError for a parameter
        or the time.
        """
        if nominal_time is not None:
            check_moment(nominal_time, "nominal_time")
        if trigger_id:
            run_id = await self._fire(caller, pipeline_id, parameters, trigger_id, nominal_time)
            return await self._runs.get(caller, run_id)
        async with self._store.begin() as connection:
            run = await self._runs.start(
                connection,
                caller.tenant_id,
                pipeline_id,
                parameters=parameters,
                nominal_time=nominal_time,
            )
        self._runs.announce()
        return run

    async def _fire(
        self,
        caller: Principal,
        pipeline_id: str,
        parameters: Mapping[str, Any],
        trigger_id: str,
        nominal_time: datetime | None,
    ) -> str:
        async with self._store.begin() as connection:
            trigger = await self._outcomes.lock(connection, caller.tenant_id, trigger_id)
            if trigger is None:
                raise NotFoundError("trigger", trigger_id)
            if trigger.pipeline_id != pipeline_id:
                raise InvalidFieldError.of(
                    "trigger_id", f"is a trigger of {trigger.pipeline_id!r}, not of this pipeline"
                )
            now = await self._schedules.now(connection)
            fire = Fire(nominal_time or now, now, parameters=parameters, wanted=True)
            execution = await self._firing.fire(connection, trigger, fire)
        self._firing.announce()
        if execution.run_id is None:
            raise WrongStateError(execution.reason or "no run was started")
        return execution.run_id

    async def wait_begun(self, caller: Principal, run: Run, seconds: float) -> Run:
        """Return a run when it has begun, or after so many seconds. Raises NotFoundError."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        async with self._wakeups.subscribe(run_topic(run.run_id)) as changes:
            while True:
                found = await self._runs.get(caller, run.run_id)
                left = until - loop.time()
                if found.status is not RunStatus.PENDING or left <= 0:
                    return found
                await changes.wait(min(left, _SLOW_POLL))

    async def cancel_superseded(self, job: Job) -> None:
        """Run a job that cancels runs which newer ones stand for."""
        why = "the trigger fired again, and lets the newest run only go on"
        for run_id in job.payload["run_ids"]:
            async with self._store.begin() as connection:
                topics = await self._runs.cancel_in(connection, job.tenant_id, run_id, why)
            for topic in topics:
                self._wakeups.notify(topic)
        self._runs.announce()
        async with self._store.begin() as connection:
            await self._jobs.complete(connection, job.job_id, job.attempt)
