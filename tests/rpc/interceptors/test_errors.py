"""Errors of unary calls and of streams, before and in mid-iteration."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import structlog
from google.rpc import error_details_pb2
from headrace.v1 import ingestion_pb2
from headrace.v1 import status_service_pb2 as pb

from headrace_server.model.errors import NotFoundError, WrongOffsetError
from headrace_server.rpc.call import Call
from headrace_server.rpc.interceptors.chain import Handler
from headrace_server.rpc.interceptors.errors import Errors
from headrace_server.rpc.interceptors.request_id import RequestIds
from headrace_server.rpc.methods import Method

if TYPE_CHECKING:
    from rpc.conftest import FailureOf, Serve


def _raising(error: Exception) -> Callable[[Any, Any], Any]:
    async def answer(request: Any, context: Any) -> Any:
        raise error

    return answer


def _breaking(error: Exception, after: int) -> Callable[[Any, Any], AsyncIterator[Any]]:
    async def stream(request: Any, context: Any) -> AsyncIterator[Any]:
        for revision in range(after):
            yield ingestion_pb2.Ingestion(revision=revision)
        raise error

    return stream


class Codes:
    """Notes the code of every call that has ended."""

    def __init__(self) -> None:
        self.ended: asyncio.Queue[grpc.StatusCode] = asyncio.Queue()

    def wrap(self, _method: Method, handler: Handler) -> Handler:
        async def noted(call: Call, request: Any) -> Any:
            try:
                return await handler(call, request)
            finally:
                self.ended.put_nowait(call.code)

        return noted


async def test_an_error_of_a_unary_call(serve: "Serve", failure_of: "FailureOf") -> None:
    stub = await serve(Errors(), RequestIds(), answer=_raising(NotFoundError("ingestion", "x")))
    failure = await failure_of(stub.GetStatus(pb.GetStatusRequest()))
    assert failure.code is grpc.StatusCode.NOT_FOUND
    assert failure.reason == "NOT_FOUND"
    assert failure.error.details() == "ingestion 'x' not found"
    assert failure.detail(error_details_pb2.ResourceInfo).resource_name == "x"


@pytest.mark.parametrize("after", [0, 1, 3])
async def test_an_error_of_a_stream(serve: "Serve", failure_of: "FailureOf", after: int) -> None:
    stub = await serve(Errors(), RequestIds(), stream=_breaking(WrongOffsetError(1, 2), after))
    call = stub.WatchStatus(pb.WatchStatusRequest())
    for revision in range(after):
        assert (await call.read()).revision == revision
    failure = await failure_of(call)
    assert failure.code is grpc.StatusCode.FAILED_PRECONDITION
    assert failure.reason == "WRONG_OFFSET"


@pytest.mark.parametrize("kind", ["unary", "stream"])
async def test_a_fault_is_logged_and_not_told(
    serve: "Serve", failure_of: "FailureOf", kind: str
) -> None:
    error = ValueError("the password is hunter2")
    stub = await serve(Errors(), RequestIds(), answer=_raising(error), stream=_breaking(error, 1))
    with structlog.testing.capture_logs() as lines:
        call = (
            stub.GetStatus(pb.GetStatusRequest())
            if kind == "unary"
            else stub.WatchStatus(pb.WatchStatusRequest())
        )
        failure = await failure_of(call)
    assert failure.code is grpc.StatusCode.INTERNAL
    assert "hunter2" not in failure.status.SerializeToString().decode("latin-1")
    request_id = failure.trailers["x-request-id"]
    assert failure.detail(error_details_pb2.ErrorInfo).metadata == {"request_id": request_id}
    (line,) = [each for each in lines if each["event"] == "fault"]
    assert line["exc_info"] is error
    assert line["request_id"] == request_id


async def test_an_abort_of_a_handler_keeps_its_code(
    serve: "Serve", failure_of: "FailureOf"
) -> None:
    async def aborting(request: Any, context: Any) -> Any:
        await context.abort(grpc.StatusCode.OUT_OF_RANGE, "so it is")

    codes = Codes()
    stub = await serve(codes, Errors(), RequestIds(), answer=aborting)
    failure = await failure_of(stub.GetStatus(pb.GetStatusRequest()))
    assert failure.code is grpc.StatusCode.OUT_OF_RANGE
    assert await codes.ended.get() is grpc.StatusCode.OUT_OF_RANGE


@pytest.mark.parametrize(("deadline", "code"), [(None, "CANCELLED"), (0.2, "DEADLINE_EXCEEDED")])
async def test_work_ends_with_its_call(serve: "Serve", deadline: float | None, code: str) -> None:
    working, ended = asyncio.Event(), asyncio.Event()

    async def endless(request: Any, context: Any) -> Any:
        working.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    codes = Codes()
    stub = await serve(codes, Errors(), RequestIds(), answer=endless)
    call = stub.GetStatus(pb.GetStatusRequest(), timeout=deadline)
    async with asyncio.timeout(20):
        # A call of grpc.aio starts by itself; it has to be awaited only for its answer.
        await working.wait()
        if deadline is None:
            call.cancel()
        await ended.wait()
        assert await codes.ended.get() is grpc.StatusCode[code]
    assert await call.code() is grpc.StatusCode[code]
