"""What happens where a trigger fires: a run begins or waits, or the history tells why not."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.pipelines.runs import Runs
from headrace_server.core.triggers.loops import marked, refusal
from headrace_server.core.triggers.outcomes import Outcomes
from headrace_server.db import tenants as tenant_rows
from headrace_server.db import trigger_executions as execution_rows
from headrace_server.db import triggers as trigger_rows
from headrace_server.db.engine import Connection
from headrace_server.db.wakeups import JOBS
from headrace_server.model.errors import HeadraceError, StorageUnavailableError
from headrace_server.model.job import NewJob
from headrace_server.model.tenant import TenantStatus
from headrace_server.model.trigger import (
    Execution,
    ExecutionStatus,
    Overlap,
    Trigger,
    TriggerStatus,
)

#: kind of the job that cancels runs which newer ones stand for; its payload names them
CANCEL_RUNS = "cancel_runs"
#: runs of one trigger that may be open at once
MOST_OPEN = 1000
#: of the executions, in 256, that have those forgotten that are too old
_FORGETTING = 8


def new_execution_id() -> str:
    """Return an id that no execution has; of one process later ones sort behind."""
    return f"exec_{time.time_ns():016x}{secrets.token_hex(8)}"


@dataclass(frozen=True, slots=True)
class Fire:
    """A trigger fires."""

    #: what it stands for; of a schedule, when it was due
    nominal_at: datetime
    #: by the store's clock
    fired_at: datetime
    #: what templates name; JSON
    event: Mapping[str, Any] = field(default_factory=dict)
    #: what the run is given beside the trigger's parameters, and instead of them; JSON
    parameters: Mapping[str, Any] = field(default_factory=dict)
    webhook_id: str | None = None
    execution_id: str = field(default_factory=new_execution_id)
    #: whether somebody asked for it: neither pauses nor runs under way keep it
    wanted: bool = False
    #: whether somebody asked for it afterwards
    backfill: bool = False


class Firing:
    """Fires triggers, in transactions of their callers, who have locked them.

    Whoever locks a trigger's schedule too has done so before.
    """

    def __init__(self, runs: Runs, jobs: Jobs, outcomes: Outcomes) -> None:
        self._runs = runs
        self._jobs = jobs
        self._outcomes = outcomes

    async def fire(self, connection: Connection, trigger: Trigger, fire: Fire) -> Execution:
        """Fire a trigger that is locked; `announce` what came of it after the commit."""
        new = Execution(
            execution_id=fire.execution_id,
            tenant_id=trigger.tenant_id,
            trigger_id=trigger.trigger_id,
            executed_at=fire.fired_at,
            nominal_at=fire.nominal_at,
            status=ExecutionStatus.RUNNING,
            event=fire.event,
            parameters=fire.parameters,
            webhook_id=fire.webhook_id,
            backfill=fire.backfill,
        )
        reason = await _refusal(connection, trigger, new, wanted=fire.wanted)
        if reason is not None:
            execution = replace(new, status=ExecutionStatus.SKIPPED, reason=reason)
        elif fire.wanted or await self._may_begin_now(connection, trigger):
            execution = await self.begin(connection, trigger, new)
        else:
            execution = await self._held_up(connection, trigger, new)
        await execution_rows.insert(connection, [execution])
        if int(execution.execution_id[-2:], 16) < _FORGETTING:
            await execution_rows.forget_old(connection, trigger.trigger_id)
        return execution

    def announce(self) -> None:
        """Wake the workers, after the commit of `fire` or `begin`."""
        self._runs.announce()

    #: what a handler of ticks returns in place of `announce`
    topics = (JOBS,)

    async def begin_queued(self, connection: Connection, trigger: Trigger) -> bool:
        """Begin what waits for the run before it, if that has ended; whether anything did."""
        queued = await execution_rows.queued(connection, trigger.trigger_id)
        if queued is None or await execution_rows.open_runs(connection, trigger.trigger_id):
            return False
        begun = await self.begin(connection, trigger, queued)
        await execution_rows.update(
            connection,
            queued.execution_id,
            status=begun.status.value,
            run_id=begun.run_id,
            reason=begun.reason,
        )
        return True

    async def _may_begin_now(self, connection: Connection, trigger: Trigger) -> bool:
        """Whether a run may begin; what waits since before goes first, seen to end or not."""
        await self.begin_queued(connection, trigger)
        return await self._may_begin(connection, trigger)

    async def _may_begin(self, connection: Connection, trigger: Trigger) -> bool:
        """Whether a run may begin now; one that has to make room is told to end."""
        under_way = await execution_rows.open_runs(connection, trigger.trigger_id)
        overlap = trigger.settings.overlap
        if overlap is Overlap.CANCEL_RUNNING and under_way:
            payload = {"run_ids": under_way, "trigger_id": trigger.trigger_id}
            await self._jobs.enqueue(connection, NewJob(CANCEL_RUNS, trigger.tenant_id, payload))
            return True
        return not under_way or (overlap is Overlap.ALLOW and len(under_way) < MOST_OPEN)

    async def _held_up(self, connection: Connection, trigger: Trigger, new: Execution) -> Execution:
        """Return what becomes of an execution while the run before it has not ended."""
        overlap = trigger.settings.overlap
        if overlap is Overlap.ALLOW:
            reason = f"{MOST_OPEN} runs that the trigger started have not ended"
        elif overlap is Overlap.SKIP:
            reason = "the run before it has not ended"
        elif await execution_rows.queued(connection, trigger.trigger_id) is None:
            return replace(new, status=ExecutionStatus.QUEUED)
        else:
            reason = "the run before it has not ended, and another waits for that already"
        return replace(new, status=ExecutionStatus.SKIPPED, reason=reason)

    async def begin(
        self, connection: Connection, trigger: Trigger, execution: Execution
    ) -> Execution:
        """Start the run of an execution; returns it with the run, or FAILED and why.

        The trigger counts it. Nothing is written of the execution itself.
        """
        try:
            async with connection.begin_nested():
                run = await self._runs.start(
                    connection,
                    trigger.tenant_id,
                    trigger.pipeline_id,
                    parameters={**trigger.settings.parameters, **execution.parameters},
                    trigger_id=trigger.trigger_id,
                    nominal_time=_local(trigger, execution.nominal_at),
                    event=marked(trigger, execution.event),
                )
        except StorageUnavailableError:
            raise
        except HeadraceError as error:
            reason = f"the run could not be started: {error.message}"
            await self._outcomes.failed(connection, trigger, execution.executed_at, reason)
            return replace(execution, status=ExecutionStatus.FAILED, reason=reason)
        await trigger_rows.count_execution(connection, trigger.trigger_id, execution.executed_at)
        return replace(execution, status=ExecutionStatus.RUNNING, run_id=run.run_id)


def _local(trigger: Trigger, instant: datetime) -> datetime:
    """Return an instant as a clock shows it where the schedule lives."""
    schedule = trigger.settings.schedule
    return instant if schedule is None else instant.astimezone(ZoneInfo(schedule.time_zone))


async def _refusal(
    connection: Connection, trigger: Trigger, new: Execution, *, wanted: bool
) -> str | None:
    """Say why a trigger starts nothing at all; None where it may."""
    tenant = await tenant_rows.find(connection, trigger.tenant_id)
    if tenant is None or tenant.status is not TenantStatus.ACTIVE:
        return "the tenant is suspended"
    if trigger.status is TriggerStatus.PAUSED and not wanted:
        return "the trigger is paused"
    return refusal(trigger, new.event)
