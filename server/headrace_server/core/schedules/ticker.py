"""The ticker: every server sees to the schedules that are due, none twice.

Servers need no leader: whoever locks a schedule first handles its times and moves it on to the
next in one transaction. All go by the clock of the store, whatever their own say.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import structlog

from headrace_server.core.background import in_background
from headrace_server.core.schedules.missed import due
from headrace_server.core.schedules.schedules import Schedules, delay_of
from headrace_server.db import schedules as schedule_rows
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.schedules import StoredSchedule
from headrace_server.db.wakeups import SCHEDULES, Wakeups
from headrace_server.model.errors import StorageUnavailableError
from headrace_server.model.job import retry_delay
from headrace_server.model.schedule import Lapse, Tick

#: seconds between two looks that nothing calls for: a wake-up may be lost
_SLOW_POLL = 15.0
_AFTER_AN_ERROR = 1.0
#: while another server has in its hands what is due
_SHORTEST_PAUSE = 0.05
#: schedules that are handled in one transaction
_AT_ONCE = 10

_log = structlog.get_logger(__name__)


class Ticker:
    """Handles the schedules of all tenants as they become due."""

    def __init__(self, store: ControlStore, schedules: Schedules, wakeups: Wakeups) -> None:
        self._store = store
        self._schedules = schedules
        self._wakeups = wakeups

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """See to the schedules until the block ends."""
        async with in_background(self._run(), "ticker"):
            yield

    async def _run(self) -> None:
        async with self._wakeups.subscribe(SCHEDULES) as changes:
            while True:
                try:
                    await self.tick()
                    pause = await self._pause()
                except Exception:  # noqa: BLE001  # what is due stays due
                    _log.exception("schedules.ticker_failed")
                    pause = _AFTER_AN_ERROR
                await changes.wait(pause)

    async def _pause(self) -> float:
        """Seconds until something is due, by the store's clock."""
        async with self._store.read() as connection:
            earliest = await schedule_rows.earliest(connection, self._schedules.kinds)
            if earliest is None:
                return _SLOW_POLL
            left = earliest - await self._schedules.now(connection)
        seconds = left.total_seconds()
        return min(seconds, _SLOW_POLL) if seconds > 0 else _SHORTEST_PAUSE

    async def tick(self) -> int:
        """Handle all that is due now; returns how often a schedule was taken up."""
        handled = 0
        while taken := await self._take():
            handled += taken
        return handled

    async def _take(self) -> int:
        """Handle schedules that are due; returns how many, 0 where none is or others do."""
        topics: list[str] = []
        async with self._store.begin() as connection:
            now = await self._schedules.now(connection)
            kinds = self._schedules.kinds
            taken = await schedule_rows.take_due(connection, kinds, now, _AT_ONCE)
            for stored in taken:
                topics += await self._see_to(connection, stored, now)
        for topic in dict.fromkeys(topics):
            self._wakeups.notify(topic)
        return len(taken)

    async def _see_to(
        self, connection: Connection, stored: StoredSchedule, now: datetime
    ) -> list[str]:
        """Handle a schedule and move it on; put it off where that fails, which keeps no other."""
        try:
            async with connection.begin_nested():
                return await self._handle(connection, stored, now)
        except StorageUnavailableError:
            raise
        except Exception:  # noqa: BLE001  # it stays due, and is tried again
            _log.exception("schedules.cannot_handle", kind=stored.kind, subject=stored.subject)
            failures = stored.failures + 1
            next_at = now + retry_delay(failures)
            await schedule_rows.move_on(connection, stored, stored.nominal_at, next_at, failures)
            return []

    async def _handle(
        self, connection: Connection, stored: StoredSchedule, now: datetime
    ) -> list[str]:
        late = delay_of(stored.tenant_id, stored.kind, stored.subject, stored.policy.jitter)
        come = due(stored, late, now)
        next_at = come.next_nominal and come.next_nominal + late
        await schedule_rows.move_on(connection, stored, come.next_nominal, next_at, failures=0)
        topics: list[str] = []
        of = (stored.tenant_id, stored.kind, stored.subject)
        for missed in come.missed:
            lapse = Lapse(*of, missed.first_at, missed.last_at, missed.count, missed.reason, now)
            topics += await self._schedules.note(connection, lapse)
        for nominal_at in come.ticks:
            topics += await self._schedules.handle(connection, Tick(*of, nominal_at, now))
        return topics
