from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace_server.core.schedules import times
from headrace_server.core.schedules.times import check, next_after, times_after, upcoming
from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.schedule import Schedule


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "cron", "after", "wanted"),
    [
        # 02:30 of 29 March does not exist in Berlin.
        ("Europe/Berlin", "30 2 * * *", "2026-03-28 12:00", ["03-30 00:30", "03-31 00:30"]),
        ("Europe/Berlin", "0 2 * * *", "2026-03-28 12:00", ["03-30 00:00", "03-31 00:00"]),
        ("Europe/Berlin", "0 3 * * *", "2026-03-28 12:00", ["03-29 01:00", "03-30 01:00"]),
        # 02:30 of 25 October comes twice, 03:00 once.
        (
            "Europe/Berlin",
            "30 2 * * *",
            "2026-10-24 12:00",
            ["10-25 00:30", "10-25 01:30", "10-26 01:30"],
        ),
        ("Europe/Berlin", "0 3 * * *", "2026-10-24 12:00", ["10-25 02:00", "10-26 02:00"]),
        (
            "Europe/Berlin",
            "*/30 2 * * *",
            "2026-10-24 12:00",
            ["10-25 00:00", "10-25 00:30", "10-25 01:00", "10-25 01:30", "10-26 01:00"],
        ),
        ("America/New_York", "30 2 * * *", "2026-03-07 12:00", ["03-09 06:30", "03-10 06:30"]),
        (
            "America/New_York",
            "30 1 * * *",
            "2026-10-31 12:00",
            ["11-01 05:30", "11-01 06:30", "11-02 06:30"],
        ),
        # Lord Howe puts its clock by half an hour: 02:00 to 02:29 do not exist,
        ("Australia/Lord_Howe", "15 2 * * *", "2026-10-03 00:00", ["10-04 15:15", "10-05 15:15"]),
        ("Australia/Lord_Howe", "45 2 * * *", "2026-10-03 00:00", ["10-03 15:45", "10-04 15:45"]),
        # and 01:30 to 01:59 come twice.
        (
            "Australia/Lord_Howe",
            "45 1 * * *",
            "2026-04-04 12:00",
            ["04-04 14:45", "04-04 15:15", "04-05 15:15"],
        ),
        ("Australia/Lord_Howe", "15 1 * * *", "2026-04-04 12:00", ["04-04 14:15", "04-05 14:45"]),
        # A day of month with a day of week means either, however the one is written.
        ("UTC", "0 0 13 * FRI", "2026-11-06 00:00", ["11-13 00:00", "11-20 00:00"]),
        ("UTC", "0 0 */15 * MON", "2026-11-01 00:00", ["11-02 00:00", "11-09 00:00"]),
        ("UTC", "0 0 1 * */6", "2026-11-01 00:00", ["11-07 00:00", "11-08 00:00", "11-14 00:00"]),
        ("UTC", "0 0 * * SAT-SUN", "2026-11-01 00:00", ["11-07 00:00", "11-08 00:00"]),
        ("UTC", "0 0 * jan-mar sun", "2026-11-01 00:00", ["01-03 00:00"]),
        ("UTC", "@weekly", "2026-11-01 00:00", ["11-08 00:00"]),
        ("UTC", " @Daily ", "2026-11-01 00:00", ["11-02 00:00"]),
        ("Asia/Kolkata", "@hourly", "2026-11-01 00:00", ["11-01 00:30", "11-01 01:30"]),
        ("UTC", "@yearly", "2026-11-01 00:00", ["01-01 00:00"]),
        ("UTC", "0 0 29 2 *", "2026-11-01 00:00", ["02-29 00:00", "02-29 00:00"]),
    ],
)
def test_the_clock_on_the_wall_is_followed(
    zone: str, cron: str, after: str, wanted: list[str]
) -> None:
    found = upcoming(Schedule(cron, zone), _utc(after), len(wanted))
    assert [each.strftime("%m-%d %H:%M") for each in found] == wanted


def test_the_instant_itself_is_not_after_it() -> None:
    schedule = Schedule("0 * * * *")
    full = _utc("2026-11-01 05:00")
    assert next_after(schedule, full) == full + timedelta(hours=1)
    assert next_after(schedule, full - timedelta(microseconds=1)) == full


