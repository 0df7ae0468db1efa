"""One line for every call, without bodies and secrets."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from headrace.v1 import ingestion_pb2
from headrace.v1 import status_service_pb2 as pb

from headrace_server.model.errors import NotFoundError
from headrace_server.rpc.interceptors.access_log import AccessLog
from headrace_server.rpc.interceptors.errors import Errors
from headrace_server.rpc.interceptors.request_id import RequestIds

if TYPE_CHECKING:
    from rpc.conftest import Edge, FailureOf, Serve

from headrace.v1 import status_service_pb2_grpc

from headrace_server.model.tenant import Scope


async def test_a_line_says_how_a_call_went(serve: "Serve") -> None:
    with structlog.testing.capture_logs() as lines:
        stub = await serve(AccessLog(), Errors(), RequestIds())
        request = pb.GetStatusRequest(request_id="secret-thing")
        answer = await stub.GetStatus(request, metadata=(("x-request-id", "r-1"),))
        line = await only_call(lines)
    assert line["method"] == "headrace.v1.StatusService/GetStatus"
    assert line["code"] == "OK"
    assert line["request_id"] == "r-1"
    assert line["peer"].startswith("ipv4:127.0.0.1")
    assert line["bytes_received"] == request.ByteSize()
    assert line["bytes_sent"] == answer.ByteSize()
    assert line["ms"] > 0
    assert "secret-thing" not in str(line)


async def test_a_failure_has_its_code(serve: "Serve", failure_of: "FailureOf") -> None:
    async def stream(request: Any, context: Any) -> AsyncIterator[ingestion_pb2.Ingestion]:
        yield ingestion_pb2.Ingestion(revision=7)
        raise NotFoundError("ingestion", "x")

    with structlog.testing.capture_logs() as lines:
        stub = await serve(AccessLog(), Errors(), RequestIds(), stream=stream)
        await failure_of(stub.WatchStatus(pb.WatchStatusRequest()))
        line = await only_call(lines)
    assert line["code"] == "NOT_FOUND"
    assert line["bytes_sent"] == ingestion_pb2.Ingestion(revision=7).ByteSize()


async def test_the_caller_is_named_and_the_key_is_not(edge: "Edge") -> None:
    key = await edge.key(Scope.READ)
    with structlog.testing.capture_logs() as lines:
        stub: Any = status_service_pb2_grpc.StatusServiceStub(edge.channel)
        await stub.ListStatuses(pb.ListStatusesRequest(), metadata=key)
        line = await only_call(lines)
    assert line["tenant"] == "default"
    assert line["key_id"]
    assert key[0][1] not in str(lines)


async def test_health_checks_are_for_debugging_only(edge: "Edge") -> None:
    with structlog.testing.capture_logs() as lines:
        stub: Any = health_pb2_grpc.HealthStub(edge.channel)
        await stub.Check(health_pb2.HealthCheckRequest())
        line = await only_call(lines)
    assert line["log_level"] == "debug"


async def only_call(lines: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The line of the one call that was made; it is written after the caller has its answer."""
    async with asyncio.timeout(10):
        while not (calls := [line for line in lines if line["event"] == "call"]):
            await asyncio.sleep(0.005)
    (line,) = calls
    return line
