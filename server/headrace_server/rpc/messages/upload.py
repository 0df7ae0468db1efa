"""Uploads: sessions, streams of bytes, and what was received."""

from collections.abc import AsyncIterator
from typing import Protocol, TypeVar

from google.api.httpbody_pb2 import HttpBody
from headrace.v1 import ingestion_service_pb2, preview_service_pb2, upload_pb2

from headrace_server.core.ingestion.receiving import Received
from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.upload import Upload
from headrace_server.rpc.call import Call


class Carrier(Protocol):
    """A message of a stream that carries bytes."""

    @property
    def body(self) -> HttpBody: ...


_LENGTH_DIGITS = 19

C = TypeVar("C", bound=Carrier)

#: messages that may say how many bytes come in all
Counted = (
    ingestion_service_pb2.IngestFileRequest
    | ingestion_service_pb2.IngestOrdersRequest
    | preview_service_pb2.PreviewFileRequest
)


async def opened(requests: AsyncIterator[C]) -> tuple[C, AsyncIterator[bytes]]:
    """Split a stream into its first message, which says what it is, and the bytes of all.

    Raises InvalidFieldError for a stream without messages.
    """
    async for first in requests:
        return first, _bytes_of(first, requests)
    raise InvalidFieldError.of("body", "the stream ended before its first message")


def declared_length(first: Counted, call: Call) -> int | None:
    """Return how many bytes the body has, as the caller or, for Content-Length, Envoy says."""
    if first.HasField("total_bytes"):
        return first.total_bytes
    length = call.header("x-body-length") or ""
    # More digits than an int64 has are no length that Envoy counted.
    known = length.isascii() and length.isdecimal() and len(length) <= _LENGTH_DIGITS
    return int(length) if known else None


async def _bytes_of(first: C, rest: AsyncIterator[C]) -> AsyncIterator[bytes]:
    if first.body.data:
        yield first.body.data
    async for message in rest:
        yield message.body.data


def upload_message(record: Upload) -> upload_pb2.UploadSession:
    """Show an upload as it stands."""
    return upload_pb2.UploadSession(
        upload_token=record.upload_id,
        file_name=record.file_name,
        data_type=record.data_type,
        offset=record.offset,
        total_bytes=record.total_bytes,
        status=record.status.name,
        expires_at=record.expires_at,
        request_id=record.request_id,
    )


def received_message(received: Received) -> ingestion_service_pb2.IngestFileResponse:
    """Show which files arrived and which ingestion they started."""
    files = [
        ingestion_service_pb2.IngestFileResponse.File(
            file_name=file.file_name, data_type=file.data_type, bytes_received=file.bytes_received
        )
        for file in received.files
    ]
    return ingestion_service_pb2.IngestFileResponse(
        request_id=received.ingestion.request_id,
        upload_token=received.upload_token,
        data_type=files[0].data_type,
        status=received.ingestion.status.name,
        bytes_received=sum(file.bytes_received for file in files),
        files=files,
    )
