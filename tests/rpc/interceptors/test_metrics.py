"""What Prometheus is told of calls."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import grpc
from headrace.v1 import ingestion_pb2
from headrace.v1 import status_service_pb2 as pb
from prometheus_client import CollectorRegistry

from headrace_server.model.errors import NotFoundError
from headrace_server.rpc.interceptors.errors import Errors
from headrace_server.rpc.interceptors.metrics import CallMetrics
from headrace_server.rpc.interceptors.request_id import RequestIds

if TYPE_CHECKING:
    from rpc.conftest import FailureOf, Serve

_UNARY = {
    "grpc_type": "unary",
    "grpc_service": "headrace.v1.StatusService",
    "grpc_method": "GetStatus",
}
_WATCH = {**_UNARY, "grpc_type": "server_stream", "grpc_method": "WatchStatus"}


async def test_calls_are_counted_and_timed(serve: "Serve", failure_of: "FailureOf") -> None:
    async def answer(request: pb.GetStatusRequest, context: Any) -> ingestion_pb2.Ingestion:
        if request.request_id == "missing":
            raise NotFoundError("ingestion", "missing")
        return ingestion_pb2.Ingestion()

    registry = CollectorRegistry()
    stub = await serve(CallMetrics(registry), Errors(), RequestIds(), answer=answer)
    await stub.GetStatus(pb.GetStatusRequest(request_id="a"))
    await stub.GetStatus(pb.GetStatusRequest(request_id="b"))
    await failure_of(stub.GetStatus(pb.GetStatusRequest(request_id="missing")))
    read = registry.get_sample_value
    # The answer is there a moment before its call has ended.
    async with asyncio.timeout(10):
        while read("grpc_server_in_flight", _UNARY) != 0:
            await asyncio.sleep(0.01)
    assert read("grpc_server_started_total", _UNARY) == 3
    assert read("grpc_server_handled_total", {**_UNARY, "grpc_code": "OK"}) == 2
    assert read("grpc_server_handled_total", {**_UNARY, "grpc_code": "NOT_FOUND"}) == 1
    assert read("grpc_server_handling_seconds_count", _UNARY) == 3
    assert read("grpc_server_in_flight", _UNARY) == 0


async def test_messages_of_a_stream_are_counted(serve: "Serve") -> None:
    registry = CollectorRegistry()
    stub = await serve(CallMetrics(registry), Errors())
    assert len([each async for each in stub.WatchStatus(pb.WatchStatusRequest())]) == 2
    assert registry.get_sample_value("grpc_server_msg_sent_total", _WATCH) == 2
    assert registry.get_sample_value("grpc_server_msg_received_total", _WATCH) == 1


async def test_an_open_call_is_in_flight(serve: "Serve") -> None:
    registry, release = CollectorRegistry(), asyncio.Event()

    async def held(request: Any, context: Any) -> AsyncIterator[ingestion_pb2.Ingestion]:
        yield ingestion_pb2.Ingestion()
        await release.wait()

    stub = await serve(CallMetrics(registry), stream=held)
    call = stub.WatchStatus(pb.WatchStatusRequest())
    await call.read()
    assert registry.get_sample_value("grpc_server_in_flight", _WATCH) == 1
    release.set()
    while await call.read() is not grpc.aio.EOF:
        pass
    assert registry.get_sample_value("grpc_server_in_flight", _WATCH) == 0
