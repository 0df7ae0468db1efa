"""The resumable upload of one file: cut anywhere, it goes on at the server's offset."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, TypeVar

import grpc
from google.api.httpbody_pb2 import HttpBody
from headrace.v1 import ingestion_service_pb2 as pb
from headrace.v1.ingestion_service_pb2_grpc import IngestionServiceStub
from headrace.v1.upload_pb2 import UploadSession

from headrace_client.connection import Connection
from headrace_client.errors import HeadraceError, from_code
from headrace_client.hashing import HashedFile
from headrace_client.retry import Retry

if TYPE_CHECKING:
    from headrace.v1.ingestion_service_pb2_grpc import IngestionServiceAsyncStub

OnProgress = Callable[[int, int], None]
"""Called with the bytes sent so far and the bytes in all; the first goes back after a cut."""

_Request = TypeVar("_Request")
_Response = TypeVar("_Response")

#: bytes of one AppendUpload at most; the server makes them safe on the way, every 64 MiB, and has a
#: file that came in one piece at hand without copying it
_APPEND_BYTES = 1 << 30
#: the slowest line, in bytes/s, on which an append ends within its deadline; a slower one is
#: cut and resumed
SLOWEST_LINE = 100_000
#: the slowest disk, in bytes/s, on which a server checks a checksum within the deadline
_SLOWEST_DISK = 20_000_000


class FileUpload:
    """One resumable upload of one file."""

    def __init__(self, connection: Connection, file: HashedFile, on_progress: OnProgress) -> None:
        self._connection = connection
        self._stub: IngestionServiceAsyncStub = IngestionServiceStub(connection.channel)
        self._file = file
        self._on_progress = on_progress
        self._retry = Retry(connection.patience)
        self._safe_bytes = 0

    async def open(self, request: pb.CreateUploadSessionRequest, key: str) -> UploadSession:
        """Create the session, or find the one that `key` created before."""
        created = await self._connection.mutate(self._stub.CreateUploadSession, request, key)
        return await self.resume(created.upload_token) if key else created

    async def resume(self, token: str) -> UploadSession:
        """Return the session as it stands, reopened where its completion failed before."""
        session = await self._get(token)
        if session.status == UploadSession.FAILED:
            request = pb.ResumeUploadRequest(token=token)
            return await self._connection.call(self._stub.ResumeUpload, request)
        return session

    async def send(self, session: UploadSession) -> UploadSession:
        """Append until every byte is safe on the server's disk.

        A cut is waited out and the server asked for the offset to go on from. Raises
        HeadraceError when no byte came through for the connection's `patience`.
        """
        token, known = session.upload_token, True
        while True:
            try:
                session = session if known else await self._get(token)
                known = True
                self._note(session)
                if session.status == UploadSession.COMPLETED or session.offset >= self._file.size:
                    return session
                session = await self._append(session)
            except HeadraceError as error:
                right = right_offset(error)
                if right is not None and right != session.offset:
                    session.offset = right
                    continue
                await self._retry.pause(error)
                known = False

    async def complete(self, session: UploadSession) -> tuple[UploadSession, str]:
        """Complete the upload; return the session and the checksum."""
        sha256 = await self._file.sha256()
        if session.status == UploadSession.COMPLETED:
            return session, sha256
        return await complete(
            self._connection, session.upload_token, sha256, self._file.size
        ), sha256

    async def _get(self, token: str) -> UploadSession:
        request = pb.GetUploadSessionRequest(token=token)
        return await self._connection.call(self._stub.GetUploadSession, request)

    def _note(self, session: UploadSession) -> None:
        self._on_progress(session.offset, self._file.size)
        if session.offset > self._safe_bytes:
            self._safe_bytes = session.offset
            self._retry.progressed()

    async def _append(self, session: UploadSession) -> UploadSession:
        end = min(self._file.size, session.offset + _APPEND_BYTES)
        metadata = self._connection.metadata()
        deadline = self._connection.timeout + (end - session.offset) / SLOWEST_LINE
        with self._connection.translated(metadata):
            call = self._stub.AppendUpload(metadata=metadata, timeout=deadline)
            answer = await send_stream(call, self._messages(session, end))
        if answer.offset <= session.offset:
            raise from_code(grpc.StatusCode.UNAVAILABLE, "the server kept none of the bytes")
        return answer

    async def _messages(
        self, session: UploadSession, end: int
    ) -> AsyncGenerator[pb.AppendUploadRequest, None]:
        offset = session.offset
        while offset < end:
            block = await self._file.read(offset, end - offset)
            message = pb.AppendUploadRequest(body=HttpBody(data=block))
            if offset == session.offset:
                message.token, message.offset = session.upload_token, offset
            yield message
            offset += len(block)
            self._on_progress(offset, self._file.size)


async def complete(connection: Connection, token: str, sha256: str, size: int) -> UploadSession:
    """Complete an upload, waiting out a server that is away. Raises HeadraceError."""
    stub: IngestionServiceAsyncStub = IngestionServiceStub(connection.channel)
    request = pb.CompleteUploadRequest(token=token, sha256=sha256)
    retry = Retry(connection.patience)
    timeout = connection.timeout + size / _SLOWEST_DISK
    while True:
        try:
            return await connection.call(stub.CompleteUpload, request, timeout=timeout)
        except HeadraceError as error:
            await retry.pause(error)


def right_offset(error: HeadraceError) -> int | None:
    """Return the offset that a WRONG_OFFSET error names; None for other errors."""
    if error.reason != "WRONG_OFFSET":
        return None
    return int(error.metadata["offset"])


async def send_stream(
    call: grpc.aio.StreamUnaryCall[_Request, _Response], messages: AsyncGenerator[_Request, None]
) -> _Response:
    try:
        async with aclosing(messages):
            async for message in messages:
                await call.write(message)
        await call.done_writing()
    except asyncio.InvalidStateError:
        pass  # the server has answered before the end; its answer is read next
    except grpc.aio.AioRpcError:
        # grpc.aio reports its own failure to write; whatever the server said is lost.
        raise from_code(grpc.StatusCode.CANCELLED, "the stream was cut") from None
    except BaseException:
        call.cancel()
        raise
    return await call
