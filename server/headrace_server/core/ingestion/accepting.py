"""Complete uploads become an ingestion and its job, in one transaction."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from headrace_server.core.contracts.registry import Contracts
from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.limits import Limits
from headrace_server.db import ingestions as ingestion_rows
from headrace_server.db import uploads as upload_rows
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.files.disk import on_disk
from headrace_server.files.spool import put_in_place
from headrace_server.model.contract import in_dependency_order
from headrace_server.model.errors import UploadClosedError
from headrace_server.model.ingestion import Ingestion, IngestionFile, Kind
from headrace_server.model.job import Clocks, NewJob, Priority
from headrace_server.model.upload import Upload

#: kind of the job that loads an ingestion's files; its payload names the ingestion
LOAD_FILES = "load_files"


@dataclass(frozen=True, slots=True)
class SealedUpload:
    """An upload that was put together and checked."""

    #: as it stood when its bytes were read
    upload: Upload
    #: file of exactly `upload.offset` bytes, not yet in its place
    path: Path


class Acceptance:
    """Turns complete uploads into work."""

    def __init__(
        self,
        store: ControlStore,
        jobs: Jobs,
        contracts: Contracts,
        limits: Limits,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._contracts = contracts
        self._limits = limits
        self._clock = clock

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Open a transaction for `accept`; wakes a worker once it is committed."""
        async with self._store.begin() as connection:
            yield connection
        self._jobs.announce()

    async def accept(
        self, connection: Connection, sealed: Sequence[SealedUpload], priority: Priority
    ) -> tuple[Ingestion, list[IngestionFile]]:
        """Insert the ingestion of these uploads of one tenant, with its files and job.

        Files stand in the order of their references. An upload that another call completed
        meanwhile keeps its ingestion and this one is not made: then that ingestion is returned.
        Raises UploadClosedError where an upload was aborted, failed or written to meanwhile.
        """
        request_id = str(uuid.uuid4())
        uploads = [each.upload for each in sealed]
        for upload in uploads:
            if not await upload_rows.complete(connection, upload.upload_id, request_id):
                return await self._accepted_before(connection, upload)
            await _refuse_late_bytes(connection, upload)
        await _put_in_place(sealed)
        tenant_id = uploads[0].tenant_id
        files = await self._files(request_id, tenant_id, uploads)
        job = await self._jobs.enqueue(
            connection,
            NewJob(
                LOAD_FILES,
                tenant_id,
                self._payload(request_id),
                priority=priority,
                clocks=Clocks(lease=self._limits.lease),
            ),
        )
        ingestion = Ingestion.accepted(
            request_id,
            tenant_id,
            Kind.FILES,
            priority,
            units=len(files),
            bytes_total=sum(file.bytes_total for file in files),
            at=self._clock(),
        )
        await ingestion_rows.insert(connection, ingestion, job.job_id, files)
        return ingestion, files

    async def keep(self, connection: Connection, sealed: SealedUpload) -> None:
        """Complete an upload of which only the bytes are wanted.

        Raises UploadClosedError where it was completed, aborted, failed or written to meanwhile.
        """
        if not await upload_rows.complete(connection, sealed.upload.upload_id, None):
            raise UploadClosedError("the upload is no longer open", status="COMPLETED")
        await _refuse_late_bytes(connection, sealed.upload)
        await _put_in_place([sealed])

    def _payload(self, request_id: str) -> dict[str, str | int]:
        # The size of the chunks is fixed here, since their numbers name them in the ledger.
        return {"request_id": request_id, "chunk_bytes": self._limits.chunk_bytes}

    async def _accepted_before(
        self, connection: Connection, upload: Upload
    ) -> tuple[Ingestion, list[IngestionFile]]:
        done = await upload_rows.find(connection, upload.tenant_id, upload.upload_id)
        request_id = done.request_id if done and done.request_id else ""
        ingestion = await ingestion_rows.find(connection, upload.tenant_id, request_id)
        if ingestion is None:
            raise UploadClosedError(
                "the upload was failed or aborted while it was completed", status="FAILED"
            )
        return ingestion, await ingestion_rows.files(connection, request_id)

    async def _files(
        self, request_id: str, tenant_id: str, uploads: Sequence[Upload]
    ) -> list[IngestionFile]:
        catalog = await self._contracts.catalog(tenant_id)
        order = [table.name for table in in_dependency_order(catalog.values())]
        ordered = sorted(uploads, key=lambda upload: order.index(upload.data_type))
        return [
            IngestionFile.accepted(
                request_id,
                number,
                upload.file_name,
                upload.data_type,
                upload_id=upload.upload_id,
                bytes_total=upload.offset,
            )
            for number, upload in enumerate(ordered)
        ]


async def _put_in_place(sealed: Sequence[SealedUpload]) -> None:
    # While the transaction holds the uploads: of several completions only the one that counts
    # ever puts its file where the loader reads.
    with on_disk("putting an upload in its place"):
        for each in sealed:
            await asyncio.to_thread(put_in_place, each.path)


async def _refuse_late_bytes(connection: Connection, upload: Upload) -> None:
    """Raise where bytes were acknowledged, or a writer began, after the upload was sealed."""
    newest = await upload_rows.find(connection, upload.tenant_id, upload.upload_id)
    if newest is None or (newest.offset, newest.writer) != (upload.offset, upload.writer):
        raise UploadClosedError(
            "bytes arrived while the upload was completed; complete it again", status="OPEN"
        )
