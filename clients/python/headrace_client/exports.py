"""Calls of ExportService."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing
from functools import cached_property
from typing import TYPE_CHECKING, TypedDict, Unpack

import grpc
from headrace.v1 import export_service_pb2 as pb
from headrace.v1.export_pb2 import Export, ExportOutput, ExportSource, ReportSection
from headrace.v1.export_service_pb2_grpc import ExportServiceStub

from headrace_client.connection import Connection, Metadata
from headrace_client.errors import HeadraceError
from headrace_client.retry import Retry
from headrace_client.streams import received
from headrace_client.watching import watched

if TYPE_CHECKING:
    from headrace.v1.export_service_pb2_grpc import ExportServiceAsyncStub

#: seconds that a call waits for the end of an export if nothing else is asked for
_AT_ONCE = 5.0
#: seconds without a block after which a download counts as cut
_SILENCE = 60.0

_Stream = grpc.aio.UnaryStreamCall[pb.WatchExportRequest, Export]


class ExportOptions(TypedDict, total=False):
    """What a file is to be like."""

    #: XLSX if not given
    format: Export.Format
    #: without its extension; after the source if not given
    file_name: str
    sheet_name: str
    #: whether a workbook gets a sheet of charts
    include_charts: bool
    #: whether it gets a sheet of figures on each column
    include_summary: bool
    #: 1,000,000 if not given; of a report 100,000 in each section
    max_rows: int
    #: how a workbook looks
    template: Export.Template
    #: ISO 4217 code of the amounts in a workbook, such as EUR
    currency: str
    #: what a CSV is packed with
    compression: Export.Compression
    #: whether texts of a CSV that a spreadsheet would take for formulas get an apostrophe
    escape_formulas: bool
    #: hours that the server keeps the file; 24 if not given
    keep_hours: int


class ExportCalls(Connection):
    """ExportService of a Client. Every method raises HeadraceError.

    What starts an export returns it as it stands after `wait_seconds` at most, 5 if not given;
    `watch_export` follows it, and `download_export` reads its file.
    """

    @cached_property
    def _exports(self) -> "ExportServiceAsyncStub":
        return ExportServiceStub(self.channel)

    async def export_query(
        self,
        query: str,
        *,
        wait_seconds: float | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[ExportOptions],
    ) -> Export:
        """Export the rows of one query that only reads."""
        source = ExportSource(type=ExportSource.QUERY, query=query)
        return await self._export(source, wait_seconds, idempotency_key, options)

    async def export_datamart(
        self,
        name: str,
        *,
        schema: str = "",
        wait_seconds: float | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[ExportOptions],
    ) -> Export:
        """Export a datamart, of the schema `analytics` if none is given."""
        source = ExportSource(type=ExportSource.DATAMART, name=name, schema=schema)
        return await self._export(source, wait_seconds, idempotency_key, options)

    async def export_table(
        self,
        name: str,
        *,
        schema: str = "",
        wait_seconds: float | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[ExportOptions],
    ) -> Export:
        """Export a table, of the schema `public` if none is given."""
        source = ExportSource(type=ExportSource.TABLE, name=name, schema=schema)
        return await self._export(source, wait_seconds, idempotency_key, options)

    async def create_report(
        self,
        report_name: str,
        sections: Iterable[ReportSection],
        *,
        wait_seconds: float | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[ExportOptions],
    ) -> Export:
        """Make a workbook of sections; its template is CORPORATE if none is given."""
        seconds = _AT_ONCE if wait_seconds is None else wait_seconds
        request = pb.CreateReportRequest(
            report_name=report_name,
            sections=sections,
            template=options.get("template", Export.TEMPLATE_UNSPECIFIED),
            output_config=ExportOutput(**options),
            wait_seconds=seconds,
        )
        return await self.mutate(
            self._exports.CreateReport, request, idempotency_key, waits=seconds
        )

    async def get_export(self, export_id: str) -> Export:
        """Get an export as it stands now, until it expires."""
        return await self.call(self._exports.GetExport, pb.GetExportRequest(export_id=export_id))

    async def list_exports(self, *, page_size: int = 0) -> AsyncIterator[Export]:
        """Yield the exports of the tenant that have not expired, newest first."""
        request = pb.ListExportsRequest(page_size=page_size)
        async for page in self.pages(self._exports.ListExports, request):
            for export in page.exports:
                yield export

    async def watch_export(
        self, export_id: str, *, after_revision: int = 0
    ) -> AsyncIterator[Export]:
        """Yield an export after each change, the terminal snapshot last; works as `watch` does."""
        stub = self._exports

        def open_stream(revision: int, metadata: Metadata) -> _Stream:
            request = pb.WatchExportRequest(export_id=export_id, after_revision=revision)
            return stub.WatchExport(request, metadata=metadata)

        async for export in watched(self, open_stream, after_revision):
            yield export

    async def cancel_export(self, export_id: str) -> Export:
        """Cancel an export that has not ended, and delete what there is of its file."""
        request = pb.CancelExportRequest(export_id=export_id)
        return await self.call(self._exports.CancelExport, request)

    async def download_export(self, export_id: str) -> AsyncGenerator[bytes, None]:
        """Yield the file of an export, block by block.

        A download that is cut begins again by itself, and what was yielded is not yielded twice:
        the file never changes. Raises HeadraceError when nothing new came for the connection's
        `patience`.
        """
        retry = Retry(self.patience)
        done = 0
        while True:
            try:
                async with aclosing(self._downloaded(export_id, done)) as blocks:
                    async for block in blocks:
                        done += len(block)
                        retry.progressed()
                        yield block
            except HeadraceError as error:
                await retry.pause(error)
            else:
                return

    async def _downloaded(self, export_id: str, known: int) -> AsyncGenerator[bytes, None]:
        """Yield the file behind its first `known` bytes."""
        metadata = self.metadata()
        request = pb.DownloadExportRequest(export_id=export_id)
        call = self._exports.DownloadExport(request, metadata=metadata)
        async with aclosing(received(self, call, metadata, _SILENCE)) as messages:
            async for message in messages:
                new = message.data[known:]
                known = max(known - len(message.data), 0)
                if new:
                    yield new

    async def _export(
        self,
        source: ExportSource,
        wait_seconds: float | None,
        idempotency_key: str | None,
        options: ExportOptions,
    ) -> Export:
        seconds = _AT_ONCE if wait_seconds is None else wait_seconds
        request = pb.ExportQueryRequest(
            data_source=source, output_config=ExportOutput(**options), wait_seconds=seconds
        )
        return await self.mutate(self._exports.ExportQuery, request, idempotency_key, waits=seconds)
