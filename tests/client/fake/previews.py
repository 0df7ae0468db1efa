"""Previews that tell what was sent."""

from collections.abc import Iterator
from typing import Any

from headrace.v1 import preview_pb2, preview_service_pb2_grpc

from .refusals import Context, not_found
from .room import Room

PREVIEW: dict[str, Any] = {
    "detected_format": "csv",
    "detected_encoding": "utf-8",
    "detected_delimiter": ";",
    "detected_compression": "gzip",
    "columns": ["id", "name"],
    "data_types": {"id": "integer", "name": "string"},
    "column_details": [
        {"name": "id", "data_type": "integer"},
        {"name": "name", "data_type": "string"},
    ],
    "preview_data": [{"id": 7, "name": "Ada [bold]\nLovelace"}, {"id": None, "name": "x" * 100}],
    "rows_previewed": 2,
    "estimated_total_rows": 12345,
    "confidences": {"header": 0.5, "dialect": 0.9},
    "ragged_rows": 3,
}


class Previews(Room, preview_service_pb2_grpc.PreviewServiceServicer):
    def PreviewFile(self, requests: Iterator[Any], context: Context) -> Any:  # noqa: N802
        first = next(requests)
        sent = len(first.body.data) + sum(len(each.body.data) for each in requests)
        return preview_pb2.Preview(
            file_name=first.file_name,
            file_size_bytes=first.whole_size_bytes,
            sample_bytes=sent,
            **PREVIEW,
        )

    def PreviewPath(self, request: Any, context: Context) -> Any:  # noqa: N802
        if request.file_path != "/share/data.xlsx":
            not_found(context, "file", request.file_path)
        return preview_pb2.Preview(
            file_name="data.xlsx",
            detected_format="xlsx",
            detected_compression="none",
            sheet=request.sheet,
            rows_are_exact=True,
            preamble_rows=request.limit,
        )
