import asyncio
from typing import TYPE_CHECKING

import pytest

from headrace_server.model.errors import (
    InvalidFieldError,
    NotFoundError,
    StaleAttemptError,
    WrongStateError,
)
from headrace_server.model.ingestion import Status
from headrace_server.model.job import JobStatus
from headrace_server.model.remote_job import Acknowledgement, RemoteResult, Submission
from headrace_server.model.tenant import Principal

if TYPE_CHECKING:
    from core.remote_jobs.conftest import Site


async def test_a_result_ends_the_job_and_is_kept(site: "Site") -> None:
    job_id = await site.create()
    await site.poll()
    result = RemoteResult("text", {"pages": 2, "title": "ü"}, 1.5)
    before = (await site.get(job_id)).revision
    await site.results.submit(site.acme, Submission(job_id, 1, success=True, result=result))
    assert await site.jobs.result(site.acme, job_id) == result
    done = await site.get(job_id)
    assert (done.terminal, done.worker_id, done.revision) == (True, "w1", before + 1)
    assert done.job.completed_at == site.now


async def test_a_repeated_result_is_answered_as_the_first_time(site: "Site") -> None:
    request_id = await site.put_ingestion()
    job_id = await site.create(ingestion_task_id=request_id)
    await site.poll()
    first = await site.succeed(job_id)
    assert first == Acknowledgement(JobStatus.COMPLETED, ingestion_continued=True)
    site.advance(10_000)
    revision = (await site.ingestion(request_id)).revision
    assert await site.succeed(job_id) == first
    assert (await site.ingestion(request_id)).revision == revision
    for other in (site.succeed(job_id, content="other"), site.succeed(job_id, 2)):
        with pytest.raises(StaleAttemptError):
            await other
    with pytest.raises(StaleAttemptError):
        await site.fail(job_id, 1)


async def test_equal_results_at_once_take_effect_once(site: "Site") -> None:
    request_id = await site.put_ingestion()
    job_id = await site.create(ingestion_task_id=request_id)
    await site.poll()
    answers = await asyncio.gather(*(site.succeed(job_id) for _ in range(10)))
    assert set(answers) == {Acknowledgement(JobStatus.COMPLETED, ingestion_continued=True)}
    assert (await site.ingestion(request_id)).revision == 2


async def test_unequal_results_at_once_one_counts(site: "Site") -> None:
    job_id = await site.create()
    await site.poll()
    calls = (site.succeed(job_id, content=str(n)) for n in range(10))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    kept = [n for n, answer in enumerate(answers) if isinstance(answer, Acknowledgement)]
    assert len(kept) == 1
    assert (await site.jobs.result(site.acme, job_id)).content == str(kept[0])


async def test_three_failures_end_a_job(site: "Site") -> None:
    job_id = await site.create()
    for attempt, delay in ((1, 1), (2, 2)):
        await site.poll()
        answer = await site.fail(job_id, attempt)
        assert answer == Acknowledgement(JobStatus.PENDING, ingestion_continued=False)
        assert await site.fail(job_id, attempt) == answer
        site.advance(delay - 0.001)
        assert await site.poll() == []
        site.advance(0.001)
    await site.poll()
    assert (await site.fail(job_id, 3, "for good")).status is JobStatus.FAILED
    dead = await site.get(job_id)
    assert (dead.job.failures, dead.job.last_error) == (3, "for good")
    with pytest.raises(WrongStateError):
        await site.jobs.result(site.acme, job_id)
    await site.jobs.rearm(site.acme, job_id)
    (again,) = await site.poll()
    assert again.job.attempt == 4


async def test_max_retries_is_the_callers(site: "Site") -> None:
    job_id = await site.create(max_retries=1)
    await site.poll()
    assert (await site.fail(job_id, 1)).status is JobStatus.FAILED


async def test_a_batch_has_an_outcome_for_each(site: "Site") -> None:
    made = [await site.create() for _ in range(4)]
    await site.poll(limit=3)
    entries = [
        Submission(made[0], 1, success=True),
        Submission(made[0], 1, success=True),
        Submission(made[1], 1, success=False, error_message="broken"),
        Submission(made[2], 2, success=True),
        Submission(made[3], 1, success=True),
        Submission("nothing", 1, success=True),
        Submission(made[2], 1, success=True, result=RemoteResult(upload_token=made[0])),
        Submission(made[1], 1, success=True),
    ]
    outcomes = await site.results.submit_all(site.acme, entries)
    completed = Acknowledgement(JobStatus.COMPLETED, ingestion_continued=False)
    pending = Acknowledgement(JobStatus.PENDING, ingestion_continued=False)
    assert outcomes[:3] == [completed, completed, pending]
    assert [type(each) for each in outcomes[3:]] == [
        StaleAttemptError,
        StaleAttemptError,
        NotFoundError,
        InvalidFieldError,
        StaleAttemptError,
    ]
    statuses = [(await site.get(job_id)).job.status.value for job_id in made]
    assert statuses == ["COMPLETED", "PENDING", "RUNNING", "PENDING"]


async def test_a_success_moves_its_ingestion_on_in_the_same_transaction(site: "Site") -> None:
    request_id = await site.put_ingestion()
    job_id = await site.create(ingestion_task_id=request_id)
    await site.poll()
    async with site.wakeups.subscribe(f"ingestion:{request_id}") as subscription:
        assert (await site.succeed(job_id)).ingestion_continued
        assert await subscription.wait(0)
    moved = await site.ingestion(request_id)
    assert moved.revision == 2
    assert moved.details == f"the audio conversion of job {job_id} has arrived"


@pytest.mark.parametrize(("tenant_id", "status"), [("globex", "PENDING"), ("acme", "COMPLETED")])
async def test_what_is_not_an_open_ingestion_of_ours_stays(
    site: "Site", tenant_id: str, status: str
) -> None:
    request_id = await site.put_ingestion(tenant_id, Status(status))
    job_id = await site.create(ingestion_task_id=request_id)
    await site.poll()
    assert not (await site.succeed(job_id)).ingestion_continued
    assert (await site.ingestion(request_id)).revision == 1


async def test_a_failure_moves_nothing_on(site: "Site") -> None:
    request_id = await site.put_ingestion()
    job_id = await site.create(ingestion_task_id=request_id)
    await site.poll()
    assert not (await site.fail(job_id, 1)).ingestion_continued
    assert (await site.ingestion(request_id)).revision == 1


async def test_another_tenants_result_is_refused(site: "Site") -> None:
    job_id = await site.create()
    await site.poll()
    stranger = Principal("globex", site.acme.scopes, None)
    with pytest.raises(NotFoundError):
        await site.results.submit(stranger, Submission(job_id, 1, success=True))
    assert (await site.get(job_id)).job.status is JobStatus.RUNNING


async def test_the_reaper_and_a_result_race(site: "Site") -> None:
    made = [await site.create() for _ in range(20)]
    await site.poll(limit=20)
    site.advance(59)

    async def reap() -> None:
        await asyncio.sleep(0.02)
        site.advance(1)
        await site.queue.reap()

    calls = [site.succeed(job_id) for job_id in made]
    *answers, _ = await asyncio.gather(*calls, reap(), return_exceptions=True)
    for job_id, answer in zip(made, answers, strict=True):
        accepted = isinstance(answer, Acknowledgement)
        assert accepted or isinstance(answer, StaleAttemptError)
        status = (await site.get(job_id)).job.status
        assert status is (JobStatus.COMPLETED if accepted else JobStatus.PENDING)
