from datetime import UTC, datetime, timedelta

import pytest

from headrace_server.core.schedules.missed import MOST_COUNTED, MOST_TICKS, due
from headrace_server.db.schedules import StoredSchedule
from headrace_server.model.schedule import CatchUp, Schedule, TickPolicy

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def _stored(first: datetime, policy: TickPolicy, cron: str = "*/10 * * * *") -> StoredSchedule:
    return StoredSchedule("acme", "test", "s", Schedule(cron), policy, first, first, 0)


def _minutes(times: tuple[datetime, ...]) -> list[int]:
    return [(at - NOON) // MINUTE for at in times]


@pytest.mark.parametrize("catch_up", CatchUp)
def test_a_tick_in_time_is_none_that_was_missed(catch_up: CatchUp) -> None:
    policy = TickPolicy(catch_up, window=timedelta(0))
    come = due(_stored(NOON, policy), timedelta(0), NOON + timedelta(seconds=59))
    assert (come.ticks, come.missed) == ((NOON,), ())
    assert come.next_nominal == NOON + 10 * MINUTE


def test_nothing_is_due_before_its_time() -> None:
    come = due(_stored(NOON, TickPolicy()), timedelta(0), NOON - timedelta(microseconds=1))
    assert (come.ticks, come.missed, come.next_nominal) == ((), (), NOON)


@pytest.mark.parametrize(
    ("catch_up", "window", "ticks", "missed"),
    [
        # Of the times 0, 10, 20 and 30, at minute 35.
        (CatchUp.ALL, 60, [0, 10, 20, 30], []),
        (CatchUp.ALL, 20, [20, 30], [(0, 10, 2)]),
        (CatchUp.ALL, 25, [10, 20, 30], [(0, 0, 1)]),
        (CatchUp.ALL, 4, [], [(0, 30, 4)]),
        (CatchUp.LATEST, 60, [30], [(0, 20, 3)]),
        (CatchUp.LATEST, 20, [30], [(0, 10, 2), (20, 20, 1)]),
        (CatchUp.LATEST, 4, [], [(0, 30, 4)]),
        (CatchUp.NONE, 60, [], [(0, 30, 4)]),
    ],
)
def test_what_was_missed_is_made_up_for_as_declared(
    catch_up: CatchUp, window: int, ticks: list[int], missed: list[tuple[int, int, int]]
) -> None:
    policy = TickPolicy(catch_up, window * MINUTE)
    come = due(_stored(NOON, policy), timedelta(0), NOON + 35 * MINUTE)
    assert _minutes(come.ticks) == ticks
    found = [(*_minutes((each.first_at, each.last_at)), each.count) for each in come.missed]
    assert found == missed
    assert come.next_nominal == NOON + 40 * MINUTE


def test_the_time_that_is_now_stands_beside_the_last_that_was_missed() -> None:
    policy = TickPolicy(CatchUp.LATEST, 60 * MINUTE)
    come = due(_stored(NOON, policy), timedelta(0), NOON + 30 * MINUTE)
    assert _minutes(come.ticks) == [30]
    assert [each.count for each in come.missed] == [3]
    assert "stands for it" in come.missed[0].reason


def test_jitter_moves_the_moment_and_not_the_time() -> None:
    stored, late = _stored(NOON, TickPolicy(CatchUp.ALL)), timedelta(minutes=3)
    assert due(stored, late, NOON + 2 * MINUTE).ticks == ()
    assert _minutes(due(stored, late, NOON + 13 * MINUTE).ticks) == [0, 10]


def test_many_are_handled_in_parts() -> None:
    policy = TickPolicy(CatchUp.ALL, timedelta(days=1))
    stored = _stored(NOON, policy, "* * * * *")
    come = due(stored, timedelta(0), NOON + 2 * MOST_TICKS * MINUTE)
    assert _minutes(come.ticks) == list(range(MOST_TICKS))
    assert come.next_nominal == NOON + MOST_TICKS * MINUTE


def test_a_year_that_was_missed_is_passed_over_at_once() -> None:
    stored = _stored(NOON, TickPolicy(CatchUp.LATEST, 10 * MINUTE), "* * * * *")
    come = due(stored, timedelta(0), NOON + timedelta(days=365, seconds=30))
    assert come.ticks == (NOON + timedelta(days=365),)
    assert come.missed[0].count == MOST_COUNTED
    assert "catch-up window of 600 s" in come.missed[0].reason
