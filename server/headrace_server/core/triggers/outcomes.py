"""What the ends of runs mean for the trigger that started them."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from headrace_server.core.schedules.schedules import Schedules
from headrace_server.core.schedules.times import next_after
from headrace_server.db import trigger_executions as execution_rows
from headrace_server.db import triggers as trigger_rows
from headrace_server.db.engine import Connection
from headrace_server.db.triggers import TRIGGER
from headrace_server.model.run import Run
from headrace_server.model.trigger import (
    ExecutionStatus,
    Trigger,
    TriggerSettings,
    TriggerStatus,
    TriggerType,
)

_MOMENT = timedelta(microseconds=1)


class Outcomes:
    """Counts how runs ended, and pauses what only fails; its callers have locked the trigger."""

    def __init__(self, schedules: Schedules) -> None:
        self._schedules = schedules

    async def lock(self, connection: Connection, tenant_id: str, trigger_id: str) -> Trigger | None:
        """Lock a tenant's trigger, its schedule first, as everybody does who may change both."""
        await self._schedules.lock(connection, tenant_id, TRIGGER, trigger_id)
        return await trigger_rows.lock(connection, tenant_id, trigger_id)

    async def succeeded(self, connection: Connection, trigger: Trigger) -> None:
        """Count a run that ended well."""
        await trigger_rows.count_success(connection, trigger.trigger_id)

    async def failed(
        self, connection: Connection, trigger: Trigger, at: datetime, error: str
    ) -> None:
        """Count a run that failed; after too many in a row the trigger is paused."""
        in_a_row = await trigger_rows.count_failure(connection, trigger.trigger_id)
        if 0 < trigger.settings.pause_after_failures <= in_a_row:
            words = f"{in_a_row} runs in a row failed, the last one: {error}"
            await self.pause(connection, trigger, at, words)

    async def lock_of_run(self, connection: Connection, run: Run) -> None:
        """Lock the trigger that started a run: before the run, as all lock them."""
        if run.trigger_id is not None:
            await self.lock(connection, run.tenant_id, run.trigger_id)

    async def resumed(self, connection: Connection, run: Run) -> Iterable[str]:
        """Take back how a run ended that goes on: it counts when it ends again."""
        if run.trigger_id is None:
            return ()
        trigger = await self.lock(connection, run.tenant_id, run.trigger_id)
        found = trigger and await execution_rows.of_run(connection, run.trigger_id, run.run_id)
        if not found or found[1] is ExecutionStatus.RUNNING:
            return ()
        execution_id, status = found
        again = {"status": ExecutionStatus.RUNNING.value, "reason": None}
        nothing = {"rows": None, "duration_seconds": None}
        await execution_rows.update(connection, execution_id, **again, **nothing)
        if status is ExecutionStatus.FAILED:
            await trigger_rows.uncount_failure(connection, run.trigger_id)
        return ()

    async def pause(
        self, connection: Connection, trigger: Trigger, at: datetime, reason: str
    ) -> None:
        """Have a trigger start nothing until it is resumed; one that is paused stays as it is."""
        if trigger.type is TriggerType.CRON:
            await self._schedules.clear(connection, trigger.tenant_id, TRIGGER, trigger.trigger_id)
        await trigger_rows.pause(connection, trigger.trigger_id, at, reason)

    async def resume(
        self, connection: Connection, trigger: Trigger, since: datetime | None
    ) -> None:
        """Have a trigger go on: with times after `since`, by default with the next one."""
        await trigger_rows.update(
            connection,
            trigger.trigger_id,
            status=TriggerStatus.ACTIVE.value,
            paused_at=None,
            pause_reason=None,
            consecutive_failures=0,
        )
        await self.schedule(connection, trigger, since)

    async def reschedule(
        self, connection: Connection, trigger: Trigger, settings: TriggerSettings
    ) -> None:
        """Give an active trigger the schedule of other settings than it has.

        A time that has come, and has not been handled yet, is not lost if it is one of both.
        """
        since, come = None, trigger.next_at
        if come is not None and settings.schedule is not None:
            kept = next_after(settings.schedule, come - _MOMENT) == come
            if kept and come <= await self._schedules.now(connection):
                since = come - _MOMENT
        await self.schedule(connection, replace(trigger, settings=settings), since)

    async def schedule(
        self, connection: Connection, trigger: Trigger, since: datetime | None
    ) -> None:
        """Give an active trigger the schedule of its settings, if it is of that type."""
        settings = trigger.settings
        if settings.schedule is not None:
            await self._schedules.set(
                connection,
                trigger.tenant_id,
                TRIGGER,
                trigger.trigger_id,
                settings.schedule,
                settings.policy,
                since=since,
            )
