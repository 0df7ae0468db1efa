"""ExportService."""

# ruff: noqa: N802, ARG002  # names and signatures are those of the protos

from collections.abc import AsyncIterator
from contextlib import aclosing

from google.api.httpbody_pb2 import HttpBody
from headrace.v1 import export_pb2, export_service_pb2_grpc
from headrace.v1 import export_service_pb2 as pb

from headrace_server.core.exports.exports import Exports
from headrace_server.core.exports.links import DownloadLinks
from headrace_server.files.exporting.names import content_type
from headrace_server.model.export import ExportRequest
from headrace_server.rpc.call import Context, caller
from headrace_server.rpc.messages.export import (
    disposition,
    export_message,
    mart_request,
    query_request,
    report_request,
    wait_seconds,
)
from headrace_server.rpc.messages.page import page_request


class ExportServicer(export_service_pb2_grpc.ExportServiceServicer):
    """Takes data of the warehouse away in files."""

    def __init__(self, exports: Exports, links: DownloadLinks) -> None:
        self._exports = exports
        self._links = links

    async def ExportDatamart(
        self, request: pb.ExportDatamartRequest, context: Context
    ) -> export_pb2.Export:
        return await self._export(mart_request(request), wait_seconds(request))

    async def ExportQuery(
        self, request: pb.ExportQueryRequest, context: Context
    ) -> export_pb2.Export:
        return await self._export(query_request(request), wait_seconds(request))

    async def CreateReport(
        self, request: pb.CreateReportRequest, context: Context
    ) -> export_pb2.Export:
        return await self._export(report_request(request), wait_seconds(request))

    async def _export(self, wanted: ExportRequest, seconds: float) -> export_pb2.Export:
        started = await self._exports.start(caller(), wanted)
        export = await self._exports.wait(caller(), started.export_id, seconds)
        return export_message(export, await self._links.signer())

    async def GetExport(self, request: pb.GetExportRequest, context: Context) -> export_pb2.Export:
        export = await self._exports.get(caller(), request.export_id)
        return export_message(export, await self._links.signer())

    async def ListExports(
        self, request: pb.ListExportsRequest, context: Context
    ) -> pb.ListExportsResponse:
        url_of = await self._links.signer()
        page = await self._exports.list(caller(), page_request(request))
        return pb.ListExportsResponse(
            exports=[export_message(each, url_of) for each in page.items],
            next_page_token=page.next_token,
        )

    async def WatchExport(
        self, request: pb.WatchExportRequest, context: Context
    ) -> AsyncIterator[export_pb2.Export]:
        url_of = await self._links.signer()
        watch = self._exports.watch(caller(), request.export_id, request.after_revision)
        async with aclosing(watch) as snapshots:
            async for snapshot in snapshots:
                yield export_message(snapshot, url_of)

    async def CancelExport(
        self, request: pb.CancelExportRequest, context: Context
    ) -> export_pb2.Export:
        export = await self._exports.cancel(caller(), request.export_id)
        return export_message(export, await self._links.signer())

    async def DownloadExport(
        self, request: pb.DownloadExportRequest, context: Context
    ) -> AsyncIterator[HttpBody]:
        export, opened = await self._links.open(caller(), request.export_id)
        async with aclosing(opened) as pieces:
            first = await anext(pieces)
            # Once it is known that there is a file: an error after headers would be none over REST.
            await context.send_initial_metadata((disposition(export),))
            kind = content_type(export.request.output)
            yield HttpBody(content_type=kind, data=first)
            async for piece in pieces:
                yield HttpBody(content_type=kind, data=piece)
