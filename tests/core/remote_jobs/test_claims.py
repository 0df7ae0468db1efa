import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from headrace_server.core.remote_jobs.requests import RemoteJobs
from headrace_server.model.errors import NotFoundError, StaleAttemptError, TooLargeError
from headrace_server.model.job import JobStatus, Priority
from headrace_server.model.remote_job import NewRemoteJob
from headrace_server.rpc.messages.remote_job import claimed_message, polled_message

if TYPE_CHECKING:
    from core.remote_jobs.conftest import Site


async def test_a_claim_gives_all_that_a_worker_needs(site: "Site") -> None:
    job_id = await site.create(task_options={"language": "en"}, ingestion_task_id="label")
    site.advance(10_000)
    (claimed,) = await site.poll()
    assert claimed == await site.get(job_id)
    job = claimed.job
    assert (job.status, job.attempt, claimed.worker_id) == (JobStatus.RUNNING, 1, "w1")
    # Waiting burned nothing of the attempt's time.
    assert job.lease_expires_at == site.now + timedelta(seconds=60)
    assert job.attempt_expires_at == site.now + timedelta(minutes=30)
    assert claimed.task_options == {"language": "en"}
    assert await site.poll() == []


async def test_the_lease_is_a_setting(site: "Site") -> None:
    lease = timedelta(seconds=2)
    jobs = RemoteJobs(
        site.store,
        site.queue,
        site.remote_queue,
        site.wakeups,
        None,  # type: ignore[arg-type]  # watches are tested elsewhere
        site.spool,
        lease,
    )
    (job,) = await jobs.create(site.acme, [NewRemoteJob("/a", "audio")])
    (claimed,) = await site.poll()
    assert claimed.job.lease_expires_at == site.now + lease
    site.advance(1)
    beat = await site.claims.heartbeat(site.acme, job.job_id, 1, "w1", None)
    assert beat.lease_expires_at == site.now + lease
    site.advance(2)
    assert [each.last_error for each in await site.queue.reap()] == [
        "the worker was not heard of for 2 s"
    ]


async def test_max_jobs_gives_every_job_it_claimed(site: "Site") -> None:
    made = {await site.create() for _ in range(5)}
    first, rest = await site.poll(limit=3), await site.poll(limit=3)
    assert len(first) == 3
    assert {each.job.job_id for each in first + rest} == made


async def test_only_the_content_types_asked_for(site: "Site") -> None:
    film, talk = await site.create("video"), await site.create("audio")
    assert await site.poll("document") == []
    assert [each.job.job_id for each in await site.poll("audio", "document")] == [talk]
    assert [each.job.job_id for each in await site.poll("video")] == [film]


async def test_content_types_go_by_rank(site: "Site") -> None:
    order = []
    for content_type in ("video", "audio", "video", "audio"):
        order.append(await site.create(content_type))
        site.advance(1)
    urgent = await site.create("audio", priority=Priority.HIGH)
    claimed = await site.poll("audio", "video", limit=4)
    assert [each.job.job_id for each in claimed] == [urgent, *order[:3]]


async def test_another_tenants_job_does_not_exist(site: "Site") -> None:
    job_id = await site.create()
    assert await site.claims.poll(site.globex, "w", ["audio"], 5, 0) == []
    await site.poll()
    with pytest.raises(NotFoundError) as theirs:
        await site.claims.heartbeat(site.globex, job_id, 1, "w1", None)
    with pytest.raises(NotFoundError) as nobodys:
        await site.claims.heartbeat(site.globex, "nothing", 1, "w1", None)
    assert str(theirs.value).replace(job_id, "nothing") == str(nobodys.value)


async def test_fifty_pollers_never_take_a_job_twice(site: "Site") -> None:
    made = {await site.create() for _ in range(60)}
    polls = (site.poll(worker_id=f"w{n}", limit=2) for n in range(50))
    taken = [each.job.job_id for given in await asyncio.gather(*polls) for each in given]
    assert len(taken) == len(set(taken))
    taken += [each.job.job_id for each in await site.poll(limit=60)]
    assert set(taken) == made


async def test_a_poll_waits_without_a_session(site: "Site") -> None:
    waiting = [asyncio.create_task(site.poll(limit=1, wait=60)) for _ in range(60)]
    await asyncio.sleep(0.05)
    made = {await site.create() for _ in range(60)}
    given = await asyncio.gather(*waiting)
    assert {each.job.job_id for (each,) in given} == made


