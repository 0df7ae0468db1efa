"""Which of a schedule's times that have come are ticks, and which are missed for good."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from headrace_server.core.schedules.times import next_after
from headrace_server.db.schedules import StoredSchedule
from headrace_server.model.schedule import CatchUp

#: how late a tick may be and is still not missed: a server that is busy or begins anew
GRACE = timedelta(minutes=1)
#: ticks of one schedule that are handled at once
MOST_TICKS = 10
#: times that are counted at most where they are missed for good
MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class Missed:
    """Times in a row that are not made up for."""

    first_at: datetime
    last_at: datetime
    count: int
    reason: str


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done for a schedule now."""

    #: times to handle, oldest first
    ticks: tuple[datetime, ...]
    #: times that are too old, and those that newer ones stand for
    missed: tuple[Missed, ...]
    #: the time after all of them; None where there is none
    next_nominal: datetime | None


def due(stored: StoredSchedule, late: timedelta, now: datetime) -> Due:
    """Sort the times of a schedule that have come by `now`; `late` is how late its ticks are."""
    until = now - late
    policy = stored.policy
    earliest = until - (GRACE if policy.catch_up is CatchUp.NONE else max(policy.window, GRACE))
    old, at = _passed(stored, earliest)
    missed = [old] if old else []
    if policy.catch_up is CatchUp.LATEST:
        given_up, at = _before_latest(stored, at, until)
        missed += [given_up] if given_up else []
    ticks: list[datetime] = []
    while at is not None and at <= until and len(ticks) < MOST_TICKS:
        ticks.append(at)
        at = next_after(stored.schedule, at)
    return Due(tuple(ticks), tuple(missed), at)


def _passed(stored: StoredSchedule, earliest: datetime) -> tuple[Missed | None, datetime | None]:
    """Pass over times before `earliest`; returns them and the first one that is not before."""
    first = at = stored.nominal_at
    if first is None or first >= earliest:
        return None, first
    count, last = 0, first
    while at is not None and at < earliest and count < MOST_COUNTED:
        count, last, at = count + 1, at, next_after(stored.schedule, at)
    if at is not None and at < earliest:
        at = next_after(stored.schedule, earliest - timedelta(microseconds=1))
    return Missed(first, last, count, _reason(stored)), at


def _reason(stored: StoredSchedule) -> str:
    if stored.policy.catch_up is CatchUp.NONE:
        return "no server was there at the time, and times that are missed are not made up for"
    window = stored.policy.window.total_seconds()
    return f"no server was there at the time, nor within the catch-up window of {window:g} s"


def _before_latest(
    stored: StoredSchedule, first: datetime | None, until: datetime
) -> tuple[Missed | None, datetime | None]:
    """Pass over times that a later one stands for: those that are late, but for the last."""
    count, last, at = 0, first, first
    while at is not None and at < until - GRACE:
        following = next_after(stored.schedule, at)
        if following is None or following > until:
            break
        count, last, at = count + 1, at, following
    if first is None or last is None or not count:
        return None, at
    return Missed(first, last, count, "a later time that was missed too stands for it"), at
