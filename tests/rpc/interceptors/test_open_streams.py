"""Streams end when their key does, and when the server stops."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import structlog
from google.api.httpbody_pb2 import HttpBody
from headrace.v1 import ingestion_pb2, ingestion_service_pb2_grpc, status_service_pb2_grpc
from headrace.v1 import ingestion_service_pb2 as ingestion
from headrace.v1 import status_service_pb2 as pb

from headrace_server.model.tenant import Scope
from headrace_server.rpc.call import Call
from headrace_server.rpc.interceptors.chain import Handler
from headrace_server.rpc.interceptors.errors import Errors
from headrace_server.rpc.interceptors.open_streams import OpenStreams
from headrace_server.rpc.interceptors.request_id import RequestIds
from headrace_server.rpc.methods import Method

if TYPE_CHECKING:
    from rpc.conftest import Edge, FailureOf, Serve


async def _watch(edge: "Edge", key: tuple[tuple[str, str], ...]) -> Any:
    """A watch that is open: its first message was read."""
    stub: Any = status_service_pb2_grpc.StatusServiceStub(edge.channel)
    request = pb.WatchStatusRequest(request_id=await edge.ingestion())
    call = stub.WatchStatus(request, metadata=key)
    await call.read()
    return call


async def test_a_revoked_key_ends_its_streams_and_no_others(
    edge: "Edge", failure_of: "FailureOf"
) -> None:
    revoked, kept = await edge.key(Scope.READ), await edge.key(Scope.READ)
    ending, staying = await _watch(edge, revoked), await _watch(edge, kept)
    key = await edge.core.tenants.authenticate(revoked[0][1])
    assert key.key_id
    await edge.core.tenants.revoke_key("default", key.key_id)
    failure = await failure_of(ending)
    assert failure.code is grpc.StatusCode.UNAUTHENTICATED
    assert failure.reason == "UNAUTHENTICATED"
    assert not staying.done()
    staying.cancel()


async def test_a_suspended_tenant_loses_its_streams(edge: "Edge", failure_of: "FailureOf") -> None:
    await edge.core.tenants.create("acme")
    admin = await edge.key(Scope.ADMIN)
    stub: Any = status_service_pb2_grpc.StatusServiceStub(edge.channel)
    key = await edge.key(Scope.READ, tenant_id="acme")
    call = stub.WatchStatus(
        pb.WatchStatusRequest(request_id=await edge.ingestion("acme")), metadata=key
    )
    await call.read()
    untouched = await _watch(edge, admin)
    await edge.core.tenants.suspend("acme")
    assert (await failure_of(call)).code is grpc.StatusCode.UNAUTHENTICATED
    assert not untouched.done()
    untouched.cancel()


async def test_anonymous_streams_end_when_the_first_key_comes(
    edge: "Edge", failure_of: "FailureOf"
) -> None:
    call = await _watch(edge, ())
    await edge.key(Scope.ADMIN)
    assert (await failure_of(call)).code is grpc.StatusCode.UNAUTHENTICATED


async def test_an_upload_ends_with_its_key(edge: "Edge", failure_of: "FailureOf") -> None:
    key = await edge.key(Scope.WRITE)
    stub: Any = ingestion_service_pb2_grpc.IngestionServiceStub(edge.channel)
    call = stub.IngestFile(metadata=key)
    await call.write(
        ingestion.IngestFileRequest(file_name="customers.ndjson", body=HttpBody(data=b"{}\n"))
    )
    principal = await edge.core.tenants.authenticate(key[0][1])
    assert principal.key_id
    await edge.core.tenants.revoke_key("default", principal.key_id)
    assert (await failure_of(call)).code is grpc.StatusCode.UNAUTHENTICATED


class Guarded:
    """Gives each stream the answer of the test to whether it is still allowed."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def wrap(self, _method: Method, handler: Handler) -> Handler:
        async def guarded(call: Call, request: Any) -> Any:
            call.still_allowed = self._answer
            return await handler(call, request)

        return guarded


async def _held(request: Any, context: Any) -> AsyncIterator[ingestion_pb2.Ingestion]:
    yield ingestion_pb2.Ingestion()
    await asyncio.Event().wait()


async def test_a_check_that_fails_revokes_nobody(serve: "Serve") -> None:
    async def away() -> bool:
        raise ConnectionError

    streams = OpenStreams()
    stub = await serve(Errors(), RequestIds(), streams, Guarded(away), stream=_held)
    call = stub.WatchStatus(pb.WatchStatusRequest())
    await call.read()
    with structlog.testing.capture_logs() as lines:
        await streams.recheck()
    assert [line["event"] for line in lines] == ["recheck failed"]
    assert not call.done()
    call.cancel()


async def test_a_stream_open_to_everybody_has_no_key_to_lose(serve: "Serve") -> None:
    streams = OpenStreams()
    stub = await serve(Errors(), RequestIds(), streams, stream=_held)
    call = stub.WatchStatus(pb.WatchStatusRequest())
    await call.read()
    await streams.recheck()
    assert not call.done()
    call.cancel()


@pytest.mark.parametrize("before", [True, False])
async def test_a_stopping_server_tells_its_streams(
    serve: "Serve", failure_of: "FailureOf", before: bool
) -> None:
    streams = OpenStreams()
    stub = await serve(Errors(), RequestIds(), streams, stream=_held)
    if before:
        call = stub.WatchStatus(pb.WatchStatusRequest())
        await call.read()
        streams.stop()
        streams.stop()
    else:
        streams.stop()
        call = stub.WatchStatus(pb.WatchStatusRequest())
    failure = await failure_of(call)
    assert failure.code is grpc.StatusCode.UNAVAILABLE
    assert failure.reason == "SHUTTING_DOWN"


async def test_unary_calls_go_on_while_the_server_stops(serve: "Serve") -> None:
    streams = OpenStreams()
    stub = await serve(Errors(), RequestIds(), streams)
    streams.stop()
    assert (await stub.GetStatus(pb.GetStatusRequest(request_id="r"))).request_id == "r"
