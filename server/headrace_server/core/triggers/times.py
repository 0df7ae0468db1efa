"""What a trigger did, and what it will do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from headrace_server.core.pages import page_of, position_of
from headrace_server.core.schedules.schedules import Schedules, delay_of
from headrace_server.core.schedules.times import upcoming
from headrace_server.db import trigger_executions as execution_rows
from headrace_server.db import triggers as trigger_rows
from headrace_server.db.engine import ControlStore
from headrace_server.db.triggers import TRIGGER
from headrace_server.model.errors import NotFoundError
from headrace_server.model.page import Page, PageRequest
from headrace_server.model.tenant import Principal
from headrace_server.model.trigger import Execution, Trigger


@dataclass(frozen=True, slots=True)
class History:
    """One page of what a trigger started, or would have, and the trigger."""

    trigger: Trigger
    page: Page[Execution]


@dataclass(frozen=True, slots=True)
class NextTime:
    """A time of a schedule."""

    nominal_at: datetime
    #: the same, as a clock shows it there
    local_time: datetime
    fires_at: datetime


class TriggerTimes:
    """The past and the future of triggers. Methods raise NotFoundError for any other tenant's."""

    def __init__(self, store: ControlStore, schedules: Schedules) -> None:
        self._store = store
        self._schedules = schedules

    async def history(self, caller: Principal, trigger_id: str, page: PageRequest) -> History:
        """Return a page of what a trigger started, or would have, newest first."""
        after = position_of(page.token)
        trigger = await self._get(caller, trigger_id)
        async with self._store.read() as connection:
            rows = await execution_rows.page(
                connection, caller.tenant_id, trigger_id, after, page.limit + 1
            )
        return History(
            trigger,
            page_of(rows, page.limit, lambda e: [e.executed_at.isoformat(), e.execution_id]),
        )

    async def preview(self, caller: Principal, trigger_id: str, count: int) -> Sequence[NextTime]:
        """Return the next times of a trigger's schedule; none where it has none."""
        trigger = await self._get(caller, trigger_id)
        schedule = trigger.settings.schedule
        if schedule is None:
            return []
        async with self._store.read() as connection:
            now = await self._schedules.now(connection)
        jitter = trigger.settings.policy.jitter
        late = delay_of(caller.tenant_id, TRIGGER, trigger_id, jitter)
        zone = ZoneInfo(schedule.time_zone)
        times = upcoming(schedule, now - late, count)
        return [NextTime(each, each.astimezone(zone), each + late) for each in times]

    async def _get(self, caller: Principal, trigger_id: str) -> Trigger:
        async with self._store.read() as connection:
            found = await trigger_rows.find(connection, caller.tenant_id, trigger_id)
        if found is None:
            raise NotFoundError("trigger", trigger_id)
        return found
