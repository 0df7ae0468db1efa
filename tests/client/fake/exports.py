"""Files of what there is next to nothing of."""

from collections.abc import Iterator
from typing import Any

import grpc
from google.api import httpbody_pb2
from headrace.v1 import export_service_pb2, export_service_pb2_grpc

from .refusals import Context, fail, not_found
from .room import NOW, Room
from .state import Export

#: bytes of a block of a download
BLOCK = 1 << 20


class Exports(Room, export_service_pb2_grpc.ExportServiceServicer):
    """There are 12 rows of everything; the export of `broken` fails, that of `slow` never ends."""

    def begin(self, request: Any, context: Context, name: str) -> Any:
        def begin() -> Export:
            export_id = f"e{len(self.state.exports) + 1}"
            config = request.output_config
            kind = Export.Format.Name(config.format or Export.XLSX).lower()
            self.state.export_requests[export_id] = request
            self.state.exports[export_id] = Export(
                export_id=export_id, file_name=f"{config.file_name or name}.{kind}", revision=1,
                status=Export.PENDING, created_at=NOW, expires_at=NOW,
                format=config.format or Export.XLSX,
            )  # fmt: skip
            return self.state.exports[export_id]

        return self.once(context, "export", begin)

    def ExportDatamart(self, request: Any, context: Context) -> Any:  # noqa: N802
        return self.begin(request, context, request.name)

    def ExportQuery(self, request: Any, context: Context) -> Any:  # noqa: N802
        source = request.data_source
        if "nope" in source.query:
            code, where = grpc.StatusCode.INVALID_ARGUMENT, {"line": "1", "column": "8"}
            fail(context, code, "INVALID_QUERY", "sql: no such column: nope", **where)
        if source.name == "nothing":
            not_found(context, "table", "nothing")
        return self.begin(request, context, source.name or "query")

    def CreateReport(self, request: Any, context: Context) -> Any:  # noqa: N802
        for number, section in enumerate(request.sections):
            if "nope" in section.query:
                field = f"sections[{number}].query"
                code = grpc.StatusCode.INVALID_ARGUMENT
                fail(context, code, "INVALID_FIELD", f"{field}: no such column", field=field)
        return self.begin(request, context, request.report_name)

    def export(self, request: Any, context: Context) -> Export:
        if request.export_id not in self.state.exports:
            not_found(context, "export", request.export_id)
        return self.state.exports[request.export_id]

    def alter(self, export_id: str, **values: Any) -> Export:
        with self.state.changed:
            export = Export()
            export.CopyFrom(self.state.exports[export_id])
            export.MergeFrom(Export(**values, revision=export.revision + 1))
            self.state.exports[export_id] = export
            self.state.changed.notify_all()
        return export

    def GetExport(self, request: Any, context: Context) -> Any:  # noqa: N802
        return self.export(request, context)

    def ListExports(self, request: Any, context: Context) -> Any:  # noqa: N802
        exports, token = self.page(list(reversed(self.state.exports.values())), request)
        return export_service_pb2.ListExportsResponse(exports=exports, next_page_token=token)

    def WatchExport(self, request: Any, context: Context) -> Iterator[Any]:  # noqa: N802
        known = self.export(request, context)
        cut = self.state.watch_cuts.pop(0) if self.state.watch_cuts else None
        if known.revision > request.after_revision or known.terminal:
            yield known
        if cut is not None or known.terminal:
            return
        running = {"status": Export.IN_PROGRESS, "rows_exported": 2, "total_rows": 12}
        yield self.alter(request.export_id, **running)
        if known.file_name.startswith("slow"):
            with self.state.changed:
                self.state.changed.wait_for(
                    lambda: self.state.exports[request.export_id].terminal, timeout=60
                )
            yield self.state.exports[request.export_id]
        elif known.file_name.startswith("broken"):
            yield self.alter(
                request.export_id, status=Export.FAILED, terminal=True, error="no space left"
            )
        else:
            yield self.complete(request.export_id)

    def complete(self, export_id: str) -> Export:
        config = self.state.export_requests[export_id].output_config
        rows = min(config.max_rows or 12, 12)
        content = b"".join(b"%d,row\n" % number for number in range(rows))
        self.state.files[export_id] = bytearray(content * (BLOCK // 8 if rows == 12 else 1))
        size = len(self.state.files[export_id])
        return self.alter(
            export_id, status=Export.COMPLETED, terminal=True, rows_exported=rows,
            truncated=rows < 12, file_size_bytes=size, file_size_mb=size / 1e6,
            sheets=["Data", "Charts"] if config.include_charts else ["Data"],
            download_url=f"/api/v1/mvp/exports/{export_id}/download?signature=s",
            warnings=[f"only {rows} rows were asked for"] if rows < 12 else [],
        )  # fmt: skip

    def CancelExport(self, request: Any, context: Context) -> Any:  # noqa: N802
        self.export(request, context)
        return self.alter(request.export_id, status=Export.CANCELLED, terminal=True)

    def DownloadExport(self, request: Any, context: Context) -> Iterator[Any]:  # noqa: N802
        self.export(request, context)
        content = bytes(self.state.files[request.export_id])
        cut = self.state.download_cuts.pop(0) if self.state.download_cuts else None
        for start in range(0, max(len(content), 1), BLOCK):
            if start // BLOCK == cut:
                context.abort(grpc.StatusCode.UNAVAILABLE, "connection reset")
            yield httpbody_pb2.HttpBody(data=content[start : start + BLOCK])
