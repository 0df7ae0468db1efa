"""What every call passes first."""

from collections.abc import Iterator
from typing import Any

import grpc

from .refusals import Context, fail
from .state import State


class Gate(grpc.ServerInterceptor):
    """Notes each call, refuses wrong keys and is unavailable on demand."""

    def __init__(self, state: State) -> None:
        self.state = state

    def intercept_service(self, continuation: Any, details: Any) -> Any:
        method = details.method.rpartition("/")[2]
        metadata = dict(details.invocation_metadata)
        self.state.calls.append((method, metadata))
        if self.state.unavailable[method] > 0:
            self.state.unavailable[method] -= 1
            return _refusing(continuation(details), grpc.StatusCode.UNAVAILABLE, "")
        if self.state.api_key not in {None, metadata.get("x-api-key")}:
            code = grpc.StatusCode.UNAUTHENTICATED
            return _refusing(continuation(details), code, "UNAUTHENTICATED")
        return continuation(details)


def _refusing(handler: Any, code: grpc.StatusCode, reason: str) -> Any:
    def refuse(_: Any, context: Context) -> Any:
        if reason:
            fail(context, code, reason, "no valid API key")
        context.abort(code, "going away")

    def refuse_stream(_: Any, context: Context) -> Iterator[Any]:
        yield refuse(_, context)

    behaviour = refuse_stream if handler.response_streaming else refuse
    streams = (
        "stream" if s else "unary" for s in (handler.request_streaming, handler.response_streaming)
    )
    make = getattr(grpc, "_".join((*streams, "rpc_method_handler")))
    return make(behaviour, handler.request_deserializer, handler.response_serializer)