@settings(max_examples=60, deadline=None)
@given(
    zone=st.sampled_from(
        ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "UTC"]
    ),
    cron=st.sampled_from(["*/7 * * * *", "30 1,2 * * *", "0 0 * * *", "15 2 1-7 * SUN"]),
    start=st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001  # in UTC
)
def test_times_are_those_minutes_whose_clock_matches(zone: str, cron: str, start: datetime) -> None:
    """Against a look at every minute of two days."""
    after, where = start.replace(second=0, microsecond=0, tzinfo=UTC), ZoneInfo(zone)
    minutes = [after + timedelta(minutes=n) for n in range(1, 2 * 24 * 60 + 1)]
    wanted = [at for at in minutes if _matches(cron, at.astimezone(where))]
    schedule = Schedule(cron, zone)
    found = []
    for at in times_after(schedule, after):
        if at > minutes[-1]:
            break
        found.append(at)
    assert found == wanted


def _matches(cron: str, wall: datetime) -> bool:
    match cron:
        case "*/7 * * * *":
            return wall.minute % 7 == 0
        case "30 1,2 * * *":
            return wall.minute == 30 and wall.hour in {1, 2}
        case "0 0 * * *":
            return (wall.hour, wall.minute) == (0, 0)
    day = wall.day <= 7 or wall.isoweekday() == 7
    return (wall.hour, wall.minute) == (2, 15) and day


@pytest.mark.parametrize(
    "zone", ["Pacific/Apia", "America/New_York", "Africa/Casablanca", "Europe/Berlin"]
)
@pytest.mark.parametrize("cron", ["0 0 30 12 *", "30 2 29 3 *", "0 1 */25 2,10 *", "30 23 28 2 *"])
def test_what_comes_seldom_comes_when_each_day_between_is_looked_at(
    zone: str, cron: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule, start = Schedule(cron, zone), _utc("2009-05-01 12:00")
    found = upcoming(schedule, start, 40)
    monkeypatch.setattr(times, "_FAR", timedelta(days=365_000))
    assert found == upcoming(schedule, start, 40)


def test_what_comes_in_centuries_is_soon_found(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0
    offset = times._offset

    def counted(zone: ZoneInfo, instant: datetime) -> timedelta:
        nonlocal looks
        looks += 1
        return offset(zone, instant)

    monkeypatch.setattr(times, "_offset", counted)
    # A leap day that is the fifth Sunday of its month.
    schedule = Schedule("0 0 30 FEB 7#5", "America/New_York")
    assert len(upcoming(schedule, _utc("2026-11-01 00:00"), 100)) == 100
    assert looks < 2000


def test_a_schedule_without_an_end_goes_on() -> None:
    found = upcoming(Schedule("0 0 29 2 1", "Europe/Berlin"), _utc("2026-11-01 00:00"), 40)
    assert found == sorted(set(found))


@pytest.mark.parametrize(
    ("cron", "says"),
    [
        ("", "has 0 fields"),
        ("* * * *", "has 4 fields"),
        ("* * * * * *", "has 6 fields"),
        ("60 * * * *", "bad minute"),
        ("* 24 * * *", "bad hour"),
        ("0 0 31 2 *", "bad day-of-month"),
        ("0 0 1 13 *", "bad month"),
        ("0 0 * * 8", "bad day-of-week"),
        ("*/0 * * * *", "bad minute"),
        ("5-1 * * * *", "bad minute"),
        ("@fortnightly", "has 1 fields"),
        ("R * * * *", "bad minute"),
        ("\uff10 0 * * *", "bad minute"),
        ("0 0 * * " + ",".join(["1"] * 200), "has 5 fields"),
    ],
)
def test_what_is_no_schedule_is_refused(cron: str, says: str) -> None:
    with pytest.raises(InvalidFieldError, match="cron_schedule") as refused:
        check(Schedule(cron), cron_field="cron_schedule")
    assert says in refused.value.message
    assert '"0 2 * * MON-FRI"' in refused.value.message


@pytest.mark.parametrize(
    "zone",
    ["Europe/Nowhere", "../etc/passwd", "Europe", "", "UTC\0", "x" * 300, "localtime", "right/UTC"],
)
def test_what_is_no_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(InvalidFieldError, match=r"time_zone: .* is no time zone"):
        check(Schedule("@daily", zone))


def test_the_end_of_time_is_no_time() -> None:
    assert next_after(Schedule("@daily"), datetime(9000, 1, 1, tzinfo=UTC)) is None
    assert upcoming(Schedule("@yearly"), datetime(8999, 6, 1, tzinfo=UTC), 3) == []
