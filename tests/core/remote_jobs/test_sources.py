from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from headrace_server.core.remote_jobs.sources import Sources
from headrace_server.model.errors import NotFoundError, StaleAttemptError, UnauthenticatedError
from headrace_server.model.remote_job import RemoteJob
from headrace_server.model.tenant import Principal

if TYPE_CHECKING:
    from core.remote_jobs.conftest import Site

DATA = bytes(range(256)) * 10_000


async def claimed(site: "Site", data: bytes = DATA) -> RemoteJob:
    """A job with an uploaded source, held by a worker."""
    await site.create(source_file_path=await site.upload(data))
    (record,) = await site.poll()
    return record


def signature_of(url: str) -> str:
    (signature,) = parse_qs(urlsplit(url).query)["signature"]
    return signature


async def download(
    site: "Site",
    record: RemoteJob,
    *,
    signature: str | None = None,
    attempt: int | None = None,
    caller: Principal | None = None,
) -> list[bytes]:
    signed = signature_of((await site.sources.signer())(record))
    pieces = site.sources.open(
        caller or site.acme,
        record.job.job_id,
        record.job.attempt if attempt is None else attempt,
        signed if signature is None else signature,
    )
    return [piece async for piece in pieces]


async def test_the_holder_gets_the_bytes_in_pieces(site: "Site") -> None:
    record = await claimed(site)
    url = (await site.sources.signer())(record)
    path = f"/api/v1/remote-jobs/{record.job.job_id}/download"
    assert url == f"{path}?attempt=1&signature={signature_of(url)}"
    pieces = await download(site, record)
    assert b"".join(pieces) == DATA
    assert [len(piece) for piece in pieces] == [1 << 20, 1 << 20, len(DATA) - (2 << 20)]


async def test_an_empty_file_is_one_empty_piece(site: "Site") -> None:
    assert await download(site, await claimed(site, b"")) == [b""]


async def test_all_servers_sign_alike(site: "Site") -> None:
    record = await claimed(site)
    another = Sources(site.store, site.queue, site.spool)
    assert (await another.signer())(record) == (await site.sources.signer())(record)


@pytest.mark.parametrize("signature", ["", "0" * 64, "\u00e9"])
async def test_a_forged_signature_is_refused(site: "Site", signature: str) -> None:
    with pytest.raises(UnauthenticatedError):
        await download(site, await claimed(site), signature=signature)


async def test_a_signature_is_for_one_attempt_of_one_tenants_job(site: "Site") -> None:
    record = await claimed(site)
    with pytest.raises(UnauthenticatedError):
        await download(site, record, attempt=2)
    with pytest.raises(UnauthenticatedError):
        await download(site, record, caller=site.globex)


async def test_only_the_attempt_that_holds_the_job(site: "Site") -> None:
    record = await claimed(site)
    site.advance(60)
    with pytest.raises(StaleAttemptError):
        await download(site, record)
    await site.queue.reap()
    site.advance(5)
    (again,) = await site.poll()
    with pytest.raises(StaleAttemptError):
        await download(site, record)
    assert b"".join(await download(site, again)) == DATA
    await site.succeed(again.job.job_id, 2)
    with pytest.raises(StaleAttemptError):
        await download(site, again)


async def test_a_source_that_is_no_upload(site: "Site") -> None:
    await site.create(source_file_path="/etc/passwd")
    (record,) = await site.poll()
    with pytest.raises(NotFoundError, match="no completed upload"):
        await download(site, record)


async def test_another_tenants_upload_is_none(site: "Site") -> None:
    token = await site.upload(DATA, site.globex)
    await site.create(source_file_path=token)
    (record,) = await site.poll()
    with pytest.raises(NotFoundError, match="no completed upload"):
        await download(site, record)


async def test_bytes_that_are_gone(site: "Site") -> None:
    record = await claimed(site)
    site.spool.drop_upload(record.source_file_path)
    with pytest.raises(NotFoundError, match="kept long enough"):
        await download(site, record)
