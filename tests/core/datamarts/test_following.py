"""Datamarts that follow loads, on both engines."""

import asyncio
from dataclasses import replace

import pytest

from headrace_server.db import datamarts as mart_rows
from headrace_server.model.datamart import Cause, MartType, RefreshStatus, RefreshStrategy
from headrace_server.model.job import Job
from headrace_server.running import running_worker

from .conftest import Yard

ON_COMMIT = RefreshStrategy.ON_COMMIT
COUNT = "SELECT count(*) AS n FROM pallets"


async def _read(yard: Yard, name: str, *row: int) -> None:
    """Wait until a mart is READY and has that row only."""

    async def holds() -> bool:
        if (await yard.mart(name)).status.name != "READY":
            return False
        return await yard.rows(f"SELECT * FROM analytics.{name}") == [row]

    await yard.until(holds)


async def test_marts_follow_loads_in_order(yard: Yard) -> None:
    await yard.create("stock", COUNT, strategy=ON_COMMIT)
    await _read(yard, "stock", 3)
    twice = "SELECT 2 * n AS n, (SELECT count(*) FROM pallets) AS p FROM analytics.stock"
    await yard.create("twice", twice, strategy=ON_COMMIT, type=MartType.TABLE)
    await _read(yard, "twice", 6, 3)
    await asyncio.gather(*(yard.load(n) for n in range(4, 8)))
    await _read(yard, "twice", 14, 7)
    history = await yard.history("twice")
    assert {refresh.cause for refresh in history} == {Cause.COMMIT}
    # Loads that end together are taken together.
    assert len(history) < 5
    assert all(refresh.status is RefreshStatus.COMPLETED for refresh in history)


async def test_marts_follow_through_views_and_what_others_refresh(yard: Yard) -> None:
    await yard.create("stock", COUNT)
    await yard.refresh("stock")
    await yard.create("shown", "SELECT n FROM analytics.stock", type=MartType.VIEW)
    await yard.create("after", "SELECT n + 1 AS n FROM analytics.shown", strategy=ON_COMMIT)
    await _read(yard, "after", 4)
    await yard.load(4)
    await yard.refresh("stock")
    await _read(yard, "after", 5)


async def test_what_fails_is_not_tried_again_before_the_next_load(yard: Yard) -> None:
    # The fault is there as soon as a fourth pallet is.
    faulty = "SELECT abs(min(CASE WHEN n > 3 THEN -9223372036854775807 - 1 ELSE n END)) AS n FROM"
    await yard.create("stock", f"{faulty} ({COUNT}) AS c", strategy=ON_COMMIT)
    await _read(yard, "stock", 3)
    await yard.create("after", "SELECT n + 1 AS n FROM analytics.stock", strategy=ON_COMMIT)
    await _read(yard, "after", 4)
    before = await yard.mart("stock")
    await yard.load(4)

    async def failed() -> bool:
        return (await yard.mart("after")).status.name == "FAILED"

    await yard.until(failed)
    stock = await yard.mart("stock")
    assert (stock.status.name, stock.last_refresh) == ("FAILED", before.last_refresh)
    assert await yard.rows("SELECT * FROM analytics.stock") == [(3,)]
    (newest, *_) = await yard.history("after")
    assert newest.status is RefreshStatus.UPSTREAM_FAILED
    assert "analytics.stock, which it reads, was not refreshed" in str(newest.error)
    follower = yard.core.answers.marts.follower
    for _ in range(2):
        assert not await follower.follow_all()
    assert (await yard.history("after"))[0] == newest


async def test_what_was_loaded_while_nobody_followed_is_found(idle_yard: Yard) -> None:
    core = idle_yard.core
    async with running_worker(core):
        await idle_yard.load(1)
        await idle_yard.create("stock", COUNT, strategy=ON_COMMIT)
        await _read(idle_yard, "stock", 1)
    # The load ends, and whoever ended it dies before anybody follows.
    loading = asyncio.create_task(idle_yard.load(2))
    jobs: list[Job] = []
    while not jobs:
        jobs = await core.jobs.claim("tests", ["load_files"], 1)
        await asyncio.sleep(0.01)
    core.parsers.start()
    await core.loading.run(jobs[0])
    await loading
    assert await idle_yard.rows("SELECT * FROM analytics.stock") == [(1,)]
    async with running_worker(core):
        await _read(idle_yard, "stock", 2)


async def test_two_that_follow_begin_one_refresh(yard: Yard) -> None:
    await yard.create("stock", COUNT)
    await yard.refresh("stock")
    follower = yard.core.answers.marts.follower
    mart = await yard.mart("stock")
    seen = {"tables": {"pallets": 9}, "datamarts": {}}
    begun = await asyncio.gather(*(follower._begin(mart, seen, []) for _ in range(3)))
    assert sum(refresh is not None for refresh in begun) == 1
    assert (await yard.mart("stock")).seen == seen


async def test_a_mart_waits_for_loads_under_way(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = yard.core.answers.marts.follower
    mart = await yard.create("stock", COUNT)
    assert not follower._has_to_wait(mart, {"pallets"}, {"others"})
    assert follower._has_to_wait(mart, {"pallets"}, {"pallets"})
    monkeypatch.setattr("headrace_server.core.datamarts.following._PATIENCE", 0)
    assert not follower._has_to_wait(mart, {"pallets"}, {"pallets"})


async def test_a_tenant_that_cannot_be_followed_holds_up_no_other(yard: Yard) -> None:
    core = yard.core
    await core.tenants.create("acme")
    stock = await yard.create("stock", COUNT, strategy=ON_COMMIT)
    await _read(yard, "stock", 3)
    # Views of each other, as they were never made.
    reads = {"a": "b", "b": "c", "c": "b"}
    async with core.store.begin() as connection:
        for name, source in reads.items():
            type_ = MartType.TABLE if name == "a" else MartType.VIEW
            sources = (("analytics", source),)
            mart = replace(stock, datamart_id=name, tenant_id="acme", name=name, type=type_)
            await mart_rows.insert(connection, replace(mart, sources=sources))
    follower = core.answers.marts.follower
    assert await follower.follow_all()
    await yard.load(4)
    await _read(yard, "stock", 4)
    async with core.store.begin() as connection:
        await mart_rows.delete(connection, "c")
