import asyncio
from datetime import UTC, datetime, timedelta

from headrace_server.core.schedules.schedules import Schedules
from headrace_server.core.schedules.ticker import Ticker
from headrace_server.db import schedules as schedule_rows
from headrace_server.db.engine import ControlStore
from headrace_server.db.wakeups import Wakeups
from headrace_server.model.schedule import CatchUp, TickPolicy

from .conftest import START, Kept

MINUTE = timedelta(minutes=1)
ALL = TickPolicy(CatchUp.ALL, timedelta(days=1))


async def test_ticks_come_in_their_time_with_that_time(kept: Kept) -> None:
    await kept.set("a", "*/5 * * * *")
    assert await kept.tick_after(4 * MINUTE) == []
    first = datetime(2026, 11, 1, 12, 5, tzinfo=UTC)
    async with kept.wakeups.subscribe("told") as told:
        assert await kept.tick_after(MINUTE) == [first]
        assert await told.wait(0)
    (tick,) = kept.ticks
    assert (tick.tenant_id, tick.kind, tick.subject) == ("acme", "test", "a")
    assert tick.fired_at == START + 5 * MINUTE
    assert await kept.tick_after(timedelta(0)) == []
    assert await kept.tick_after(5 * MINUTE) == [first + 5 * MINUTE]


async def test_all_tenants_are_seen_to(kept: Kept) -> None:
    for tenant_id in ("acme", "globex"):
        for number in range(12):
            await kept.set(f"s{number}", "@hourly", tenant_id=tenant_id)
    await kept.tick_after(timedelta(hours=1))
    assert len({(tick.tenant_id, tick.subject) for tick in kept.ticks}) == len(kept.ticks) == 24


async def test_what_was_missed_is_told(kept: Kept) -> None:
    await kept.set("a", "0 * * * *", TickPolicy(CatchUp.LATEST, timedelta(hours=1)))
    times = await kept.tick_after(timedelta(hours=3, minutes=10))
    assert [at.hour for at in times] == [15]
    (lapse,) = kept.lapses
    assert (lapse.first_at.hour, lapse.last_at.hour, lapse.count) == (13, 14, 2)
    assert "no server was there" in lapse.reason


async def test_those_since_a_moment_count_as_missed(kept: Kept) -> None:
    await kept.set("a", "0 * * * *", ALL, since=START - timedelta(hours=3))
    assert [at.hour for at in await kept.tick_after(timedelta(0))] == [10, 11, 12]


async def test_more_than_are_handled_at_once_lose_none(kept: Kept) -> None:
    await kept.set("a", "* * * * *", ALL)
    times = await kept.tick_after(timedelta(hours=3))
    assert times == [START.replace(second=0) + n * MINUTE for n in range(1, 181)]


async def test_what_fails_is_put_off_and_keeps_no_other(kept: Kept) -> None:
    await kept.set("a", "*/5 * * * *")
    await kept.set("b", "*/5 * * * *")
    kept.broken.add("a")
    await kept.tick_after(5 * MINUTE)
    assert [tick.subject for tick in kept.ticks] == ["b"]
    stored = await kept.stored("a")
    assert stored is not None
    assert (stored.failures, stored.next_at) == (1, kept.now + timedelta(seconds=1))
    await kept.tick_after(timedelta(seconds=2))
    kept.broken.clear()
    # The time that failed is not lost, and keeps its name.
    assert await kept.tick_after(timedelta(seconds=3)) == [datetime(2026, 11, 1, 12, 5, tzinfo=UTC)]
    stored = await kept.stored("a")
    assert stored is not None
    assert (stored.failures, stored.next_at) == (0, datetime(2026, 11, 1, 12, 10, tzinfo=UTC))


async def test_kinds_that_nobody_handles_are_left_to_others(kept: Kept) -> None:
    await kept.set("a", "* * * * *", ALL)
    stranger = Ticker(kept.store, Schedules(kept.wakeups), kept.wakeups)
    assert await stranger.tick() == 0
    assert len(await kept.tick_after(MINUTE)) == 1


async def test_three_tickers_with_clocks_apart_handle_each_time_once(
    kept: Kept, store: ControlStore
) -> None:
    apart = [Kept(store, now=START + timedelta(seconds=off)) for off in (-2, 2)]
    for number in range(20):
        await kept.set(f"s{number}", "* * * * *", ALL)
    for _ in range(5):
        for each in (kept, *apart):
            each.now += 2 * MINUTE
        await asyncio.gather(*(each.ticker.tick() for each in (kept, *apart)))
    ticks = [(t.subject, t.nominal_at) for each in (kept, *apart) for t in each.ticks]
    assert len(set(ticks)) == len(ticks) == 20 * 10


async def test_a_ticker_wakes_by_itself_and_for_new_schedules(
    store: ControlStore, kept: Kept
) -> None:
    """By the real clock: a schedule whose time is past is due at once."""
    wakeups = Wakeups()
    real = Kept(store, wakeups)
    real.schedules = Schedules(wakeups)
    real.schedules.on_tick("test", real._tick, real._lapsed)
    real.ticker = Ticker(store, real.schedules, wakeups)
    async with real.ticker.running(), wakeups.subscribe("told") as told:
        await asyncio.sleep(0.05)
        await real.set("a", "* * * * *", ALL, since=datetime.now(UTC) - 3 * MINUTE)
        real.schedules.announce()
        assert await told.wait(5)
    assert len(real.ticks) in {3, 4}


async def test_what_another_server_has_in_its_hands_is_waited_for(kept: Kept) -> None:
    await kept.set("a", "* * * * *", ALL)
    kept.now += MINUTE
    looks = 0
    tick = kept.ticker.tick

    async def counted() -> int:
        nonlocal looks
        looks += 1
        return await tick()

    kept.ticker.tick = counted  # type: ignore[method-assign]
    async with kept.ticker.running(), kept.wakeups.subscribe("told") as told:
        async with kept.store.begin() as connection:
            assert await schedule_rows.lock(connection, "acme", "test", "a")
            before = looks
            await asyncio.sleep(0.5)
            assert looks - before <= 11
        assert await told.wait(5)


async def test_a_store_that_is_gone_ends_no_ticker(kept: Kept) -> None:
    await kept.set("a", "* * * * *")
    kept.now += MINUTE
    async with kept.store.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE schedules RENAME TO gone")
    async with kept.ticker.running(), kept.wakeups.subscribe("told") as told:
        await asyncio.sleep(0.1)
        async with kept.store.begin() as connection:
            await connection.exec_driver_sql("ALTER TABLE gone RENAME TO schedules")
        assert await told.wait(5)
