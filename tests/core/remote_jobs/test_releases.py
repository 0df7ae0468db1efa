import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from headrace_server.db.engine import ControlStore
from headrace_server.db.wakeups import job_topic, waiting_topic
from headrace_server.model.errors import (
    NotFoundError,
    StaleAttemptError,
    StorageUnavailableError,
)
from headrace_server.model.job import JobStatus

if TYPE_CHECKING:
    from core.remote_jobs.conftest import Site


async def test_a_job_given_back_waits_as_if_nothing_had_been(site: "Site") -> None:
    job_id = await site.create(max_retries=1)
    await site.poll()
    await site.claims.heartbeat(site.acme, job_id, 1, "w1", {"page": 7})
    before = (await site.get(job_id)).revision
    topics = (job_topic(job_id), waiting_topic("acme", "remote:audio"))
    async with (
        site.wakeups.subscribe(topics[0]) as watchers,
        site.wakeups.subscribe(topics[1]) as workers,
    ):
        assert await site.releases.release(site.acme, job_id, 1) is JobStatus.PENDING
        assert await watchers.wait(0)
        assert await workers.wait(0)
    waiting = await site.get(job_id)
    assert (waiting.job.status, waiting.job.failures) == (JobStatus.PENDING, 0)
    assert (waiting.job.last_error, waiting.revision) == (None, before + 1)
    (again,) = await site.poll(worker_id="w2")
    assert (again.job.attempt, again.checkpoint) == (2, {"page": 7})
    assert (await site.succeed(job_id, 2)).status is JobStatus.COMPLETED


async def test_it_is_no_longer_the_workers(site: "Site") -> None:
    job_id = await site.create()
    await site.poll()
    await site.releases.release(site.acme, job_id, 1)
    for act in (
        site.claims.heartbeat(site.acme, job_id, 1, "w1", {"late": True}),
        site.succeed(job_id, 1),
        site.fail(job_id, 1),
    ):
        with pytest.raises(StaleAttemptError):
            await act
    assert (await site.get(job_id)).checkpoint is None


async def test_giving_back_twice_is_answered_alike_until_another_holds_it(site: "Site") -> None:
    job_id = await site.create()
    await site.poll()
    for _ in range(2):
        assert await site.releases.release(site.acme, job_id, 1) is JobStatus.PENDING
    await site.poll()
    with pytest.raises(StaleAttemptError):
        await site.releases.release(site.acme, job_id, 1)
    assert (await site.get(job_id)).job.status is JobStatus.RUNNING


async def test_only_who_holds_a_job_gives_it_back(site: "Site") -> None:
    job_id = await site.create()
    await site.poll()
    for attempt in (0, 2):
        with pytest.raises(StaleAttemptError):
            await site.releases.release(site.acme, job_id, attempt)
    for caller, name in ((site.globex, job_id), (site.acme, "nothing")):
        with pytest.raises(NotFoundError):
            await site.releases.release(caller, name, 1)
    await site.succeed(job_id)
    with pytest.raises(StaleAttemptError):
        await site.releases.release(site.acme, job_id, 1)
    assert (await site.get(job_id)).job.status is JobStatus.COMPLETED


async def test_an_expired_lease_is_left_to_the_reaper(site: "Site") -> None:
    job_id = await site.create()
    await site.poll()
    site.advance(60)
    with pytest.raises(StaleAttemptError):
        await site.releases.release(site.acme, job_id, 1)
    (job,) = await site.queue.reap()
    assert job.failures == 1


def now(act: Callable[[], object]) -> None:
    act()


def soon(act: Callable[[], object]) -> None:
    asyncio.get_running_loop().call_soon(act)


@pytest.mark.parametrize("when", [now, soon])
async def test_what_was_claimed_for_a_caller_who_went_away_returns_at_once(
    site: "Site", when: Callable[[Callable[[], object]], None]
) -> None:
    """As the claim commits, or as its answer is on the way to the caller."""
    made = {await site.create(max_retries=1) for _ in range(3)}
    poll = asyncio.create_task(site.poll(wait=30))
    site.wakeups.call_back(job_topic(min(made)), lambda: when(poll.cancel))
    with pytest.raises(asyncio.CancelledError):
        await poll
    await site.claims.drain()
    given = await site.poll(worker_id="w2")
    assert {record.job.job_id for record in given} == made
    assert {(record.job.attempt, record.job.failures) for record in given} == {(2, 0)}


async def test_one_caller_who_went_away_costs_the_others_nothing(site: "Site") -> None:
    made = {await site.create() for _ in range(4)}
    first = asyncio.create_task(site.poll(limit=1))
    await asyncio.sleep(0)  # the others come while the first one's claim is under way
    gone, stays = (asyncio.create_task(site.poll(limit=1)) for _ in range(2))
    others = made - {record.job.job_id for record in await first}

    def go_away() -> None:
        gone.cancel()

    for job_id in others:
        site.wakeups.call_back(job_topic(job_id), go_away)
    (kept,) = await stays
    with pytest.raises(asyncio.CancelledError):
        await gone
    await site.claims.drain()
    free = {record.job.job_id for record in await site.poll()}
    assert free == others - {kept.job.job_id}


async def test_what_cannot_be_given_back_waits_for_its_lease(
    site: "Site", monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = await site.create()
    poll = asyncio.create_task(site.poll())

    def go_away() -> None:
        poll.cancel()
        monkeypatch.setattr(ControlStore, "begin", unavailable)

    def unavailable(*_: Any) -> Any:
        raise StorageUnavailableError("no")

    site.wakeups.call_back(job_topic(job_id), go_away)
    with pytest.raises(asyncio.CancelledError):
        await poll
    await site.claims.drain()
    monkeypatch.undo()
    assert (await site.get(job_id)).job.status is JobStatus.RUNNING
    site.advance(60)
    assert len(await site.queue.reap()) == 1
