"""An ingestion that remote jobs name ends with the last of them, whatever comes first."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING

import pytest

from headrace_server.core.ingestion import endings
from headrace_server.db import holds
from headrace_server.db import remote_jobs as remote_rows
from headrace_server.model.errors import HeadraceError, WrongStateError
from headrace_server.model.ingestion import Status
from headrace_server.model.job import JobStatus, NewJob
from headrace_server.model.remote_job import NewRemoteJob, RemoteResult, Submission

if TYPE_CHECKING:
    from core.remote_jobs.conftest import Site

WAITING = "remote jobs are waited for"


async def held(site: "Site", jobs: int = 1, *, max_retries: int = 3) -> tuple[str, list[str]]:
    """An ingestion and jobs that name it, all of them claimed."""
    request_id = await site.put_ingestion()
    made = [
        await site.create(ingestion_task_id=request_id, max_retries=max_retries)
        for _ in range(jobs)
    ]
    await site.poll(limit=jobs)
    return request_id, made


async def cancel(site: "Site", request_id: str) -> list[str]:
    async with site.store.begin() as connection:
        return await endings.cancel(connection, site.queue, request_id, site.now, "on request")


async def test_it_waits_for_the_last_job_and_ends_with_its_result(site: "Site") -> None:
    request_id, (first, last) = await held(site, 2)
    waiting = await site.end_own_work(request_id)
    assert waiting is not None
    assert (waiting.status, waiting.details) == (Status.PENDING, WAITING)
    assert (await site.succeed(first)).ingestion_continued
    moved = await site.ingestion(request_id)
    arrived = f"the audio conversion of job {first} has arrived"
    assert (moved.terminal, moved.details, moved.revision) == (False, arrived, 3)
    site.advance(5)
    async with site.wakeups.subscribe(f"ingestion:{request_id}") as subscription:
        assert (await site.succeed(last)).ingestion_continued
        assert await subscription.wait(0)
    ended = await site.ingestion(request_id)
    assert (ended.status, ended.details, ended.completed_at) == (Status.COMPLETED, None, site.now)
    assert ended.revision == 4


async def test_jobs_that_end_first_hold_nothing(site: "Site") -> None:
    request_id, (job_id,) = await held(site)
    await site.succeed(job_id)
    ended = await site.end_own_work(request_id)
    assert ended is not None
    assert (ended.status, ended.details) == (Status.COMPLETED, None)


@pytest.mark.parametrize("status", [Status.COMPLETED_WITH_ERRORS, Status.FAILED])
async def test_its_own_outcome_stays(site: "Site", status: Status) -> None:
    request_id, (job_id,) = await held(site)
    await site.end_own_work(request_id, status, "2 rows are rejected")
    assert (await site.ingestion(request_id)).details == f"2 rows are rejected; {WAITING}"
    await site.succeed(job_id)
    ended = await site.ingestion(request_id)
    assert (ended.status, ended.details) == (status, "2 rows are rejected")


@pytest.mark.parametrize("own_first", [True, False])
async def test_a_job_that_failed_for_good_is_told(site: "Site", own_first: bool) -> None:
    request_id, (job_id,) = await held(site, max_retries=1)
    if own_first:
        await site.end_own_work(request_id)
    answer = await site.fail(job_id, 1, "torn page")
    assert (answer.status, answer.ingestion_continued) == (JobStatus.FAILED, False)
    if not own_first:
        await site.end_own_work(request_id)
    ended = await site.ingestion(request_id)
    assert ended.status is Status.COMPLETED_WITH_ERRORS
    assert ended.details == f"the audio conversion of job {job_id} failed: torn page"
    async with site.store.read() as connection:
        assert await holds.failures(connection, request_id) == ended.details


async def test_of_many_failed_jobs_the_first_are_told(site: "Site") -> None:
    request_id, made = await held(site, 5, max_retries=1)
    submissions = [Submission(each, 1, success=False, error_message="torn") for each in made]
    await site.results.submit_all(site.acme, submissions)
    ended = await site.end_own_work(request_id)
    assert ended is not None
    assert ended.details is not None
    assert ended.details.count("failed: torn") == 3
    assert ended.details.endswith("; 2 other conversions failed")


async def test_a_failed_attempt_goes_on_holding(site: "Site") -> None:
    request_id, (job_id,) = await held(site)
    await site.end_own_work(request_id)
    assert (await site.fail(job_id, 1)).status is JobStatus.PENDING
    assert not (await site.ingestion(request_id)).terminal
    site.advance(5)
    await site.poll()
    await site.succeed(job_id, 2)
    assert (await site.ingestion(request_id)).status is Status.COMPLETED


async def test_a_job_that_timed_out_ends_the_waiting(site: "Site") -> None:
    request_id, (job_id,) = await held(site, max_retries=1)
    await site.end_own_work(request_id)
    site.advance(60)
    async with site.wakeups.subscribe(f"ingestion:{request_id}") as subscription:
        await site.queue.reap()
        assert await subscription.wait(0)
    ended = await site.ingestion(request_id)
    assert ended.status is Status.COMPLETED_WITH_ERRORS
    assert ended.details is not None
    assert ended.details.startswith(f"the audio conversion of job {job_id} failed: the worker was")


async def test_a_cancelled_job_is_no_longer_waited_for(site: "Site") -> None:
    request_id, (cancelled, last) = await held(site, 2)
    await site.jobs.cancel(site.acme, cancelled)
    told = f"the audio conversion of job {cancelled} was cancelled"
    assert (await site.ingestion(request_id)).details == told
    await site.end_own_work(request_id)
    await site.jobs.cancel(site.acme, last)
    ended = await site.ingestion(request_id)
    assert (ended.status, ended.details) == (Status.COMPLETED, None)


async def test_a_job_that_is_armed_again_holds_again(site: "Site") -> None:
    request_id, (job_id, other) = await held(site, 2, max_retries=1)
    await site.fail(job_id, 1)
    await site.jobs.rearm(site.acme, job_id)
    await site.end_own_work(request_id)
    await site.succeed(other)
    assert not (await site.ingestion(request_id)).terminal
    await site.poll()
    assert (await site.succeed(job_id, 2)).ingestion_continued
    ended = await site.ingestion(request_id)
    assert (ended.status, ended.details) == (Status.COMPLETED, None)


async def test_what_has_ended_never_runs_again(site: "Site") -> None:
    request_id, (job_id,) = await held(site, max_retries=1)
    await site.fail(job_id, 1)
    before = await site.end_own_work(request_id)
    await site.jobs.rearm(site.acme, job_id)
    late = await site.create(ingestion_task_id=request_id)
    await site.poll()
    assert not (await site.succeed(job_id, 2)).ingestion_continued
    assert not (await site.succeed(late)).ingestion_continued
    assert await site.ingestion(request_id) == before


async def test_one_batch_ends_several_ingestions(site: "Site") -> None:
    (first, ours), (second, theirs) = await held(site, 2), await held(site, 3)
    for request_id in (first, second):
        await site.end_own_work(request_id)
    submissions = [
        Submission(job_id, 1, success=True, result=RemoteResult("x"))
        for job_id in (*theirs[1:], *ours)
    ]
    outcomes = await site.results.submit_all(site.acme, submissions)
    assert all(
        not isinstance(each, HeadraceError) and each.ingestion_continued for each in outcomes
    )
    assert (await site.ingestion(first)).status is Status.COMPLETED
    assert not (await site.ingestion(second)).terminal
    await site.succeed(theirs[0])
    assert (await site.ingestion(second)).status is Status.COMPLETED


async def test_a_label_or_anothers_ingestion_is_not_held(site: "Site") -> None:
    theirs = await site.put_ingestion("globex")
    for name in ("label", theirs):
        job_id = await site.create(ingestion_task_id=name)
        async with site.store.read() as connection:
            assert not await holds.is_held(connection, name)
        await site.poll()
        assert not (await site.succeed(job_id)).ingestion_continued
    assert (await site.ingestion(theirs)).revision == 1


async def test_cancelling_an_ingestion_cancels_its_open_jobs(site: "Site") -> None:
    request_id, (done, running) = await held(site, 2)
    pending = await site.create(ingestion_task_id=request_id)
    other = await site.create()
    await site.succeed(done)
    await site.end_own_work(request_id)
    assert set(await cancel(site, request_id)) == {running, pending}
    statuses = [(await site.get(job_id)).job.status.value for job_id in (done, running, pending)]
    assert statuses == ["COMPLETED", "CANCELLED", "CANCELLED"]
    assert (await site.get(other)).job.status is JobStatus.PENDING
    ended = await site.ingestion(request_id)
    assert (ended.status, ended.details) == (Status.CANCELLED, "on request")
    assert (await site.claims.heartbeat(site.acme, running, 1, "w1", None)).cancelled


async def until_cancelled(site: "Site", request_id: str) -> None:
    """Cancel as callers do: again where a job was queued at that moment."""
    for _ in range(20):
        try:
            await cancel(site, request_id)
        except WrongStateError:
            continue
        return
    raise AssertionError("cancelling does not come to an end")


async def quietly(work: Awaitable[object]) -> None:
    """Let work be refused: another end came first."""
    with suppress(HeadraceError):
        await work


async def is_held(site: "Site", request_id: str) -> bool:
    async with site.store.read() as connection:
        return await holds.is_held(connection, request_id)


async def test_whatever_comes_first_the_ending_is_not_lost(site: "Site") -> None:
    """All ends at once, in a random order, and new jobs: it ends with the last of them."""
    random = Random(3)  # noqa: S311  # repeatable
    for _ in range(12):
        await end_at_once(site, random)


async def end_at_once(site: "Site", random: Random) -> None:
    request_id, made = await held(site, 6, max_retries=1)
    kinds = [random.choice(("succeed", "fail", "cancel")) for _ in made]
    ends: dict[str, Callable[[str], Awaitable[object]]] = {
        "succeed": site.succeed,
        "fail": lambda job_id: site.fail(job_id, 1),
        "cancel": lambda job_id: site.jobs.cancel(site.acme, job_id),
    }
    work = [ends[kind](job_id) for kind, job_id in zip(kinds, made, strict=True)]
    work += [site.create(ingestion_task_id=request_id) for _ in range(3)]
    work.append(site.end_own_work(request_id))
    random.shuffle(work)
    await asyncio.gather(*work)
    ended = await site.ingestion(request_id)
    assert ended.terminal != await is_held(site, request_id)
    late = [each.job.job_id for each in await site.poll(worker_id="late")]
    assert len(late) == 3
    await asyncio.gather(*map(site.succeed, late))
    if not ended.terminal:
        ended = await site.ingestion(request_id)
    assert await site.ingestion(request_id) == ended
    failed = kinds.count("fail")
    assert ended.status is (Status.COMPLETED_WITH_ERRORS if failed else Status.COMPLETED)
    assert (ended.details or "").count("failed") == min(failed, 3) + (failed > 3)


async def test_a_cancellation_leaves_no_job_open(site: "Site") -> None:
    random = Random(5)  # noqa: S311  # repeatable
    for _ in range(8):
        await cancel_at_once(site, random)


async def cancel_at_once(site: "Site", random: Random) -> None:
    request_id, made = await held(site, 4)
    await site.end_own_work(request_id)
    work: list[Awaitable[object]] = [quietly(site.succeed(job_id)) for job_id in made]
    work += [site.create(ingestion_task_id=request_id) for _ in range(4)]
    work.append(until_cancelled(site, request_id))
    random.shuffle(work)
    await asyncio.gather(*work)
    assert (await site.ingestion(request_id)).terminal
    assert not await is_held(site, request_id)


async def test_who_queues_a_job_while_the_work_ends_is_waited_for(site: "Site") -> None:
    """The order that a check without a lock would miss: queued, not yet committed."""
    request_id = await site.put_ingestion()
    async with site.store.begin() as connection:
        opened = await holds.share_open(connection, "acme", [request_id])
        job = await site.queue.enqueue(connection, NewJob("remote:audio", "acme", {}))
        new = NewRemoteJob("/a", "audio", ingestion_task_id=request_id)
        await remote_rows.insert(connection, [job], [new], opened)
        ending = asyncio.create_task(site.end_own_work(request_id))
        await asyncio.sleep(0.1)
        assert not ending.done()
    assert (await ending) is not None
    assert not (await site.ingestion(request_id)).terminal
    await site.poll()
    assert (await site.succeed(job.job_id)).ingestion_continued
    assert (await site.ingestion(request_id)).status is Status.COMPLETED


async def test_a_job_that_ends_while_the_work_ends_ends_it(site: "Site") -> None:
    """The other order: the last job has ended, not yet committed, and the work asks for holders."""
    request_id, (job_id,) = await held(site)
    async with site.store.begin() as connection:
        await remote_rows.lock(connection, "acme", [job_id])
        waiting = await holds.lock_open(connection, "acme", [request_id])
        await site.queue.complete_all(connection, [job_id], site.now)
        await remote_rows.complete(connection, {job_id: (RemoteResult("x"), True)})
        ending = asyncio.create_task(site.end_own_work(request_id))
        await asyncio.sleep(0.1)
        await endings.go_on(connection, "acme", waiting, {}, site.now)
    assert (await ending) is not None
    assert (await site.ingestion(request_id)).status is Status.COMPLETED
