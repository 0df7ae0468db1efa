"""All kinds of handlers pass through the same interceptors."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from headrace.v1 import ingestion_pb2
from headrace.v1 import status_service_pb2 as pb

from headrace_server.rpc.call import Call, caller, current
from headrace_server.rpc.interceptors import InterceptorChain
from headrace_server.rpc.interceptors.chain import Handler
from headrace_server.rpc.methods import Method

if TYPE_CHECKING:
    from rpc.conftest import Serve


class Tracing:
    """Notes what passes, under its name."""

    def __init__(self, name: str, seen: list[Any]) -> None:
        self.name = name
        self.seen = seen
        self.wrapped: list[str] = []

    def wrap(self, method: Method, handler: Handler) -> Handler:
        self.wrapped.append(method.name)

        async def traced(call: Call, request: Any) -> Any:
            self.seen.append(f"{self.name} before")
            try:
                return await handler(call, request)
            except BaseException as error:
                self.seen.append(type(error))
                raise
            finally:
                self.seen.append(f"{self.name} after")

        return traced


@pytest.fixture
def seen() -> list[Any]:
    return []


async def test_the_first_is_outermost(serve: "Serve", seen: list[Any]) -> None:
    stub = await serve(Tracing("a", seen), Tracing("b", seen))
    assert (await stub.GetStatus(pb.GetStatusRequest(request_id="r"))).request_id == "r"
    assert seen == ["a before", "b before", "b after", "a after"]


async def test_handlers_are_wrapped_once(serve: "Serve", seen: list[Any]) -> None:
    tracing = Tracing("a", seen)
    stub = await serve(tracing)
    for _ in range(3):
        await stub.GetStatus(pb.GetStatusRequest())
    assert tracing.wrapped == ["GetStatus"]


async def test_a_stream_is_iterated_inside(serve: "Serve", seen: list[Any]) -> None:
    stub = await serve(Tracing("a", seen))
    revisions = [each.revision async for each in stub.WatchStatus(pb.WatchStatusRequest())]
    assert revisions == [1, 2]
    assert seen == ["a before", "a after"]


async def test_an_error_in_mid_iteration_is_seen(serve: "Serve", seen: list[Any]) -> None:
    async def breaking(request: Any, _context: Any) -> AsyncIterator[ingestion_pb2.Ingestion]:
        yield ingestion_pb2.Ingestion()
        raise KeyError

    stub = await serve(Tracing("a", seen), stream=breaking)
    with pytest.raises(grpc.aio.AioRpcError):
        _ = [each async for each in stub.WatchStatus(pb.WatchStatusRequest())]
    assert seen == ["a before", KeyError, "a after"]


async def test_a_cancelled_stream_is_closed_at_once(serve: "Serve", seen: list[Any]) -> None:
    closed = asyncio.Event()

    async def endless(request: Any, _context: Any) -> AsyncIterator[ingestion_pb2.Ingestion]:
        try:
            yield ingestion_pb2.Ingestion()
            await asyncio.Event().wait()
        finally:
            closed.set()

    stub = await serve(Tracing("a", seen), stream=endless)
    call = stub.WatchStatus(pb.WatchStatusRequest())
    await call.read()
    call.cancel()
    async with asyncio.timeout(10):
        await closed.wait()
    assert asyncio.CancelledError in seen


async def test_a_handler_that_writes_by_itself_works(seen: list[Any]) -> None:
    """grpc_health's Watch is a coroutine that writes, not a generator."""
    chain: Any = InterceptorChain([Tracing("a", seen)])
    health_pb2_grpc.add_HealthServicer_to_server(HealthServicer(), chain)
    server = grpc.aio.server(handlers=[chain])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert (await call.read()).status == health_pb2.HealthCheckResponse.SERVING
        call.cancel()
    await server.stop(None)
    assert seen[0] == "a before"


async def test_messages_and_bytes_are_counted(serve: "Serve") -> None:
    calls: list[Call] = []

    class Keeping:
        def wrap(self, _method: Method, handler: Handler) -> Handler:
            async def kept(call: Call, request: Any) -> Any:
                calls.append(call)
                return await handler(call, request)

            return kept

    stub = await serve(Keeping())
    request = pb.WatchStatusRequest(request_id="r")
    messages = [each async for each in stub.WatchStatus(request)]
    (call,) = calls
    assert (call.messages_received, call.messages_sent) == (1, 2)
    assert call.bytes_received == request.ByteSize()
    assert call.bytes_sent == sum(each.ByteSize() for each in messages)


async def test_an_unknown_method_stays_unimplemented(seen: list[Any]) -> None:
    chain: Any = InterceptorChain([Tracing("a", seen)])
    health_pb2_grpc.add_HealthServicer_to_server(HealthServicer(), chain)
    server = grpc.aio.server(handlers=[chain])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        for path in ("/no.Such/Method", "/grpc.health.v1.Health/Such"):
            unknown: Any = channel.unary_unary(path)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await unknown(b"")
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    await server.stop(None)
    assert seen == []


async def test_every_call_has_a_context_of_its_own(serve: "Serve") -> None:
    async def answer(request: Any, context: Any) -> ingestion_pb2.Ingestion:
        await asyncio.sleep(0)
        assert current.get().context is context
        with pytest.raises(LookupError):
            caller()
        return ingestion_pb2.Ingestion(request_id=current.get().header("who"))

    stub = await serve(answer=answer)
    names = [str(n) for n in range(20)]
    calls = [stub.GetStatus(pb.GetStatusRequest(), metadata=(("who", name),)) for name in names]
    assert [each.request_id for each in await asyncio.gather(*calls)] == names
