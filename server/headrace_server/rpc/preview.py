"""PreviewService."""

# ruff: noqa: N802, ARG002  # names and signatures are those of the protos

from collections.abc import AsyncIterator

from headrace.v1 import preview_pb2, preview_service_pb2_grpc
from headrace.v1 import preview_service_pb2 as pb

from headrace_server.core.previews import Previews
from headrace_server.rpc.call import Context, caller, current
from headrace_server.rpc.field_rules import FieldRules
from headrace_server.rpc.messages.preview import (
    name_of,
    preview_message,
    preview_request,
    with_options,
)
from headrace_server.rpc.messages.upload import declared_length, opened


class PreviewServicer(preview_service_pb2_grpc.PreviewServiceServicer):
    """Shows what a file holds before anything is loaded."""

    def __init__(self, previews: Previews) -> None:
        self._previews = previews
        self._rules = FieldRules()

    async def PreviewFile(
        self, request_iterator: AsyncIterator[pb.PreviewFileRequest], context: Context
    ) -> preview_pb2.Preview:
        first, body = await opened(request_iterator)
        total = declared_length(first, current.get())
        async with self._previews.arrived(first.body.content_type, body, total) as arrived:
            with_options(first, arrived.options)
            self._rules.check(first)
            request = preview_request(first, first.file_name or arrived.file_name or "file")
            size = first.whole_size_bytes if first.HasField("whole_size_bytes") else None
            return preview_message(await self._previews.of_arrived(arrived, request, size))

    async def PreviewPath(
        self, request: pb.PreviewPathRequest, context: Context
    ) -> preview_pb2.Preview:
        wanted = preview_request(request, name_of(request.file_path))
        return preview_message(await self._previews.of_path(caller(), request.file_path, wanted))
