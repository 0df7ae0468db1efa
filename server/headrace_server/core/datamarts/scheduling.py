"""Schedules of datamarts."""

import uuid
from collections.abc import Iterable

from headrace_server.core.datamarts.endings import refresh_topic
from headrace_server.core.datamarts.refreshes import Refreshes, find_mart
from headrace_server.core.schedules.schedules import Schedules
from headrace_server.core.schedules.times import check
from headrace_server.db import datamarts as mart_rows
from headrace_server.db.datamarts import SCHEDULE_KIND
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.wakeups import JOBS
from headrace_server.model.datamart import Cause, Datamart, MartSchedule, MartType, RefreshStrategy
from headrace_server.model.errors import InvalidFieldError, NotFoundError
from headrace_server.model.schedule import Schedule, Tick
from headrace_server.model.tenant import Principal


class MartSchedules:
    """Has datamarts refreshed when they are due."""

    def __init__(self, store: ControlStore, refreshes: Refreshes, schedules: Schedules) -> None:
        self._store = store
        self._refreshes = refreshes
        self._schedules = schedules
        schedules.on_tick(SCHEDULE_KIND, self.ticked)

    async def set(
        self,
        caller: Principal,
        schema: str,
        name: str,
        schedule: Schedule,
        *,
        concurrent: bool | None = None,
    ) -> tuple[Datamart, MartSchedule]:
        """Give a datamart a schedule in place of its strategy. Raises NotFoundError.

        Raises InvalidFieldError for a schedule that is none, and for a VIEW.
        """
        check(schedule, cron_field="schedule")
        async with self._store.begin() as connection:
            mart = await find_mart(connection, caller.tenant_id, schema, name)
            if mart.type is MartType.VIEW:
                raise InvalidFieldError.of(
                    "name", f"{schema}.{name} is a VIEW, which keeps no rows"
                )
            next_run = await self._schedules.set(
                connection, mart.tenant_id, SCHEDULE_KIND, mart.datamart_id, schedule
            )
            schedule_id = mart.schedule.schedule_id if mart.schedule else str(uuid.uuid4())
            undisturbed = mart.concurrent if concurrent is None else concurrent
            await mart_rows.update(
                connection,
                mart.datamart_id,
                strategy=RefreshStrategy.SCHEDULED.value,
                schedule_id=schedule_id,
                schedule_concurrent=undisturbed,
            )
        self._schedules.announce()
        return mart, MartSchedule(schedule_id, schedule, undisturbed, next_run)

    async def clear(
        self, caller: Principal, schema: str, name: str
    ) -> tuple[Datamart, MartSchedule]:
        """Take a datamart's schedule away; returns what it was. Raises NotFoundError."""
        async with self._store.begin() as connection:
            mart = await find_mart(connection, caller.tenant_id, schema, name)
            await self._schedules.clear(connection, mart.tenant_id, SCHEDULE_KIND, mart.datamart_id)
            if mart.schedule is None:
                raise NotFoundError("schedule", f"{schema}.{name}")
            await mart_rows.update(
                connection,
                mart.datamart_id,
                strategy=RefreshStrategy.ON_DEMAND.value,
                schedule_id=None,
                schedule_concurrent=None,
            )
        return mart, mart.schedule

    async def ticked(self, connection: Connection, tick: Tick) -> Iterable[str]:
        """Begin the refresh that is due, in the transaction that moves the schedule on."""
        mart = await mart_rows.find_in_any_tenant(connection, tick.subject)
        if mart is None:
            # It was deleted just as it was given its schedule.
            await self._schedules.clear(connection, tick.tenant_id, SCHEDULE_KIND, tick.subject)
            return []
        if mart.schedule is None:
            return []
        refresh = await self._refreshes.begin(
            connection, mart.datamart_id, Cause.SCHEDULE, concurrent=mart.schedule.concurrent
        )
        return [JOBS, refresh_topic(refresh.refresh_id)]
