"""What the ends of runs mean for the trigger that started them."""

from datetime import datetime

from headrace_server.core.schedules.schedules import Schedules
from headrace_server.db import triggers as trigger_rows
from headrace_server.db.engine import Connection
from headrace_server.db.triggers import TRIGGER
from headrace_server.model.trigger import Trigger, TriggerStatus, TriggerType


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
