"""Schedules of the tenants acme and globex, by a clock that a test sets."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from headrace_server.core.schedules.schedules import Schedules
from headrace_server.core.schedules.ticker import Ticker
from headrace_server.db import schedules as schedule_rows
from headrace_server.db import tables
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.schedules import StoredSchedule
from headrace_server.db.wakeups import Wakeups
from headrace_server.model.schedule import Lapse, Schedule, Tick, TickPolicy

START = datetime(2026, 11, 1, 12, 0, 30, tzinfo=UTC)


@dataclass
class Kept:
    """A ticker of its own, and what it had handled."""

    store: ControlStore
    wakeups: Wakeups = field(default_factory=Wakeups)
    now: datetime = START
    ticks: list[Tick] = field(default_factory=list)
    lapses: list[Lapse] = field(default_factory=list)
    #: subjects whose handling fails
    broken: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.schedules = Schedules(self.wakeups, clock=lambda: self.now)
        self.schedules.on_tick("test", self._tick, self._lapsed)
        self.ticker = Ticker(self.store, self.schedules, self.wakeups)

    async def _tick(self, _connection: Connection, tick: Tick) -> Iterable[str]:
        if tick.subject in self.broken:
            raise ValueError(tick.subject)
        self.ticks.append(tick)
        return ["told"]

    async def _lapsed(self, _connection: Connection, lapse: Lapse) -> Iterable[str]:
        self.lapses.append(lapse)
        return []

    async def set(
        self,
        subject: str,
        cron: str,
        policy: TickPolicy | None = None,
        *,
        tenant_id: str = "acme",
        since: datetime | None = None,
        zone: str = "UTC",
    ) -> datetime | None:
        async with self.store.begin() as connection:
            return await self.schedules.set(
                connection, tenant_id, "test", subject, Schedule(cron, zone), policy, since=since
            )

    async def stored(self, subject: str, tenant_id: str = "acme") -> StoredSchedule | None:
        async with self.store.begin() as connection:
            return await schedule_rows.lock(connection, tenant_id, "test", subject)

    async def tick_after(self, passed: timedelta) -> list[datetime]:
        """Let time pass; the nominal times that came."""
        self.now += passed
        before = len(self.ticks)
        await self.ticker.tick()
        return [tick.nominal_at for tick in self.ticks[before:]]


@pytest.fixture
async def kept(store: ControlStore) -> Kept:
    async with store.begin() as connection:
        await connection.execute(
            tables.tenants.insert(),
            [
                {"tenant_id": name, "display_name": name, "status": "ACTIVE", "created_at": START}
                for name in ("acme", "globex")
            ],
        )
    return Kept(store)
