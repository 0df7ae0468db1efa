from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from headrace_server.core.remote_jobs.requests import KEPT
from headrace_server.model.errors import (
    InvalidFieldError,
    MissingScopeError,
    NotFoundError,
    StaleAttemptError,
    WrongStateError,
)
from headrace_server.model.job import JobStatus, Priority
from headrace_server.model.tenant import Principal, Scope

if TYPE_CHECKING:
    from core.remote_jobs.conftest import Site

WORKER = Principal("acme", frozenset({Scope.WORKER}), "key")
DATA = "tin, gr\u00fcn\n".encode() * 300_000


async def held(site: "Site") -> str:
    job_id = await site.create()
    await site.poll()
    return job_id


async def content(site: "Site", job_id: str, caller: Principal | None = None) -> bytes:
    pieces = [piece async for piece in site.contents.open(caller or site.acme, job_id)]
    assert all(len(piece) <= 1 << 20 for piece in pieces)
    return b"".join(pieces)


async def test_a_worker_uploads_the_result_of_the_job_it_holds(site: "Site") -> None:
    job_id = await held(site)
    token = await site.upload(DATA, WORKER, (job_id, 1))
    answer = await site.submit_upload(job_id, token)
    assert answer.status is JobStatus.COMPLETED
    assert await site.submit_upload(job_id, token) == answer
    assert (await site.jobs.result(site.acme, job_id)).upload_token == token
    assert await content(site, job_id) == DATA


async def test_a_content_that_was_sent_is_downloaded_too(site: "Site") -> None:
    job_id = await held(site)
    with pytest.raises(WrongStateError):
        await content(site, job_id)
    await site.succeed(job_id, content=DATA.decode())
    assert await content(site, job_id) == DATA
    empty = await held(site)
    await site.succeed(empty, content="")
    assert await content(site, empty) == b""


async def test_another_tenant_gets_nothing(site: "Site") -> None:
    job_id = await held(site)
    await site.submit_upload(job_id, await site.upload(DATA, WORKER, (job_id, 1)))
    with pytest.raises(NotFoundError):
        await content(site, job_id, site.globex)
    with pytest.raises(NotFoundError):
        await site.upload(b"x", site.globex, (job_id, 1))


async def test_a_worker_uploads_nothing_else(site: "Site") -> None:
    job_id = await held(site)
    with pytest.raises(MissingScopeError):
        await site.upload(b"x", WORKER)
    with pytest.raises(MissingScopeError):
        await site.uploads.create(
            WORKER,
            file_name="customers.ndjson",
            data_type="",
            total_bytes=None,
            sha256=None,
            priority=Priority.MEDIUM,
        )
    for wrong in ((job_id, 2), ("nothing", 1)):
        with pytest.raises((StaleAttemptError, NotFoundError)):
            await site.upload(b"x", WORKER, wrong)
    site.advance(60)
    with pytest.raises(StaleAttemptError):
        await site.upload(b"x", WORKER, (job_id, 1))


async def test_a_worker_sees_no_other_session(site: "Site") -> None:
    kept = await site.upload(DATA)
    for call in (
        site.uploads.get(WORKER, kept),
        site.uploads.begin_arrival(WORKER, kept, 0),
        site.uploads.complete(WORKER, kept, sha256=None),
        site.uploads.seal(WORKER, kept, sha256=None),
        site.uploads.resume(WORKER, kept),
        site.uploads.abort(WORKER, kept),
    ):
        with pytest.raises(NotFoundError):
            await call
    assert (await site.uploads.get(site.acme, kept)).offset == len(DATA)


async def test_a_result_takes_its_own_uploads_only(site: "Site") -> None:
    job_id, other = await held(site), await held(site)
    theirs = await site.upload(DATA, site.globex)
    others = await site.upload(DATA, WORKER, (other, 1))
    unfinished = await site.contents.begin_upload(
        WORKER, job_id, 1, file_name="x", total_bytes=5, sha256=None
    )
    for token in (theirs, others, unfinished.upload_id, "nothing"):
        with pytest.raises(InvalidFieldError):
            await site.submit_upload(job_id, token)
    assert (await site.get(job_id)).job.status is JobStatus.RUNNING
    assert (await site.uploads.get(site.acme, others)).job_id == other


async def test_an_older_attempts_upload_is_no_result(site: "Site") -> None:
    job_id = await held(site)
    token = await site.upload(DATA, WORKER, (job_id, 1))
    await site.fail(job_id, 1)
    site.advance(5)
    await site.poll()
    with pytest.raises(StaleAttemptError):
        await site.submit_upload(job_id, token)
    with pytest.raises(InvalidFieldError):
        await site.submit_upload(job_id, token, 2)


async def test_a_kept_upload_becomes_the_jobs(site: "Site") -> None:
    token = await site.upload(DATA)
    job_id, other = await held(site), await held(site)
    await site.submit_upload(job_id, token)
    with pytest.raises(InvalidFieldError):
        await site.submit_upload(other, token)
    assert await content(site, job_id) == DATA


async def test_the_source_is_not_the_result(site: "Site") -> None:
    token = await site.upload(DATA)
    job_id = await site.create(source_file_path=token)
    await site.poll()
    with pytest.raises(InvalidFieldError):
        await site.submit_upload(job_id, token)


async def test_the_bytes_go_with_the_job(site: "Site") -> None:
    deleted, swept = await held(site), await held(site)
    tokens = {}
    for job_id in (deleted, swept):
        tokens[job_id] = await site.upload(DATA, WORKER, (job_id, 1))
        await site.submit_upload(job_id, tokens[job_id])
    await site.jobs.delete(site.acme, deleted)
    assert not site.spool.data(tokens[deleted]).exists()
    assert site.spool.data(tokens[swept]).exists()
    site.now += KEPT + timedelta(seconds=1)
    assert await site.jobs.sweep() == 1
    assert not site.spool.data(tokens[swept]).exists()
    for token in tokens.values():
        with pytest.raises(NotFoundError):
            await site.uploads.get(site.acme, token)


async def test_a_source_outlives_the_job_that_it_is_the_result_of(site: "Site") -> None:
    first = await held(site)
    token = await site.upload(DATA, WORKER, (first, 1))
    await site.submit_upload(first, token)
    second = await site.create(source_file_path=token)
    await site.jobs.delete(site.acme, first)
    (claimed,) = await site.poll()
    assert claimed.job.job_id == second
    url = (await site.sources.signer())(claimed)
    signature = url.partition("signature=")[2]
    pieces = [piece async for piece in site.sources.open(site.acme, second, 1, signature)]
    assert b"".join(pieces) == DATA


async def test_results_outlive_what_is_only_kept(site: "Site") -> None:
    job_id = await held(site)
    token = await site.upload(DATA, WORKER, (job_id, 1))
    await site.submit_upload(job_id, token)
    unused = await site.upload(DATA)
    site.now += timedelta(days=60)
    assert await site.uploads.sweep_loaded() == 1
    assert await content(site, job_id) == DATA
    assert not site.spool.data(unused).exists()


async def test_bytes_that_are_gone(site: "Site") -> None:
    job_id = await held(site)
    token = await site.upload(DATA, WORKER, (job_id, 1))
    await site.submit_upload(job_id, token)
    site.spool.drop_upload(token)
    with pytest.raises(NotFoundError, match="kept long enough"):
        await content(site, job_id)
