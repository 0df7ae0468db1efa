"""Refreshes from request to end, on both engines."""

import asyncio
from dataclasses import replace

import pytest

from headrace_server.core.datamarts.endings import REFRESH_DATAMART
from headrace_server.model.datamart import Cause, Datamart, MartStatus, MartType, RefreshStatus
from headrace_server.model.errors import NotFoundError
from headrace_server.model.job import JobStatus, NewJob
from headrace_server.model.page import PageRequest
from headrace_server.model.tenant import Principal, Scope
from headrace_server.running import running_worker

from .conftest import CALLER, Yard

COUNT = "SELECT count(*) AS n FROM pallets"
ENDLESS = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000)"
    " SELECT max(i) AS m FROM n"
)


async def _chain(yard: Yard) -> Datamart:
    """`last` reads `middle` and `first`, `middle` reads `first`."""
    await yard.create("first", COUNT)
    await yard.create("middle", "SELECT n + 1 AS n FROM analytics.first", type=MartType.TABLE)
    return await yard.create(
        "last", "SELECT m.n + f.n AS n FROM analytics.middle AS m, analytics.first AS f"
    )


async def test_what_a_mart_reads_comes_before_it(yard: Yard) -> None:
    await _chain(yard)
    refresh = await yard.refresh("last", include_upstream=True)
    assert (refresh.status, refresh.rows) == (RefreshStatus.COMPLETED, 1)
    assert await yard.rows("SELECT n FROM analytics.last") == [(7,)]
    ends = [(await yard.history(name))[0] for name in ("first", "middle", "last")]
    assert [each.cause for each in ends] == [Cause.DOWNSTREAM, Cause.DOWNSTREAM, Cause.REQUEST]
    moments = [each.completed_at for each in ends]
    assert moments == sorted(moments, key=str)
    assert set(refresh.after) == {ends[0].refresh_id, ends[1].refresh_id}


async def test_what_reads_a_mart_that_fails_is_not_refreshed(yard: Yard) -> None:
    await yard.create("first", "SELECT abs(-9223372036854775807 - min(id)) AS n FROM pallets")
    await yard.create("middle", "SELECT n FROM analytics.first", type=MartType.TABLE)
    await yard.create("last", "SELECT n FROM analytics.middle", type=MartType.TABLE)
    refresh = await yard.refresh("last", include_upstream=True)
    assert refresh.status is RefreshStatus.UPSTREAM_FAILED
    assert "analytics.middle, which it reads, was not refreshed" in str(refresh.error)
    (first,) = await yard.history("first")
    assert first.status is RefreshStatus.FAILED
    for name in ("first", "middle", "last"):
        mart = await yard.mart(name)
        assert (mart.status, mart.refresh_required) == (MartStatus.FAILED, True)


async def test_cancelling_ends_what_waits_for_it(idle_yard: Yard) -> None:
    yard, refreshes = idle_yard, idle_yard.core.services.refreshes
    async with running_worker(yard.core):
        await yard.load(1)
    await _chain(yard)
    last = await refreshes.start(CALLER, "analytics", "last", include_upstream=True)
    again = await refreshes.start(CALLER, "analytics", "last", include_upstream=True)
    assert again.status is RefreshStatus.SKIPPED
    (first,) = await yard.history("first")
    for _ in range(2):
        ended = await refreshes.cancel(CALLER, "analytics", "first", first.refresh_id)
        assert ended.status is RefreshStatus.CANCELLED
    found = await refreshes.get(CALLER, "analytics", "last", last.refresh_id)
    assert found.status is RefreshStatus.UPSTREAM_FAILED
    # Nothing is left to be done.
    async with running_worker(yard.core):
        await asyncio.sleep(0.1)
    assert (await yard.mart("first")).last_refresh is None


async def test_one_that_waits_for_others_can_be_cancelled(idle_yard: Yard) -> None:
    yard, refreshes = idle_yard, idle_yard.core.services.refreshes
    async with running_worker(yard.core):
        await yard.load(1)
    await _chain(yard)
    last = await refreshes.start(CALLER, "analytics", "last", include_upstream=True)
    ended = await refreshes.cancel(CALLER, "analytics", "last", last.refresh_id)
    assert ended.status is RefreshStatus.CANCELLED
    async with running_worker(yard.core):

        async def middle() -> bool:
            return (await yard.mart("middle")).status is MartStatus.READY

        await yard.until(middle)
    assert (await yard.mart("last")).status is MartStatus.CREATED


async def test_a_request_that_comes_again_begins_nothing(yard: Yard) -> None:
    await yard.create("stock", COUNT)
    asked = [yard.refresh("stock", refresh_id="one") for _ in range(3)]
    assert {each.refresh_id for each in await asyncio.gather(*asked)} == {"one"}
    assert len(await yard.history("stock")) == 1


