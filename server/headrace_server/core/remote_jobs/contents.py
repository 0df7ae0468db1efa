"""Contents of results: uploaded by the attempt that holds a job, and read back."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from headrace_server.core.ingestion.uploads import Uploads
from headrace_server.core.jobs.leases import held_claim
from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.pieces import PIECE_BYTES, pieces_of
from headrace_server.core.remote_jobs.requests import RemoteJobs
from headrace_server.db import remote_jobs as remote_rows
from headrace_server.db.engine import ControlStore
from headrace_server.files.spool import Spool
from headrace_server.model.errors import NotFoundError
from headrace_server.model.job import Priority
from headrace_server.model.tenant import Principal
from headrace_server.model.upload import Upload


class Contents:
    """The contents of results. Methods raise NotFoundError for any other tenant's job."""

    def __init__(
        self,
        store: ControlStore,
        jobs: Jobs,
        uploads: Uploads,
        remote_jobs: RemoteJobs,
        spool: Spool,
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._uploads = uploads
        self._remote_jobs = remote_jobs
        self._spool = spool

    async def begin_upload(
        self,
        caller: Principal,
        job_id: str,
        attempt: int,
        *,
        file_name: str,
        total_bytes: int | None,
        sha256: str | None,
    ) -> Upload:
        """Open an upload session for the content of a result; needs no scope but WORKER.

        Raises StaleAttemptError for any attempt but the one that holds the job, and what
        `Uploads.create` does. Whether it still holds it is checked again with the result.
        """
        async with self._store.read() as connection:
            found = await remote_rows.find_stored(connection, caller.tenant_id, job_id)
            if found is None:
                raise NotFoundError("job", job_id)
            held_claim(found[0], job_id, attempt, await self._jobs.now(connection))
        return await self._uploads.create(
            caller,
            file_name=file_name,
            data_type="",
            total_bytes=total_bytes,
            sha256=sha256,
            priority=Priority.MEDIUM,
            result_of=(job_id, attempt),
        )

    async def open(self, caller: Principal, job_id: str) -> AsyncGenerator[bytes, None]:
        """Yield the content of a result in pieces of at most 1 MiB; one empty piece of none.

        Raises WrongStateError where the job has no result.
        """
        result = await self._remote_jobs.result(caller, job_id)
        if result.upload_token is None:
            content = (result.content or "").encode()
            for start in range(0, max(len(content), 1), PIECE_BYTES):
                yield content[start : start + PIECE_BYTES]
            return
        path = self._spool.data(result.upload_token)
        async with aclosing(pieces_of(path, "result")) as pieces:
            async for piece in pieces:
                yield piece
