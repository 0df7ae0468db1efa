"""Runs for times of a schedule that went by."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from headrace_server.core.schedules.schedules import Schedules
from headrace_server.core.schedules.times import check_moment, times_after
from headrace_server.core.triggers.firing import Fire, Firing, new_execution_id
from headrace_server.core.triggers.outcomes import Outcomes
from headrace_server.db import trigger_causes as cause_rows
from headrace_server.db import trigger_executions as execution_rows
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.model.errors import InvalidFieldError, NotFoundError, TooLargeError
from headrace_server.model.schedule import Schedule
from headrace_server.model.tenant import Principal
from headrace_server.model.trigger import Execution, ExecutionStatus, Trigger

#: runs that one backfill may start
MOST_RUNS = 500
#: times that its range may hold
MOST_TIMES = 20_000
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Range:
    """Which times are asked for, both ends among them."""

    first: datetime
    #: None for now
    last: datetime | None
    #: whether those for which there was a run are run again
    all: bool = False


@dataclass(frozen=True, slots=True)
class Backfill:
    """What a backfill started, or would."""

    executions: tuple[Execution, ...]
    #: times for which there were runs before
    left_out: int


class Backfills:
    """Starts runs for times that went by, of triggers with a schedule."""

    def __init__(
        self, store: ControlStore, schedules: Schedules, firing: Firing, outcomes: Outcomes
    ) -> None:
        self._store = store
        self._schedules = schedules
        self._firing = firing
        self._outcomes = outcomes

    async def start(
        self, caller: Principal, trigger_id: str, wanted: Range, *, dry_run: bool
    ) -> Backfill:
        """Start a run for each time of a range, oldest first; or only say which.

        Whatever the overlap policy says, all are started. Raises NotFoundError, InvalidFieldError,
        and TooLargeError for too many at once.
        """
        async with self._store.begin() as connection:
            trigger = await self._outcomes.lock(connection, caller.tenant_id, trigger_id)
            if trigger is None:
                raise NotFoundError("trigger", trigger_id)
            schedule = trigger.settings.schedule
            if schedule is None:
                raise InvalidFieldError.of("trigger_id", "must name a trigger with a schedule")
            now = await self._schedules.now(connection)
            times = _times(schedule, wanted, now)
            missed = await self._missed(connection, caller.tenant_id, trigger_id, wanted, times)
            if len(missed) > MOST_RUNS:
                raise TooLargeError(
                    f"{len(missed)} runs would be started, and {MOST_RUNS} may be at once: give a"
                    " shorter range",
                    limit=str(MOST_RUNS),
                )
            if dry_run:
                executions = [_planned(trigger, each, now) for each in missed]
            else:
                executions = [await self._fire(connection, trigger, each, now) for each in missed]
        self._firing.announce()
        return Backfill(tuple(executions), len(times) - len(missed))

    async def _missed(
        self,
        connection: Connection,
        tenant_id: str,
        trigger_id: str,
        wanted: Range,
        times: list[datetime],
    ) -> list[datetime]:
        if wanted.all or not times:
            return times
        # The history forgets executions before their runs are forgotten.
        ran = await execution_rows.nominal_times(connection, trigger_id, times[0], times[-1])
        ran |= await cause_rows.nominal_times(
            connection, tenant_id, trigger_id, times[0], times[-1]
        )
        return [each for each in times if each not in ran]

    async def _fire(
        self, connection: Connection, trigger: Trigger, nominal_at: datetime, now: datetime
    ) -> Execution:
        fire = Fire(nominal_at, now, wanted=True, backfill=True)
        return await self._firing.fire(connection, trigger, fire)


def _times(schedule: Schedule, wanted: Range, now: datetime) -> list[datetime]:
    """Return the times of a range. Raises InvalidFieldError and TooLargeError."""
    check_moment(wanted.first, "from")
    last = min(wanted.last or now, now)
    if wanted.first > last:
        raise InvalidFieldError.of("from", "must be before until, and not later than now")
    found: list[datetime] = []
    for each in takewhile(lambda at: at <= last, times_after(schedule, wanted.first - _MOMENT)):
        found.append(each)
        if len(found) > MOST_TIMES:
            raise TooLargeError(
                f"the range holds more than {MOST_TIMES} times: give a shorter one",
                limit=str(MOST_TIMES),
            )
    return found


def _planned(trigger: Trigger, nominal_at: datetime, now: datetime) -> Execution:
    return Execution(
        execution_id=new_execution_id(),
        tenant_id=trigger.tenant_id,
        trigger_id=trigger.trigger_id,
        executed_at=now,
        nominal_at=nominal_at,
        status=ExecutionStatus.QUEUED,
        backfill=True,
    )
