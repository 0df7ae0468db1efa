"""Streams that need no key never take the room of calls that have one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer

from headrace_server.model.tenant import Scope
from headrace_server.rpc.interceptors import InterceptorChain
from headrace_server.rpc.interceptors.errors import Errors
from headrace_server.rpc.interceptors.keyless_streams import MOST_OPEN, KeylessStreams
from headrace_server.rpc.interceptors.request_id import RequestIds
from headrace_server.rpc.methods import method_of

if TYPE_CHECKING:
    from rpc.conftest import Edge, FailureOf


@asynccontextmanager
async def health(limit: KeylessStreams, servicer: Any) -> AsyncIterator[Any]:
    chain: Any = InterceptorChain([Errors(), RequestIds(), limit])
    health_pb2_grpc.add_HealthServicer_to_server(servicer, chain)
    server = grpc.aio.server(handlers=[chain])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield health_pb2_grpc.HealthStub(channel)
    finally:
        await server.stop(None)


async def _watch(stub: Any) -> Any:
    watch = stub.Watch(health_pb2.HealthCheckRequest())
    await watch.read()
    return watch


async def test_the_server_limits_them_and_answers_others(
    edge: "Edge", failure_of: "FailureOf"
) -> None:
    stub: Any = health_pb2_grpc.HealthStub(edge.channel)
    watches = [await _watch(stub) for _ in range(MOST_OPEN)]
    failure = await failure_of(stub.Watch(health_pb2.HealthCheckRequest()))
    assert failure.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert failure.reason == "QUOTA_EXCEEDED"
    assert (await stub.Check(health_pb2.HealthCheckRequest())).status
    for watch in watches:
        watch.cancel()


async def test_room_that_is_left_can_be_taken_again(failure_of: "FailureOf") -> None:
    async with health(KeylessStreams(most=1), HealthServicer()) as stub:
        first = await _watch(stub)
        await failure_of(stub.Watch(health_pb2.HealthCheckRequest()))
        first.cancel()
        async with asyncio.timeout(30):
            while True:
                try:
                    second = await _watch(stub)
                except grpc.aio.AioRpcError:
                    continue
                break
        second.cancel()


async def test_they_end_after_their_life(failure_of: "FailureOf") -> None:
    async with health(KeylessStreams(life=0.05), HealthServicer()) as stub:
        failure = await failure_of(stub.Watch(health_pb2.HealthCheckRequest()))
    assert failure.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "open it again" in (failure.error.details() or "")


class Late(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # it has no stubs
    """Runs into a timeout of its own."""

    async def Watch(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802  # grpc's
        yield health_pb2.HealthCheckResponse()
        raise TimeoutError


async def test_a_timeout_of_the_handler_is_its_own(failure_of: "FailureOf") -> None:
    async with health(KeylessStreams(), Late()) as stub:
        failure = await failure_of(stub.Watch(health_pb2.HealthCheckRequest()))
    assert failure.code is not grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize(
    ("path", "streams"),
    [("/headrace.v1.StatusService/WatchStatus", True), ("/grpc.health.v1.Health/Check", False)],
)
def test_what_needs_a_key_or_does_not_stay_open_is_not_counted(path: str, streams: bool) -> None:
    async def handler(call: Any, request: Any) -> Any: ...

    method = method_of(path, client_streaming=False, server_streaming=streams)
    assert (method.scope is Scope.READ) is streams
    assert KeylessStreams().wrap(method, handler) is handler
