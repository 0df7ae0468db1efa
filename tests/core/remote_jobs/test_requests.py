import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from headrace_server.core.remote_jobs.requests import KEPT
from headrace_server.db import remote_jobs as remote_rows
from headrace_server.model.errors import InvalidFieldError, NotFoundError, WrongStateError
from headrace_server.model.job import JobStatus
from headrace_server.model.page import PageRequest

if TYPE_CHECKING:
    from core.remote_jobs.conftest import Site


async def test_creation_wakes_who_waits_for_such(site: "Site") -> None:
    topics = (
        "waiting:acme:remote:audio",
        "waiting:acme:remote:video",
        "waiting:globex:remote:audio",
    )
    async with (
        site.wakeups.subscribe(topics[0]) as ours,
        site.wakeups.subscribe(*topics[1:]) as others,
    ):
        await site.create("audio")
        assert await ours.wait(0)
        assert not await others.wait(0)


async def test_another_tenants_job_looks_like_none(site: "Site") -> None:
    job_id = await site.create()
    for call in (
        site.jobs.get,
        site.jobs.result,
        site.jobs.cancel,
        site.jobs.rearm,
        site.jobs.delete,
    ):
        for name in (job_id, "nothing"):
            with pytest.raises(NotFoundError) as caught:
                await call(site.globex, name)
            assert str(caught.value) == f"job {name!r} not found"
    assert (await site.jobs.list(site.globex, None, "", PageRequest())).items == ()
    assert (await site.get(job_id)).job.status is JobStatus.PENDING


async def test_cancelling_twice_changes_nothing(site: "Site") -> None:
    job_id = await site.create()
    first = await site.jobs.cancel(site.acme, job_id)
    assert (first.job.status, first.revision) == (JobStatus.CANCELLED, 2)
    assert await site.jobs.cancel(site.acme, job_id) == first
    await site.jobs.rearm(site.acme, job_id)
    await site.poll()
    await site.succeed(job_id, 1)
    for call in (site.jobs.cancel, site.jobs.rearm):
        with pytest.raises(WrongStateError):
            await call(site.acme, job_id)


async def test_only_ended_jobs_are_deleted(site: "Site") -> None:
    job_id = await site.create()
    with pytest.raises(WrongStateError):
        await site.jobs.delete(site.acme, job_id)
    await site.poll()
    await site.succeed(job_id)
    await site.jobs.delete(site.acme, job_id)
    with pytest.raises(NotFoundError):
        await site.get(job_id)
    assert await site.queue.find(job_id) is None


async def test_pages_go_on_where_the_last_ended(site: "Site") -> None:
    made = []
    for number in range(7):
        made.append(await site.create("audio" if number % 2 else "video"))
        site.advance(number // 3)
    seen: list[str] = []
    page = await site.jobs.list(site.acme, None, "", PageRequest(3))
    while True:
        seen += [each.job.job_id for each in page.items]
        if not page.next_token:
            break
        page = await site.jobs.list(site.acme, None, "", PageRequest(3, page.next_token))
    assert sorted(seen) == sorted(made)
    films = await site.jobs.list(site.acme, JobStatus.PENDING, "video", PageRequest())
    assert {each.job.job_id for each in films.items} == set(made[::2])
    with pytest.raises(InvalidFieldError):
        await site.jobs.list(site.acme, None, "", PageRequest(3, "bad"))


async def test_ended_jobs_are_kept_for_a_week(site: "Site") -> None:
    ended, pending, late = [await site.create() for _ in range(3)]
    await site.jobs.cancel(site.acme, ended)
    site.advance(1)
    await site.jobs.cancel(site.acme, late)
    site.now += KEPT - timedelta(seconds=1)
    assert await site.jobs.sweep() == 0
    site.advance(0.001)
    assert await site.jobs.sweep() == 1
    site.advance(1)
    assert await site.jobs.sweep() == 1
    assert (await site.get(pending)).job.status is JobStatus.PENDING
    for gone in (ended, late):
        with pytest.raises(NotFoundError):
            await site.get(gone)


async def test_durations_are_measured(site: "Site") -> None:
    for content_type, minutes in (("audio", 5), ("video", 15), ("document", 10)):
        assert await site.durations.expected("acme", content_type) == timedelta(minutes=minutes)
    for seconds in (10, 20, 50):
        job_id = await site.create("web")
        await site.poll("web")
        site.advance(seconds)
        await site.succeed(job_id)
    assert await site.durations.expected("acme", "web") == timedelta(seconds=20)
    assert await site.durations.expected("globex", "web") == timedelta(minutes=10)


async def test_a_job_that_is_armed_again_is_not_swept(site: "Site") -> None:
    """The sweep found it ended, and it was armed before the sweep came to delete it."""
    job_id = await site.create()
    await site.jobs.cancel(site.acme, job_id)
    site.now += KEPT + timedelta(seconds=1)
    async with site.store.begin() as connection:
        assert await remote_rows.ended_before(connection, site.now, 9) == [("acme", job_id)]
        arming = asyncio.create_task(site.jobs.rearm(site.acme, job_id))
        await asyncio.sleep(0.1)
        assert not arming.done()
        await remote_rows.delete(connection, [job_id])
    with pytest.raises(NotFoundError):
        await arming


async def test_the_sweep_passes_over_what_others_change(site: "Site") -> None:
    job_id = await site.create()
    await site.jobs.cancel(site.acme, job_id)
    site.now += KEPT + timedelta(seconds=1)
    async with site.store.begin() as connection:
        await remote_rows.lock(connection, "acme", [job_id])
        sweep = asyncio.create_task(site.jobs.sweep())
        await asyncio.sleep(0.1)
        await site.queue.rearm(connection, "acme", job_id)
    await sweep
    assert (await site.get(job_id)).job.status is JobStatus.PENDING


async def test_lists_read_no_results(site: "Site") -> None:
    """A page of a thousand would fill the memory."""
    job_id = await site.create(task_options={"language": "en"})
    await site.poll()
    await site.succeed(job_id)
    (shown,) = (await site.jobs.list(site.acme, None, "", PageRequest())).items
    whole = await site.get(job_id)
    assert whole.result is not None
    assert whole.task_options == {"language": "en"}
    assert shown == replace(whole, result=None, task_options={})
