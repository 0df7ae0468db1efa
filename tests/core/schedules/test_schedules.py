from datetime import UTC, datetime, timedelta

import pytest

from headrace_server.core.schedules.schedules import delay_of
from headrace_server.db.wakeups import SCHEDULES
from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.schedule import CatchUp, Schedule, TickPolicy

from .conftest import START, Kept


async def test_a_schedule_is_set_in_place_of_another(kept: Kept) -> None:
    assert await kept.set("a", "0 13 * * *") == datetime(2026, 11, 1, 13, tzinfo=UTC)
    policy = TickPolicy(CatchUp.ALL, timedelta(hours=2), timedelta(seconds=30))
    first = await kept.set("a", "0 14 * * *", policy, zone="Europe/Berlin")
    assert first == datetime(2026, 11, 1, 13, tzinfo=UTC)
    stored = await kept.stored("a")
    assert stored is not None
    assert (stored.schedule, stored.policy) == (Schedule("0 14 * * *", "Europe/Berlin"), policy)
    assert stored.nominal_at == first
    assert stored.next_at == first + delay_of("acme", "test", "a", policy.jitter)


async def test_a_schedule_is_cleared(kept: Kept) -> None:
    await kept.set("a", "@daily")
    async with kept.store.begin() as connection:
        # Another tenant's subject of that name is another.
        assert await kept.schedules.clear(connection, "globex", "test", "a") is None
        cleared = await kept.schedules.clear(connection, "acme", "test", "a")
        assert cleared is not None
        assert cleared.schedule == Schedule("@daily")
        assert await kept.schedules.clear(connection, "acme", "test", "a") is None
    assert await kept.tick_after(timedelta(days=2)) == []


async def test_what_is_no_schedule_is_not_set(kept: Kept) -> None:
    with pytest.raises(InvalidFieldError, match="cron"):
        await kept.set("a", "every day")
    with pytest.raises(InvalidFieldError, match="time_zone"):
        await kept.set("a", "@daily", zone="Moon/Base")
    assert await kept.stored("a") is None


async def test_a_schedule_that_never_comes_again_is_kept(kept: Kept) -> None:
    kept.now = datetime(8999, 12, 31, 23, 59, 30, tzinfo=UTC)
    assert await kept.set("a", "0 0 1 1 *") is None
    assert await kept.tick_after(timedelta(days=1)) == []


def test_delays_are_spread_and_stay_as_they_are() -> None:
    jitter = timedelta(seconds=60)
    delays = [delay_of("acme", "test", f"s{number}", jitter) for number in range(200)]
    assert delays == [delay_of("acme", "test", f"s{number}", jitter) for number in range(200)]
    assert timedelta(0) <= min(delays) < timedelta(seconds=3)
    assert timedelta(seconds=57) < max(delays) < jitter
    assert delay_of("acme", "test", "s", timedelta(0)) == timedelta(0)


async def test_tickers_hear_of_a_schedule(kept: Kept) -> None:
    async with kept.wakeups.subscribe(SCHEDULES) as changes:
        kept.schedules.announce()
        assert await changes.wait(0.1)
    assert kept.now == START
