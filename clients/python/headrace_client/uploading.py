"""Uploads of local files: resumable ones, and in one stream."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import grpc
from google.api.httpbody_pb2 import HttpBody
from headrace.v1 import ingestion_service_pb2 as pb
from headrace.v1.ingestion_service_pb2_grpc import IngestionServiceStub
from headrace.v1.priority_pb2 import Priority
from headrace.v1.upload_pb2 import UploadSession

from headrace_client.connection import Connection
from headrace_client.hashing import HashedFile
from headrace_client.resumable import SLOWEST_LINE, FileUpload, OnProgress, send_stream

if TYPE_CHECKING:
    from headrace.v1.ingestion_service_pb2_grpc import IngestionServiceAsyncStub

_OneShotT = TypeVar("_OneShotT", pb.IngestFileRequest, pb.IngestOrdersRequest)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was uploaded."""

    #: names the upload session
    upload_token: str
    #: name of the file, without folders
    file_name: str
    #: table that the file holds
    data_type: str
    #: size in bytes
    bytes_total: int
    #: SHA-256 in hexadecimal
    sha256: str
    #: ingestion that the completed upload started; None where it is not completed yet
    request_id: str | None
    #: whether it was complete before, and nothing was sent now
    earlier: bool = False


async def _one_shot(
    first: _OneShotT, file: HashedFile, on_progress: OnProgress
) -> AsyncGenerator[_OneShotT, None]:
    first.total_bytes = file.size
    yield first
    offset = 0
    while offset < file.size:
        block = await file.read(offset)
        yield type(first)(body=HttpBody(data=block))
        offset += len(block)
        on_progress(offset, file.size)


def _ignore(_sent: int, _total: int) -> None:
    """Take progress that nobody asked for."""


def _upload_of(session: UploadSession, file: HashedFile, sha256: str, *, earlier: bool) -> Upload:
    return Upload(
        session.upload_token,
        session.file_name,
        session.data_type,
        file.size,
        sha256,
        session.request_id if session.HasField("request_id") else None,
        earlier,
    )


class UploadCalls(Connection):
    """The uploads of a Client."""

    async def upload(
        self,
        path: Path | str,
        *,
        data_type: str | None = None,
        priority: Priority | None = None,
        idempotency_key: str | None = None,
        resume_token: str | None = None,
        on_progress: OnProgress | None = None,
        complete: bool = True,
        keep: bool = False,
    ) -> Upload:
        """Upload a file so that no cut costs more than the bytes on the wire.

        With `keep` it is of any kind and starts no ingestion: the source of a remote job.

        The same `idempotency_key` finds the same session again, and `resume_token` names one:
        either goes on where the server's bytes end. With `complete` false the bytes are made
        safe and nothing is loaded until `complete_upload`. Raises HeadraceError, and OSError where
        the file is missing or cannot be read.
        """
        request = pb.CreateUploadSessionRequest(
            data_type=data_type or "", priority=priority, keep=keep
        )
        return await self._send(
            Path(path), request, idempotency_key, resume_token, on_progress, complete=complete
        )

    async def upload_result(self, path: Path | str, job_id: str, attempt: int) -> Upload:
        """Upload the content of a remote job's result, as the attempt that holds the job.

        Its `upload_token` goes with the result. Raises what `upload` does.
        """
        request = pb.CreateUploadSessionRequest(job_id=job_id, attempt=attempt)
        return await self._send(Path(path), request)

    async def _send(
        self,
        path: Path,
        request: pb.CreateUploadSessionRequest,
        idempotency_key: str | None = None,
        resume_token: str | None = None,
        on_progress: OnProgress | None = None,
        *,
        complete: bool = True,
    ) -> Upload:
        file = HashedFile(path)
        try:
            upload = FileUpload(self, file, on_progress or _ignore)
            request.file_name, request.total_bytes = path.name, file.size
            session = (
                await upload.resume(resume_token)
                if resume_token
                else await upload.open(request, idempotency_key or "")
            )
            earlier = session.status == UploadSession.COMPLETED
            session = await upload.send(session)
            if complete:
                session, sha256 = await upload.complete(session)
            else:
                sha256 = await file.sha256()
            return _upload_of(session, file, sha256, earlier=earlier)
        finally:
            file.close()

    async def ingest_file(
        self,
        path: Path | str,
        *,
        data_type: str | None = None,
        priority: Priority | None = None,
        idempotency_key: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> pb.IngestFileResponse:
        """Upload a file in one stream and start its ingestion; a cut loses all of it.

        For small files; `upload` survives cuts. Raises HeadraceError, and OSError where the file
        is missing or cannot be read.
        """
        first = pb.IngestFileRequest(
            file_name=Path(path).name, data_type=data_type or "", priority=priority
        )
        return await self._one_shot(
            self._uploads.IngestFile, first, Path(path), idempotency_key, on_progress
        )

    async def ingest_orders(
        self,
        path: Path | str,
        *,
        priority: Priority | None = None,
        idempotency_key: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> pb.IngestFileResponse:
        """Upload a file of orders in one stream: `ingest_file` by the older endpoint."""
        first = pb.IngestOrdersRequest(file_name=Path(path).name, priority=priority)
        return await self._one_shot(
            self._uploads.IngestOrders, first, Path(path), idempotency_key, on_progress
        )

    @cached_property
    def _uploads(self) -> "IngestionServiceAsyncStub":
        return IngestionServiceStub(self.channel)

    async def _one_shot(
        self,
        method: grpc.aio.StreamUnaryMultiCallable[_OneShotT, pb.IngestFileResponse],
        first: _OneShotT,
        path: Path,
        idempotency_key: str | None,
        on_progress: OnProgress | None,
    ) -> pb.IngestFileResponse:
        file = HashedFile(path)
        metadata = self.metadata(idempotency_key=idempotency_key)
        deadline = self.timeout + file.size / SLOWEST_LINE
        try:
            with self.translated(metadata):
                call = method(metadata=metadata, timeout=deadline)
                return await send_stream(call, _one_shot(first, file, on_progress or _ignore))
        finally:
            file.close()