async def test_a_heartbeat_extends_the_lease_never_the_attempt(site: "Site") -> None:
    job_id = await site.create("document")
    await site.poll("document")
    for _ in range(29):
        site.advance(30)
        answer = await site.claims.heartbeat(site.acme, job_id, 1, "w1", None)
        assert not answer.cancelled
    assert answer.lease_expires_at == site.now + timedelta(seconds=30)
    site.advance(30)
    with pytest.raises(StaleAttemptError):
        await site.claims.heartbeat(site.acme, job_id, 1, "w1", None)
    (job,) = await site.queue.reap()
    assert job.last_error == "the attempt took longer than 900 s"


async def test_an_old_worker_is_refused_also_with_the_same_id(site: "Site") -> None:
    job_id = await site.create()
    await site.poll()
    site.advance(60)
    for call in (site.succeed(job_id, 1), site.fail(job_id, 1)):
        with pytest.raises(StaleAttemptError):
            await call
    await site.queue.reap()
    site.advance(5)
    (again,) = await site.poll()
    assert again.job.attempt == 2
    with pytest.raises(StaleAttemptError):
        await site.claims.heartbeat(site.acme, job_id, 1, "w1", {"second": 1})
    with pytest.raises(StaleAttemptError):
        await site.succeed(job_id, 1)
    assert (await site.get(job_id)).checkpoint is None
    assert (await site.succeed(job_id, 2)).status is JobStatus.COMPLETED


async def test_another_workers_heartbeat_is_refused(site: "Site") -> None:
    job_id = await site.create()
    await site.poll()
    with pytest.raises(StaleAttemptError):
        await site.claims.heartbeat(site.acme, job_id, 1, "w2", None)


async def test_a_checkpoint_reaches_the_next_attempt(site: "Site") -> None:
    job_id = await site.create()
    await site.poll()
    await site.claims.heartbeat(site.acme, job_id, 1, "w1", {"second": 12.5})
    await site.claims.heartbeat(site.acme, job_id, 1, "w1", None)
    await site.fail(job_id, 1)
    site.advance(5)
    (again,) = await site.poll()
    assert again.checkpoint == {"second": 12.5}


async def test_a_checkpoint_has_a_limit(site: "Site") -> None:
    job_id = await site.create()
    await site.poll()
    room = (64 << 10) - len('{"a": ""}')
    await site.claims.heartbeat(site.acme, job_id, 1, "w1", {"a": "x" * room})
    with pytest.raises(TooLargeError):
        await site.claims.heartbeat(site.acme, job_id, 1, "w1", {"a": "x" * (room + 1)})


async def test_a_heartbeat_hears_of_a_cancellation(site: "Site") -> None:
    job_id = await site.create()
    await site.poll()
    await site.jobs.cancel(site.acme, job_id)
    answer = await site.claims.heartbeat(site.acme, job_id, 1, "w1", {"lost": True})
    assert (answer.cancelled, answer.lease_expires_at) == (True, None)
    assert (await site.get(job_id)).checkpoint is None


async def test_lost_workers_time_the_job_out_visibly(site: "Site") -> None:
    job_id = await site.create()
    for attempt in (1, 2, 3):
        (claimed,) = await site.poll()
        assert claimed.job.attempt == attempt
        before = (await site.get(job_id)).revision
        site.advance(60)
        await site.queue.reap()
        assert (await site.get(job_id)).revision == before + 1
        site.advance(10)
    dead = await site.get(job_id)
    assert (dead.job.status, dead.job.failures) == (JobStatus.TIMEOUT, 3)
    assert dead.worker_id == "w1"
    armed = await site.jobs.rearm(site.acme, job_id)
    assert (armed.job.status, armed.job.failures) == (JobStatus.PENDING, 0)
    (again,) = await site.poll()
    assert again.job.attempt == 4


async def test_a_server_that_starts_alone_leaves_remote_workers_be(site: "Site") -> None:
    job_id = await site.create()
    await site.poll()
    assert await site.queue.take_back() == []
    assert (await site.succeed(job_id)).status is JobStatus.COMPLETED


async def test_a_stream_of_high_cannot_starve_low(site: "Site") -> None:
    low = await site.create(priority=Priority.LOW)
    # No newer job is ahead any more once twice the head start has passed.
    for _ in range(21):
        site.advance(60)
        await site.create(priority=Priority.HIGH)
        await site.poll(limit=1)
    assert (await site.get(low)).job.status is JobStatus.RUNNING


