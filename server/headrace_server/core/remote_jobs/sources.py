"""Source files: signed addresses, and the bytes for the worker that holds the job."""

import hashlib
import hmac
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path

from headrace_server.core.jobs.leases import held_claim
from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.pieces import pieces_of
from headrace_server.db import remote_jobs as remote_rows
from headrace_server.db import signing_keys
from headrace_server.db import uploads as upload_rows
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.files.spool import Spool
from headrace_server.model.errors import NotFoundError, UnauthenticatedError
from headrace_server.model.remote_job import RemoteJob
from headrace_server.model.tenant import Principal
from headrace_server.model.upload import UploadStatus

_KEY = "remote-job-sources"


class Sources:
    """Signs the addresses of source files and streams what they lead to."""

    def __init__(self, store: ControlStore, jobs: Jobs, spool: Spool) -> None:
        self._store = store
        self._jobs = jobs
        self._spool = spool
        self._key: bytes | None = None

    async def signer(self) -> Callable[[RemoteJob], str]:
        """Return what says where a job's present attempt finds its source, below the API's address.

        That does not wait, so that nothing is between a claim and its answer.
        """
        key = await self._signing_key()

        def url(record: RemoteJob) -> str:
            job = record.job
            signature = _signature(key, job.tenant_id, job.job_id, job.attempt)
            query = f"attempt={job.attempt}&signature={signature}"
            return f"/api/v1/remote-jobs/{job.job_id}/download?{query}"

        return url

    async def open(
        self, caller: Principal, job_id: str, attempt: int, signature: str
    ) -> AsyncGenerator[bytes, None]:
        """Yield the source in pieces of at most 1 MiB; one empty piece of an empty file.

        Raises UnauthenticatedError for a wrong signature, StaleAttemptError for any attempt but
        the one that holds the job, NotFoundError where the source is nothing that we have.
        """
        key = await self._signing_key()
        expected = _signature(key, caller.tenant_id, job_id, attempt)
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            raise UnauthenticatedError(
                "the signature of the download is not that of source_file_url"
            )
        path = await self._path(caller, job_id, attempt)
        async with aclosing(pieces_of(path, "source file")) as pieces:
            async for piece in pieces:
                yield piece

    async def _path(self, caller: Principal, job_id: str, attempt: int) -> Path:
        async with self._store.read() as connection:
            found = await remote_rows.find_stored(connection, caller.tenant_id, job_id)
            if found is None:
                raise NotFoundError("job", job_id)
            stored, record = found
            held_claim(stored, job_id, attempt, await self._jobs.now(connection))
            return await self._upload(connection, caller, record)

    async def _upload(self, connection: Connection, caller: Principal, record: RemoteJob) -> Path:
        token = record.source_file_path
        upload = await upload_rows.find(connection, caller.tenant_id, token)
        if upload is None or upload.status is not UploadStatus.COMPLETED:
            raise NotFoundError(
                "source file", token, "is no completed upload: it cannot be downloaded from here"
            )
        return self._spool.data(upload.upload_id)

    async def _signing_key(self) -> bytes:
        if self._key is None:
            async with self._store.begin() as connection:
                self._key = await signing_keys.keep(connection, _KEY, secrets.token_bytes(32))
        return self._key


def _signature(key: bytes, tenant_id: str, job_id: str, attempt: int) -> str:
    message = f"{tenant_id}\n{job_id}\n{attempt}".encode()
    return hmac.new(key, message, hashlib.sha256).hexdigest()
