"""Schedules: when something is due by itself, and what becomes of times that were missed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum


@dataclass(frozen=True, slots=True)
class Schedule:
    """Times by the clock on a wall, in one place of the world."""

    #: five fields (minute, hour, day of month, month, day of week) or "@daily" and the like
    cron: str
    #: IANA name, such as "Europe/Berlin"
    time_zone: str = "UTC"


class CatchUp(Enum):
    """Which of the times that nobody was there for are made up for, of those in the window."""

    ALL = "ALL"
    LATEST = "LATEST"
    NONE = "NONE"


@dataclass(frozen=True, slots=True)
class TickPolicy:
    """How a schedule's times become ticks."""

    catch_up: CatchUp = CatchUp.LATEST
    #: how old a missed time may be that is still made up for
    window: timedelta = timedelta(days=1)
    #: how late ticks are at most, so that not all schedules begin at once; each is always as late
    jitter: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Tick:
    """One time of a schedule that has come. It comes once."""

    tenant_id: str
    #: who is concerned: "trigger", "datamart"
    kind: str
    #: which of them
    subject: str
    #: when it was due by the schedule; templates use this one
    nominal_at: datetime
    #: when it is handled, by the store's clock
    fired_at: datetime


@dataclass(frozen=True, slots=True)
class Lapse:
    """Times of a schedule that were missed and are not made up for."""

    tenant_id: str
    kind: str
    subject: str
    #: the first and the last of them
    first_at: datetime
    last_at: datetime
    #: how many; no more than so many are counted
    count: int
    #: why, in words
    reason: str
    #: when that is noted, by the store's clock
    noted_at: datetime