async def test_a_tenants_thousand_jobs_cannot_starve_anothers_one(site: "Site") -> None:
    many = [NewRemoteJob("/a", "audio", priority=Priority.HIGH)] * 1000
    await site.jobs.create(site.globex, many)
    one = await site.create(priority=Priority.LOW)
    theirs = site.claims.poll(site.globex, "w2", ["audio"], 1, 0)
    given, ours = await asyncio.gather(theirs, site.poll(limit=1))
    assert [record.job.tenant_id for record in given] == ["globex"]
    assert [record.job.job_id for record in ours] == [one]


async def test_reapers_and_fresh_claims_at_once_count_each_loss_once(site: "Site") -> None:
    made = {await site.create() for _ in range(20)}
    await site.poll(limit=20)
    site.advance(60)
    again: dict[str, int] = {}

    async def keep_polling() -> None:
        while len(again) < len(made):
            site.advance(1)  # the back-off; the new leases last for longer
            polled = await site.poll(worker_id="w2", limit=3)
            again.update({record.job.job_id: record.job.attempt for record in polled})

    async with asyncio.timeout(30):
        await asyncio.gather(keep_polling(), *(site.queue.reap() for _ in range(5)))
    assert again == dict.fromkeys(made, 2)
    for job_id in made:
        job = (await site.get(job_id)).job
        assert (job.status, job.attempt, job.failures) == (JobStatus.RUNNING, 2, 1)


@pytest.mark.parametrize("options", ["[1]", "5", "null"])
async def test_what_cannot_be_read_backs_off_and_finally_fails(site: "Site", options: str) -> None:
    await check_unreadable(site, options)


async def test_text_that_is_no_json_spoils_its_own_job_only(site: "Site") -> None:
    if site.store.dialect == "sqlite":
        await check_unreadable(site, "{broken")
        return
    with pytest.raises(DBAPIError):
        await check_unreadable(site, "{broken")


async def check_unreadable(site: "Site", options: str) -> None:
    bad = await site.create(max_retries=2)
    async with site.store.begin() as connection:
        await connection.execute(text(f"UPDATE remote_jobs SET task_options = '{options}'"))
    good = await site.create()
    assert [record.job.job_id for record in await site.poll()] == [good]
    found = await site.queue.find(bad)
    assert found is not None
    assert (found.status, found.failures) == (JobStatus.PENDING, 1)
    assert await site.poll() == []
    site.advance(10)
    assert await site.poll() == []
    found = await site.queue.find(bad)
    assert found is not None
    assert (found.status, found.last_error) == (
        JobStatus.FAILED,
        "what is asked for cannot be read",
    )


async def test_polls_that_are_answered_together_get_what_was_claimed_for_them(
    site: "Site",
) -> None:
    """Jobs that were created at once have one rank."""
    await site.jobs.create(site.acme, [NewRemoteJob("/a", "audio") for _ in range(300)])
    polls = [site.poll(worker_id=f"w{number}", limit=number + 1) for number in range(20)]
    given = await asyncio.gather(*polls)
    assert [len(jobs) for jobs in given] == [number + 1 for number in range(20)]
    for number, jobs in enumerate(given):
        assert {job.job.worker_id for job in jobs} == {f"w{number}"}


async def test_an_answer_is_what_a_message_carries(site: "Site") -> None:
    """Whoever cannot take an answer would lose its jobs, and again at the next poll."""
    options = {"text": "x" * 60_000}
    await site.jobs.create(site.acme, [NewRemoteJob("/a", "audio", options) for _ in range(100)])
    first = await site.poll(limit=1000)
    assert 15 <= len(first) <= 25
    polls = [site.poll(worker_id="greedy", limit=1000), site.poll(worker_id="modest", limit=1)]
    greedy, modest = await asyncio.gather(*polls)
    assert 15 <= len(greedy) <= 25
    assert len(modest) == 1
    await site.claims.drain()
    left = 100 - len(first) - len(greedy) - 1
    while left:
        found = await site.poll(limit=1000)
        assert found
        left -= len(found)
    assert await site.poll() == []


async def test_the_largest_answer_is_a_message_that_every_client_takes(site: "Site") -> None:
    """Numbers are more than twice as many bytes in a message as in JSON."""
    checkpoint = {"seen": [1.0] * 13_000}
    path = "/" + "p" * 4000
    await site.jobs.create(site.acme, [NewRemoteJob(path, "audio") for _ in range(40)])
    for job in await site.poll(limit=40):
        claim = (job.job.job_id, job.job.attempt)
        await site.claims.heartbeat(site.acme, *claim, "w1", checkpoint)
        await site.releases.release(site.acme, *claim)
    answer = await site.poll(limit=1000)
    message = polled_message([claimed_message(each, each.source_file_path) for each in answer])
    assert 1 << 20 < message.ByteSize() < 4 << 20