async def test_one_refresh_at_a_time(yard: Yard) -> None:
    await yard.create("endless", ENDLESS, type=MartType.TABLE)
    refreshes = yard.core.services.refreshes
    running = await refreshes.start(CALLER, "analytics", "endless")
    skipped = await yard.refresh("endless")
    assert (skipped.status, skipped.note) == (
        RefreshStatus.SKIPPED,
        f"refresh {running.refresh_id} of it is under way",
    )
    assert (await yard.mart("endless")).status is MartStatus.REFRESHING
    ended = await refreshes.cancel(CALLER, "analytics", "endless", running.refresh_id)
    assert ended.status is RefreshStatus.CANCELLED
    # Whoever was at it is free for others.
    await yard.create("stock", COUNT)
    assert (await yard.refresh("stock")).status is RefreshStatus.COMPLETED


async def test_a_mart_is_deleted_while_it_is_refreshed(yard: Yard) -> None:
    await yard.create("endless", ENDLESS, type=MartType.TABLE)
    services = yard.core.services
    running = await services.refreshes.start(CALLER, "analytics", "endless")

    async def begun() -> bool:
        found = await services.refreshes.get(CALLER, "analytics", "endless", running.refresh_id)
        return found.status is RefreshStatus.RUNNING

    await yard.until(begun)
    await services.datamarts.delete(CALLER, "analytics", "endless", cascade=False)
    with pytest.raises(NotFoundError):
        await services.refreshes.get(CALLER, "analytics", "endless", running.refresh_id)
    await yard.create("endless", COUNT)
    assert (await yard.refresh("endless")).rows == 1


async def test_history_comes_in_pages_and_is_bounded(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace_server.core.datamarts.refreshes._KEPT", 3)
    await yard.create("stock", COUNT)
    for _ in range(5):
        await yard.refresh("stock")
    refreshes = yard.core.services.refreshes
    first = await refreshes.list(CALLER, "analytics", "stock", PageRequest(size=2))
    rest = await refreshes.list(CALLER, "analytics", "stock", PageRequest(2, first.next_token))
    assert [each.number for each in (*first.items, *rest.items)] == [5, 4, 3]


async def test_another_tenants_marts_are_not_there(yard: Yard) -> None:
    await yard.create("stock", COUNT)
    refresh = await yard.refresh("stock")
    await yard.core.tenants.create("other", "Other")
    other = Principal("other", frozenset(Scope), None)
    services = yard.core.services
    place = (other, "analytics", "stock")
    for call in (
        services.datamarts.get(*place),
        services.datamarts.preview(*place, 1),
        services.datamarts.delete(*place, cascade=True),
        services.refreshes.start(*place),
        services.refreshes.get(*place, refresh.refresh_id),
        services.refreshes.cancel(*place, refresh.refresh_id),
        services.refreshes.list(*place, PageRequest()),
        services.mart_schedules.clear(*place),
    ):
        with pytest.raises(NotFoundError):
            await call
    page, total = await services.datamarts.list(other, "", PageRequest())
    assert (page.items, total) == ((), 0)


async def test_attempts_that_fail_are_told_and_given_up_in_the_end(idle_yard: Yard) -> None:
    yard, core = idle_yard, idle_yard.core
    async with running_worker(core):
        await yard.load(1)
        await yard.create("stock", COUNT)
        before = await yard.refresh("stock")
    started = await core.services.refreshes.start(CALLER, "analytics", "stock")
    (job,) = await core.jobs.claim("tests", [REFRESH_DATAMART], 1)
    await core.jobs.record_failure(job.job_id, job.attempt, "the wire was cut")
    (newest, _) = await yard.history("stock")
    assert (newest.refresh_id, newest.status) == (started.refresh_id, RefreshStatus.PENDING)
    assert newest.error == "attempt 1 failed and is made again: the wire was cut"
    given_up = replace(job, status=JobStatus.FAILED, failures=3, last_error="it was cut again")
    async with core.store.begin() as connection:
        await core.answers.marts.refreshing.failed(connection, given_up)
    (newest, _) = await yard.history("stock")
    assert (newest.status, newest.error) == (
        RefreshStatus.FAILED,
        "given up after 3 failed attempts: it was cut again",
    )
    mart = await yard.mart("stock")
    assert (mart.status, mart.last_refresh) == (MartStatus.FAILED, before.completed_at)
    assert await yard.rows("SELECT * FROM analytics.stock") == [(1,)]


async def test_a_job_without_its_refresh_ends(yard: Yard) -> None:
    core = yard.core
    new = NewJob(REFRESH_DATAMART, "default", {"refresh_id": "gone"})
    async with core.store.begin() as connection:
        job = await core.jobs.enqueue(connection, new)
        assert await core.answers.marts.refreshing.failed(connection, job) == ["refresh:gone"]
        ended = replace(job, status=JobStatus.FAILED)
        assert await core.answers.marts.refreshing.failed(connection, ended) == []
    core.jobs.announce()

    async def done() -> bool:
        found = await core.jobs.find(job.job_id)
        return found is not None and found.status is JobStatus.COMPLETED

    await yard.until(done)
