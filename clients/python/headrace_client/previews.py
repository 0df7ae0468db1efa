"""Calls of PreviewService."""

import asyncio
from collections.abc import AsyncGenerator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypedDict, Unpack

from google.api.httpbody_pb2 import HttpBody
from headrace.v1 import preview_service_pb2 as pb
from headrace.v1.preview_pb2 import Preview
from headrace.v1.preview_service_pb2_grpc import PreviewServiceStub

from headrace_client.connection import Connection
from headrace_client.opening import opened
from headrace_client.resumable import SLOWEST_LINE, send_stream

if TYPE_CHECKING:
    from headrace.v1.preview_service_pb2_grpc import PreviewServiceAsyncStub

_BLOCK = 1 << 20
#: text of more bytes is not sent whole: its beginning says enough
_WHOLE_UP_TO = 16 * _BLOCK
#: what has to be read from its end begins so
_WHOLE_ONLY = (b"PAR1", b"PK\x03\x04")


class PreviewOptions(TypedDict, total=False):
    """What is known of a file, and how much of it to show; the rest is found out."""

    delimiter: str
    encoding: str
    #: rows to show; 100 if not given
    limit: int
    quote: str
    escape: str
    has_header: bool
    #: lines before the header or the data
    skip_lines: int
    #: what lines that are no records begin with; empty for none
    comment_prefix: str
    #: csv, tsv, json, ndjson, xlsx or parquet
    format: str
    #: none, gzip or zstd
    compression: str
    sheet: str
    #: plain bytes to look at
    sample_bytes: int


class PreviewCalls(Connection):
    """PreviewService of a Client. Every method raises HeadraceError."""

    @cached_property
    def _previews(self) -> "PreviewServiceAsyncStub":
        return PreviewServiceStub(self.channel)

    async def preview_file(self, path: str | Path, **options: Unpack[PreviewOptions]) -> Preview:
        """Preview a local file; of a large text only the beginning is sent.

        Raises OSError where the file is missing or cannot be read.
        """
        path = Path(path)
        async with opened(path, "rb") as file:
            size = (await asyncio.to_thread(path.stat)).st_size
            head = await asyncio.to_thread(file.read, _BLOCK)
            sent = max(_WHOLE_UP_TO, 2 * options.get("sample_bytes", 0))
            if head.startswith(_WHOLE_ONLY) or size <= sent:
                sent = size
            first = pb.PreviewFileRequest(
                file_name=path.name, whole_size_bytes=size, total_bytes=sent, **options
            )
            first.body.data = head
            metadata = self.metadata()
            deadline = self.timeout + sent / SLOWEST_LINE
            with self.translated(metadata):
                call = self._previews.PreviewFile(metadata=metadata, timeout=deadline)
                return await send_stream(call, _requests(first, file, sent))

    async def preview_path(self, file_path: str, **options: Unpack[PreviewOptions]) -> Preview:
        """Preview a file that the server can read, below a folder that it allows."""
        request = pb.PreviewPathRequest(file_path=file_path, **options)
        return await self.call(self._previews.PreviewPath, request)


async def _requests(
    first: pb.PreviewFileRequest, file: BinaryIO, most: int
) -> AsyncGenerator[pb.PreviewFileRequest, None]:
    """Yield the first message and then the file's bytes, at most so many."""
    left = most - len(first.body.data)
    yield first
    while left > 0 and (block := await asyncio.to_thread(file.read, min(_BLOCK, left))):
        left -= len(block)
        yield pb.PreviewFileRequest(body=HttpBody(data=block))
