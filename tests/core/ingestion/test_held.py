"""File and mapping ingestions that remote jobs keep open, on a whole core."""

import pytest

from headrace_server.app import Core
from headrace_server.core.mappings.accepting import RUN_MAPPINGS
from headrace_server.db import jobs as job_rows
from headrace_server.model.errors import StaleAttemptError
from headrace_server.model.ingestion import Ingestion, Status
from headrace_server.model.job import JobStatus, Priority
from headrace_server.model.mapping import Mapping
from headrace_server.model.remote_job import NewRemoteJob, RemoteResult, Submission

from .conftest import CALLER, Send, Work, customer, lines, order

WAITING = "remote jobs are waited for"


async def queue(core: Core, request_id: str) -> str:
    """Queue a remote job that names an ingestion."""
    new = NewRemoteJob("/a", "audio", ingestion_task_id=request_id, max_retries=1)
    (job,) = await core.services.remote_jobs.create(CALLER, [new])
    return job.job_id


async def finish(core: Core, job_id: str, *, success: bool = True) -> bool:
    await core.services.remote_claims.poll(CALLER, "w", ["audio"], 100, 0)
    result = RemoteResult("text") if success else RemoteResult()
    words = None if success else "torn"
    submission = Submission(job_id, 1, success=success, result=result, error_message=words)
    return (await core.services.remote_results.submit(CALLER, submission)).ingestion_continued


async def now(core: Core, request_id: str) -> Ingestion:
    return await core.services.ingestions.get(CALLER, request_id)


async def test_a_loaded_file_waits_for_its_conversions(core: Core, send: Send, work: Work) -> None:
    request_id = (await send("customers_1.ndjson", lines([customer(1)]))).request_id
    job_id = await queue(core, request_id)
    await work()
    waiting = await now(core, request_id)
    assert (waiting.status, waiting.rows_loaded) == (Status.IN_PROGRESS, 1)
    assert (waiting.details, waiting.progress) == (WAITING, 99)
    assert await finish(core, job_id)
    ended = await now(core, request_id)
    assert (ended.status, ended.details, ended.progress) == (Status.COMPLETED, None, 100)


async def test_failed_conversions_outlive_the_release_of_parked_rows(
    core: Core, send: Send, work: Work
) -> None:
    request_id = (await send("orders_1.ndjson", lines([order(1, 7)]))).request_id
    job_id = await queue(core, request_id)
    await work()
    assert (await now(core, request_id)).details == f"1 row waits for a parent; {WAITING}"
    await finish(core, job_id, success=False)
    failed = f"the audio conversion of job {job_id} failed: torn"
    assert (await now(core, request_id)).details == f"1 row waits for a parent; {failed}"
    await core.services.remote_jobs.delete(CALLER, job_id)
    await send("customers_1.ndjson", lines([customer(7)]))
    await work()
    ended = await now(core, request_id)
    assert (ended.status, ended.rows_parked) == (Status.COMPLETED_WITH_ERRORS, 0)
    assert ended.details == failed


async def test_rows_released_meanwhile_are_settled_after_the_end(
    core: Core, send: Send, work: Work
) -> None:
    request_id = (await send("orders_1.ndjson", lines([order(1, 7)]))).request_id
    job_id = await queue(core, request_id)
    await work()
    await send("customers_1.ndjson", lines([customer(7)]))
    await work()
    await finish(core, job_id)
    await core.housekeeping._settlement.settle_all()
    ended = await now(core, request_id)
    assert (ended.status, ended.rows_loaded, ended.details) == (Status.COMPLETED, 1, None)


async def test_a_load_that_is_given_up_waits_too(core: Core, send: Send) -> None:
    request_id = (await send("customers_1.ndjson", lines([customer(1)]))).request_id
    job_id = await queue(core, request_id)
    for _ in range(3):
        (job,) = await core.jobs.claim("tests", ["load_files"], 1)
        await core.jobs.record_failure(job.job_id, job.attempt, "no disk")
        await _make_claimable(core, job.job_id)
    waiting = await now(core, request_id)
    assert waiting.status is Status.PENDING
    assert (waiting.details or "").endswith(WAITING)
    await finish(core, job_id)
    ended = await now(core, request_id)
    assert ended.status is Status.FAILED
    assert (ended.details or "").startswith("given up after 3 failed attempts: no disk")


async def _make_claimable(core: Core, job_id: str) -> None:
    async with core.store.begin() as connection:
        job = await job_rows.find(connection, job_id)
        assert job is not None
        await job_rows.update(connection, job_id, {"available_at": job.created_at})


async def test_cancelling_it_cancels_its_conversions(core: Core, send: Send, work: Work) -> None:
    request_id = (await send("customers_1.ndjson", lines([customer(1)]))).request_id
    job_id = await queue(core, request_id)
    await work()
    ended = await core.services.ingestions.cancel(CALLER, request_id)
    assert (ended.status, ended.rows_loaded) == (Status.CANCELLED, 1)
    assert (await core.services.remote_jobs.get(CALLER, job_id)).job.status is JobStatus.CANCELLED
    with pytest.raises(StaleAttemptError):
        await finish(core, job_id)
    # Run again it has nothing left to load, and waits for what is armed again.
    await core.services.remote_jobs.rearm(CALLER, job_id)
    await core.services.ingestions.retry(CALLER, request_id)
    await work()
    assert not (await now(core, request_id)).terminal
    assert await finish(core, job_id)
    assert (await now(core, request_id)).status is Status.COMPLETED


async def test_cancelling_before_its_own_work(core: Core, send: Send, work: Work) -> None:
    request_id = (await send("customers_1.ndjson", lines([customer(1)]))).request_id
    job_id = await queue(core, request_id)
    assert (await core.services.ingestions.cancel(CALLER, request_id)).status is Status.CANCELLED
    await work()
    assert (await core.services.remote_jobs.get(CALLER, job_id)).job.status is JobStatus.CANCELLED


async def test_mappings_wait_for_their_conversions(core: Core) -> None:
    mappings = [Mapping("m", "source", "target", {})]
    accepted = await core.services.mappings.accept(CALLER, mappings, Priority.MEDIUM)
    job_id = await queue(core, accepted.request_id)
    (job,) = await core.jobs.claim("tests", [RUN_MAPPINGS], 1)
    await core.mappings.run(job)
    waiting = await now(core, accepted.request_id)
    assert (waiting.status, waiting.processed_units, waiting.progress) == (
        Status.IN_PROGRESS, 1, 99
    )  # fmt: skip
    assert await finish(core, job_id)
    ended = await now(core, accepted.request_id)
    assert (ended.terminal, ended.progress) == (True, 100)
