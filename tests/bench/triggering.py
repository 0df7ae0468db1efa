"""Triggers on a PostgreSQL, made without calls."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from headrace_server.core.schedules.schedules import Schedules
from headrace_server.db import schedules as schedule_rows
from headrace_server.db import tenants as tenant_rows
from headrace_server.db import triggers as trigger_rows
from headrace_server.db.engine import ControlStore, current_time
from headrace_server.db.migrations import migrate
from headrace_server.db.wakeups import PostgresWakeups
from headrace_server.model.schedule import Schedule
from headrace_server.model.tenant import Tenant, TenantStatus
from headrace_server.model.trigger import (
    Overlap,
    Trigger,
    TriggerSettings,
    TriggerStatus,
    TriggerType,
)

TENANT, PIPELINE = "default", "bench"
#: a part of those that one transaction makes
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Bench:
    """A control store, and the ways to wake its servers."""

    store: ControlStore
    schedules: Schedules

    async def make(self, count: int) -> list[str]:
        """Make active triggers, each with a schedule that comes once a year; returns their ids."""
        made = [f"trigger_{number:06}" for number in range(count)]
        for start in range(0, count, _AT_ONCE):
            await self._make(made[start : start + _AT_ONCE])
        return made

    async def _make(self, trigger_ids: Sequence[str]) -> None:
        async with self.store.begin() as connection:
            now = await current_time(connection)
            for number, trigger_id in enumerate(trigger_ids):
                schedule = Schedule(f"{number % 60} {number % 24} {now.day} {now.month % 12 + 1} *")
                settings = TriggerSettings("bench", schedule=schedule, overlap=Overlap.ALLOW)
                trigger = Trigger(
                    trigger_id,
                    TENANT,
                    PIPELINE,
                    TriggerType.CRON,
                    settings,
                    TriggerStatus.ACTIVE,
                    now,
                )
                await trigger_rows.insert(connection, trigger, [])
                of = (TENANT, trigger_rows.TRIGGER, trigger_id)
                await self.schedules.set(connection, *of, schedule)

    async def come(self, trigger_id: str, after: timedelta) -> datetime:
        """Have a trigger's time come so soon; returns when that is, by the store's clock."""
        async with self.store.begin() as connection:
            of = (TENANT, trigger_rows.TRIGGER, trigger_id)
            stored = await schedule_rows.lock(connection, *of)
            assert stored is not None  # it was made
            due_at = await current_time(connection) + after
            await schedule_rows.move_on(connection, stored, due_at, due_at, 0)
        self.schedules.announce()
        return due_at


@asynccontextmanager
async def bench_on(url: str) -> AsyncIterator[Bench]:
    """Open a control store on PostgreSQL, with its schema."""
    store, wakeups = ControlStore.open(url), PostgresWakeups(url)
    await migrate(store)
    await wakeups.start()
    try:
        async with store.begin() as connection:
            now = datetime.now(UTC)
            await tenant_rows.insert(connection, Tenant(TENANT, TENANT, TenantStatus.ACTIVE, now))
        yield Bench(store, Schedules(wakeups))
    finally:
        await wakeups.close()
        await store.close()
