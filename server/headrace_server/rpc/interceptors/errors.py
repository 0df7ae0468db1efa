"""Turns every exception into a status with details; nothing of a fault leaves the server."""

import asyncio
from typing import Any

import grpc
import structlog
from grpc_status import rpc_status
from headrace.v1.error_reason_pb2 import ErrorReason

from headrace_server.rpc.call import Call
from headrace_server.rpc.interceptors.chain import Handler
from headrace_server.rpc.interceptors.request_id import REQUEST_ID
from headrace_server.rpc.methods import Method
from headrace_server.rpc.status_codes import row_of, status_of


class Errors:
    """Ends a call with the status of its exception and notes the code in the call."""

    def __init__(self) -> None:
        self._log = structlog.get_logger("headrace.errors")

    def wrap(self, _method: Method, handler: Handler) -> Handler:
        async def guarded(call: Call, request: Any) -> Any:
            try:
                return await handler(call, request)
            except asyncio.CancelledError:
                call.code = _code_of_cancellation(call)
                raise
            except grpc.aio.AbortError:
                call.code = call.context.code()
                raise
            except Exception as error:  # noqa: BLE001  # the one place that catches everything
                return await self._abort(call, error)

        return guarded

    async def _abort(self, call: Call, error: Exception) -> None:
        row = row_of(error)
        call.code = row.code
        if row.reason == ErrorReason.INTERNAL:
            await self._log.aerror(
                "fault", method=call.method.full_name, request_id=call.request_id, exc_info=error
            )
        status = rpc_status.to_status(status_of(error, call.request_id))
        metadata = (*status.trailing_metadata, (REQUEST_ID, call.request_id))
        await call.context.abort(status.code, status.details, metadata)


def _code_of_cancellation(call: Call) -> grpc.StatusCode:
    remaining: float | None = call.context.time_remaining()
    late = remaining is not None and remaining <= 0
    return grpc.StatusCode.DEADLINE_EXCEEDED if late else grpc.StatusCode.CANCELLED
