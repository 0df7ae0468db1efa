"""Which instants a schedule means.

The fields are matched by cronsim against the clock on the wall, which knows no zones. What that
clock does when it is put forward or back is said here: a time that it leaps over is no time of the
schedule, and one that it shows twice is two.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.schedule import Schedule

_SHORTCUTS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_FIELDS = 5
_LONGEST = 200
_DAY = timedelta(days=1)
#: no clock is put so far
_FAR = 3 * _DAY
_NEXT_TO_NOTHING = timedelta(microseconds=1)
#: the first and the last year of what anything stands for
_FIRST_YEAR, _LAST_YEAR = 1900, 9000
#: files beside the zones: what a machine is set to, and zones that count leap seconds
_NO_ZONES = re.compile(r"localtime\b|posixrules\b|posix/|right/")
_TO_SUNDAY = re.compile(r"-SUN\b", re.IGNORECASE)


def next_after(schedule: Schedule, instant: datetime) -> datetime | None:
    """Return the schedule's first time after an instant, in UTC; None where there is none.

    Raises InvalidFieldError for a schedule that is none.
    """
    zone, cron = _zone_of(schedule.time_zone), _fields_of(schedule.cron)
    at = instant.astimezone(UTC)
    wall = _wall(at, offset := _offset(zone, at))
    while (found := _next_on_wall(cron, wall)) is not None:
        if found - wall > 2 * _FAR:
            # Nothing matches on the way, however often the clock is put.
            at = (found - offset - _FAR).replace(tzinfo=UTC)
            offset = _offset(zone, at)
        candidate = (found - offset).replace(tzinfo=UTC)
        change = _first_change(zone, at, candidate)
        if change is None:
            return candidate
        # Until then there was no time. The clock is put, and what it shows at once counts too.
        at, offset = change, _offset(zone, change)
        wall = _wall(at, offset) - _NEXT_TO_NOTHING
    return None


def times_after(schedule: Schedule, instant: datetime) -> Iterator[datetime]:
    """Yield the schedule's times after an instant, in UTC and in their order.

    Raises InvalidFieldError for a schedule that is none.
    """
    at: datetime | None = instant
    while at is not None and (at := next_after(schedule, at)) is not None:
        yield at


def upcoming(schedule: Schedule, instant: datetime, count: int) -> list[datetime]:
    """Return the first `count` times of `times_after`; fewer where there are no more."""
    return list(islice(times_after(schedule, instant), count))


def check(schedule: Schedule, *, cron_field: str = "cron") -> None:
    """Raise InvalidFieldError, of the field at fault, for a schedule that is none."""
    try:
        _fields_of(schedule.cron)
    except InvalidFieldError as error:
        raise InvalidFieldError.of(cron_field, error.violations[0].description) from error
    try:
        _zone_of(schedule.time_zone)
    except InvalidFieldError as error:
        raise InvalidFieldError.of("time_zone", error.violations[0].description) from error


def check_moment(instant: datetime, field: str) -> None:
    """Raise InvalidFieldError for an instant that no schedule and no run is about."""
    if not _FIRST_YEAR <= instant.year < _LAST_YEAR:
        raise InvalidFieldError.of(field, f"must lie in the years {_FIRST_YEAR} to {_LAST_YEAR}")


@lru_cache(maxsize=10_000)
def _fields_of(cron: str) -> str:
    """Return the five fields as cronsim takes them. Raises InvalidFieldError."""
    fields = _SHORTCUTS.get(cron.strip().lower(), cron).split()
    if len(cron) > _LONGEST or len(fields) != _FIELDS:
        raise _no_cron(f"{cron[:40]!r} has {len(fields)} fields")
    # Only a bare star leaves a day open: "*/2" with a day of the week is either, not both.
    fields[2] = re.sub(r"^\*/", "1-31/", fields[2])
    fields[4] = _TO_SUNDAY.sub("-7", re.sub(r"^\*/", "0-6/", fields[4]))
    text = " ".join(fields)
    try:
        CronSim(text, datetime(2000, 1, 1))  # noqa: DTZ001  # the clock on a wall
    except CronSimError as error:
        raise _no_cron(f"{cron[:40]!r}: {str(error).lower()}") from error
    return text


def _no_cron(why: str) -> InvalidFieldError:
    return InvalidFieldError.of(
        "cron",
        f"{why}; write minute, hour, day of month, month and day of week, such as"
        ' "0 2 * * MON-FRI", or one of @hourly, @daily, @weekly, @monthly and @yearly',
    )


@lru_cache(maxsize=1000)
def _zone_of(name: str) -> ZoneInfo:
    if _NO_ZONES.match(name):
        raise _no_zone(name)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise _no_zone(name) from error


def _no_zone(name: str) -> InvalidFieldError:
    return InvalidFieldError.of(
        "time_zone", f"{name[:40]!r} is no time zone; write one such as Europe/Berlin or UTC"
    )


def _next_on_wall(cron: str, wall: datetime) -> datetime | None:
    """Return what a clock on the wall shows when the fields match next after `wall`."""
    try:
        found = next(CronSim(cron, wall))
    except StopIteration:
        return None
    return found if found.year < _LAST_YEAR else None


def _wall(instant: datetime, offset: timedelta) -> datetime:
    return instant.replace(tzinfo=None) + offset


def _offset(zone: ZoneInfo, instant: datetime) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta(0)


def _first_change(zone: ZoneInfo, after: datetime, until: datetime) -> datetime | None:
    """Return the first instant in (after, until] at which the clock is put; None without one.

    No zone puts its clock and puts it back within a day.
    """
    offset, low = _offset(zone, after), after
    while low < until:
        high = min(low + _DAY, until)
        if _offset(zone, high) != offset:
            return _change_between(zone, low, high)
        low = high
    return None


def _change_between(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """Return the instant in (low, high] at which the clock is put; clocks are at full seconds."""
    offset = _offset(zone, low)
    start = low.replace(microsecond=0)
    before, after = 0, -int((start - high) // timedelta(seconds=1))
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(zone, start + timedelta(seconds=middle)) == offset:
            before = middle
        else:
            after = middle
    return start + timedelta(seconds=after)
