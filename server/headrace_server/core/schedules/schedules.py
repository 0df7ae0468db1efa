"""Schedules as their subjects set them: each subject of a kind has one at most."""

import hashlib
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta

from headrace_server.core.schedules.times import check, next_after
from headrace_server.db import schedules as schedule_rows
from headrace_server.db.engine import Connection, current_time
from headrace_server.db.schedules import StoredSchedule
from headrace_server.db.wakeups import SCHEDULES, Wakeups
from headrace_server.model.schedule import Lapse, Schedule, Tick, TickPolicy

#: Called in the transaction that moves the schedule on, with the schedule locked. Does what is due,
#: such as to enqueue a job, and returns the topics to notify after the commit.
TickHandler = Callable[[Connection, Tick], Awaitable[Iterable[str]]]
#: Likewise for times that are not made up for
LapseHandler = Callable[[Connection, Lapse], Awaitable[Iterable[str]]]

_SPREAD = 1 << 32


class Schedules:
    """Sets and clears schedules, and knows who handles their ticks.

    Whoever changes a schedule and its subject in one transaction locks the schedule first, as the
    ticker does: so two of them cannot wait for each other.
    """

    def __init__(self, wakeups: Wakeups, *, clock: Callable[[], datetime] | None = None) -> None:
        """Take the database's clock unless another is given."""
        self._wakeups = wakeups
        self._clock = clock
        self._tick_handlers: dict[str, TickHandler] = {}
        self._lapse_handlers: dict[str, LapseHandler] = {}

    def on_tick(self, kind: str, handler: TickHandler, lapsed: LapseHandler | None = None) -> None:
        """Have the ticks of a kind handled, and the times that were missed for good noted."""
        self._tick_handlers[kind] = handler
        if lapsed is not None:
            self._lapse_handlers[kind] = lapsed

    async def set(
        self,
        connection: Connection,
        tenant_id: str,
        kind: str,
        subject: str,
        schedule: Schedule,
        policy: TickPolicy | None = None,
        *,
        since: datetime | None = None,
    ) -> datetime | None:
        """Give a subject its schedule in place of the one it has; `announce` it after the commit.

        The first time is the next one; with `since`, the first one after that instant, and those
        that are past are made up for as the policy says. Returns it, None where there is none.
        Raises InvalidFieldError for a schedule that is none.
        """
        check(schedule)
        used = policy or TickPolicy()
        nominal_at = next_after(schedule, since or await self.now(connection))
        stored = StoredSchedule(
            tenant_id,
            kind,
            subject,
            schedule,
            used,
            nominal_at,
            nominal_at and nominal_at + delay_of(tenant_id, kind, subject, used.jitter),
            failures=0,
        )
        await schedule_rows.put(connection, stored)
        return nominal_at

    async def clear(
        self, connection: Connection, tenant_id: str, kind: str, subject: str
    ) -> StoredSchedule | None:
        """Take a subject's schedule away, if it has one; returns what it was."""
        stored = await schedule_rows.lock(connection, tenant_id, kind, subject)
        if stored is not None:
            await schedule_rows.delete(connection, tenant_id, kind, subject)
        return stored

    async def lock(
        self, connection: Connection, tenant_id: str, kind: str, subject: str
    ) -> StoredSchedule | None:
        """Keep a subject's schedule from ticking before the commit; None where it has none."""
        return await schedule_rows.lock(connection, tenant_id, kind, subject)

    def announce(self) -> None:
        """Tell the tickers, after the commit of `set`, of a time that may be nearer."""
        self._wakeups.notify(SCHEDULES)

    async def now(self, connection: Connection) -> datetime:
        """The time that schedules go by."""
        return await current_time(connection) if self._clock is None else self._clock()

    @property
    def kinds(self) -> list[str]:
        """The kinds whose ticks are handled here; others are left to servers that know them."""
        return list(self._tick_handlers)

    async def handle(self, connection: Connection, tick: Tick) -> Iterable[str]:
        """Have a tick handled; returns the topics to notify."""
        return await self._tick_handlers[tick.kind](connection, tick)

    async def note(self, connection: Connection, lapse: Lapse) -> Iterable[str]:
        """Have times noted that are not made up for; returns the topics to notify."""
        handler = self._lapse_handlers.get(lapse.kind)
        return () if handler is None else await handler(connection, lapse)


def delay_of(tenant_id: str, kind: str, subject: str, jitter: timedelta) -> timedelta:
    """How late the ticks of a subject are: always the same, within [0, jitter)."""
    digest = hashlib.sha256(f"{tenant_id}\0{kind}\0{subject}".encode()).digest()
    return jitter * (int.from_bytes(digest[:4], "big") / _SPREAD)
