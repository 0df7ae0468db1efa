"""Answers of queries."""

import json
import time
from collections.abc import AsyncGenerator, Sequence
from decimal import Decimal
from typing import Any, TypedDict

from google.protobuf.struct_pb2 import Struct
from headrace.v1 import warehouse_service_pb2 as pb

from headrace_server.files.previewing.shown import shown_value
from headrace_server.model.query import QueryBatch, QueryColumn, ValueKind, unique_names

#: Envoy and clients take longer messages, but not at once
_MOST_BYTES = 1 << 20


_MAX_ROWS, _TIMEOUT_SECONDS = 1000, 30


class QueryLimits(TypedDict):
    """How much of a query is wanted."""

    most_rows: int
    seconds: float


def query_limits(request: pb.RunQueryRequest) -> QueryLimits:
    """Read how much is wanted."""
    return {
        "most_rows": request.max_rows if request.HasField("max_rows") else _MAX_ROWS,
        "seconds": request.timeout_seconds
        if request.HasField("timeout_seconds")
        else _TIMEOUT_SECONDS,
    }


async def answer(
    pieces: AsyncGenerator[QueryBatch, None],
) -> AsyncGenerator[pb.RunQueryResponse, None]:
    """Show a result: its columns, its rows in messages of bounded size, and the summary."""
    started, count, truncated = time.perf_counter(), 0, False
    columns: Sequence[QueryColumn] = ()
    names: Sequence[str] = ()
    async for piece in pieces:
        if piece.columns:
            columns, names = piece.columns, unique_names(piece.columns)
            yield columns_message(names, columns)
        for message in rows_messages(names, columns, piece):
            yield message
        count += len(piece.rows)
        truncated = piece.truncated
    yield summary_message(count, time.perf_counter() - started, truncated=truncated)


def columns_message(names: Sequence[str], columns: Sequence[QueryColumn]) -> pb.RunQueryResponse:
    """Show the columns of a result."""
    return pb.RunQueryResponse(
        columns=[
            pb.RunQueryResponse.Column(
                name=name,
                type=column.type,
                kind=column.kind.value,
            )
            for name, column in zip(names, columns, strict=True)
        ]
    )


def rows_messages(
    names: Sequence[str], columns: Sequence[QueryColumn], batch: QueryBatch
) -> list[pb.RunQueryResponse]:
    """Show rows, in messages of bounded size."""
    messages: list[pb.RunQueryResponse] = []
    room = 0
    for row in batch.rows:
        shown = Struct()
        shown.update(
            {
                name: _shown(value, column.kind)
                for name, value, column in zip(names, row, columns, strict=True)
            }
        )
        size = shown.ByteSize()
        if size > room:
            messages.append(pb.RunQueryResponse())
            room = _MOST_BYTES
        room -= size
        messages[-1].rows.append(shown)
    return messages


def summary_message(rows: int, seconds: float, *, truncated: bool) -> pb.RunQueryResponse:
    """Show the end of a result."""
    summary = pb.RunQueryResponse.Summary(rows=rows, truncated=truncated, elapsed_seconds=seconds)
    return pb.RunQueryResponse(summary=summary)


def _shown(value: Any, kind: ValueKind) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if kind is ValueKind.JSON and isinstance(value, str):
        return _shown_json(value)
    return shown_value(value)


def _shown_json(text: str) -> Any:
    """JSON as JSON; text that is none is left."""
    try:
        return shown_value(json.loads(text, parse_float=Decimal))
    except (ValueError, RecursionError):
        return text
