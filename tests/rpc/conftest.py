"""Real gRPC servers: a bare one for single interceptors, and the whole edge on the real core."""

# ruff: noqa: N802  # names of handlers are those of the protos

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from headrace.v1 import ingestion_pb2, status_service_pb2_grpc
from headrace.v1 import status_service_pb2 as pb

from headrace_server.app import Core, open_core
from headrace_server.config import Config
from headrace_server.core.ingestion.receiving import Delivery
from headrace_server.model.job import Priority
from headrace_server.model.tenant import Principal, Scope
from headrace_server.rpc.interceptors import Interceptor, InterceptorChain
from headrace_server.rpc.options import ServerOptions
from headrace_server.rpc.server import Server, build_server

Context = grpc.aio.ServicerContext[Any, Any]
Answer = Callable[[Any, Context], Awaitable[Any]]
Stream = Callable[[Any, Context], AsyncIterator[Any]]
#: start a bare StatusService behind some interceptors; gives a stub
Serve = Callable[..., Awaitable[Any]]


@dataclass(frozen=True)
class Failure:
    """How a call failed."""

    error: grpc.aio.AioRpcError

    @property
    def code(self) -> grpc.StatusCode:
        return self.error.code()

    @property
    def trailers(self) -> dict[str, Any]:
        return dict(self.error.trailing_metadata() or ())

    @property
    def status(self) -> status_pb2.Status:
        found: Any = rpc_status.from_call(self.error)
        return found

    @property
    def reason(self) -> str:
        info = self.detail(error_details_pb2.ErrorInfo)
        assert info.domain == "headrace"
        return str(info.reason)

    def detail(self, kind: type[Any]) -> Any:
        """The one detail of that kind."""
        (packed,) = [each for each in self.status.details if each.Is(kind.DESCRIPTOR)]
        unpacked = kind()
        packed.Unpack(unpacked)
        return unpacked


FailureOf = Callable[[Any], Awaitable[Failure]]


async def _read_all(call: Any) -> None:
    while await call.read() is not grpc.aio.EOF:
        pass


@pytest.fixture
def failure_of() -> FailureOf:
    """Await a call that must fail, unary or streaming."""

    async def failure(call: Any) -> Failure:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await (_read_all(call) if hasattr(call, "read") else call)
        return Failure(caught.value)

    return failure


class Statuses(status_service_pb2_grpc.StatusServiceServicer):
    """A StatusService whose answers each test chooses."""

    def __init__(self, answer: Answer, stream: Stream) -> None:
        self._answer = answer
        self._stream = stream

    async def GetStatus(self, request: pb.GetStatusRequest, context: Context) -> Any:
        return await self._answer(request, context)

    async def WatchStatus(
        self, request: pb.WatchStatusRequest, context: Context
    ) -> AsyncIterator[Any]:
        async for message in self._stream(request, context):
            yield message

    async def CreateWatchToken(self, request: pb.CreateWatchTokenRequest, context: Context) -> Any:
        return await self._answer(request, context)

    async def GetHealth(self, request: pb.GetHealthRequest, context: Context) -> Any:
        return await self._answer(request, context)

    async def _unused(self, request: Any, context: Context) -> Any:
        raise NotImplementedError

    ListStatuses = GetResults = _unused


async def echo(request: Any, _context: Context) -> ingestion_pb2.Ingestion:
    return ingestion_pb2.Ingestion(request_id=request.request_id)


async def two(request: Any, _context: Context) -> AsyncIterator[ingestion_pb2.Ingestion]:
    for revision in (1, 2):
        yield ingestion_pb2.Ingestion(request_id=request.request_id, revision=revision)


@asynccontextmanager
async def serving(
    *interceptors: Interceptor, answer: Answer = echo, stream: Stream = two
) -> AsyncIterator[Any]:
    chain: Any = InterceptorChain(interceptors)
    status_service_pb2_grpc.add_StatusServiceServicer_to_server(Statuses(answer, stream), chain)
    server = grpc.aio.server(handlers=[chain])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield status_service_pb2_grpc.StatusServiceStub(channel)
    finally:
        await server.stop(None)


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start a bare server as `serving` does; it stops with the test."""
    async with AsyncExitStack() as stack:

        async def start(*interceptors: Interceptor, **handlers: Any) -> Any:
            return await stack.enter_async_context(serving(*interceptors, **handlers))

        yield start


@dataclass(frozen=True)
class Edge:
    """The whole edge on the real core, on SQLite, with nobody working on the queue."""

    core: Core
    server: Server
    address: str
    channel: grpc.aio.Channel

    async def key(self, *scopes: Scope, tenant_id: str = "default") -> tuple[tuple[str, str], ...]:
        """Metadata with a new key."""
        _, secret = await self.core.tenants.create_key(tenant_id, "test", frozenset(scopes))
        return (("x-api-key", secret),)

    async def ingestion(self, tenant_id: str = "default") -> str:
        """The id of a new ingestion, which stays PENDING."""

        async def body() -> AsyncIterator[bytes]:
            yield b"{}\n"

        delivery = Delivery("test", "customers.ndjson", "", Priority.MEDIUM, "")
        everything = Principal(tenant_id, frozenset(Scope), None)
        received = await self.core.services.receiver.receive(everything, delivery, body())
        return received.ingestion.request_id


@asynccontextmanager
async def edge_on(
    folder: Path, options: ServerOptions, migrated: Path, **settings: Any
) -> AsyncIterator[Edge]:
    shutil.copy(migrated, folder / "control.sqlite")
    async with open_core(Config(data_dir=folder, parsers=1, **settings)) as core:
        server = build_server(core.services, options)
        address = f"127.0.0.1:{server.bind('127.0.0.1:0')}"
        await server.start()
        try:
            async with grpc.aio.insecure_channel(address) as channel:
                yield Edge(core, server, address, channel)
        finally:
            await server.stop(0)


@pytest.fixture
async def edge(tmp_path: Path, migrated_file: Path) -> AsyncIterator[Edge]:
    """The edge; without a key, everybody is the tenant `default`."""
    async with edge_on(tmp_path, ServerOptions(allow_anonymous=True), migrated_file) as running:
        yield running


EdgeWith = Callable[..., Awaitable[Edge]]


@pytest.fixture
async def edge_with(tmp_path: Path, migrated_file: Path) -> AsyncIterator[EdgeWith]:
    """Start an edge with options of the test's choice; it stops with the test."""
    async with AsyncExitStack() as stack:

        async def start(**options: Any) -> Edge:
            running = edge_on(tmp_path, ServerOptions(**options), migrated_file)
            return await stack.enter_async_context(running)

        yield start
