"""A real Envoy in front of a real gRPC server whose answers the tests know."""

# ruff: noqa: N802  # names of handlers are those of the protos

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import httpx
import pytest
import pytest_asyncio
from grpc_health.v1 import health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from headrace.v1 import (
    ingestion_pb2,
    ingestion_service_pb2_grpc,
    status_service_pb2_grpc,
    upload_pb2,
)
from headrace.v1 import ingestion_service_pb2 as ingestion
from headrace.v1 import status_service_pb2 as status

from headrace_server.gateway.envoy import Envoy
from headrace_server.gateway.options import GatewayOptions
from headrace_server.model.errors import NotFoundError, QuotaExceededError
from headrace_server.rpc.interceptors import InterceptorChain
from headrace_server.rpc.interceptors.errors import Errors
from headrace_server.rpc.interceptors.request_id import RequestIds
from headrace_server.rpc.interceptors.validation import Validation
from headrace_server.rpc.options import ServerOptions

Context = grpc.aio.ServicerContext[Any, Any]


def snapshot(request_id: str, revision: int = 1, **fields: Any) -> ingestion_pb2.Ingestion:
    return ingestion_pb2.Ingestion(
        request_id=request_id, kind="FILES", status="IN_PROGRESS", revision=revision, **fields
    )


class Statuses(status_service_pb2_grpc.StatusServiceServicer):
    """`missing` is not found, `busy` is refused, `cut` fails in mid-stream."""

    async def GetStatus(
        self, request: status.GetStatusRequest, context: Context
    ) -> ingestion_pb2.Ingestion:
        if request.request_id == "missing":
            raise NotFoundError("ingestion", request.request_id)
        if request.request_id == "busy":
            raise QuotaExceededError("too much at once", limit="watches", retry_after=2.0)
        return snapshot(request.request_id, rows_loaded=2**53 + 1)

    async def ListStatuses(
        self, request: status.ListStatusesRequest, context: Context
    ) -> status.ListStatusesResponse:
        name = ingestion_pb2.Ingestion.Status.Name(request.status)
        return status.ListStatusesResponse(
            statuses=[snapshot("r1", details=name)], next_page_token=str(request.page_size)
        )

    async def WatchStatus(
        self, request: status.WatchStatusRequest, context: Context
    ) -> AsyncIterator[ingestion_pb2.Ingestion]:
        yield snapshot(request.request_id, 1)
        if request.request_id == "cut":
            raise NotFoundError("ingestion", "cut")
        yield snapshot(request.request_id, 2, terminal=True)

    async def GetHealth(
        self, request: status.GetHealthRequest, context: Context
    ) -> status.GetHealthResponse:
        headers = {str(key): str(value) for key, value in context.invocation_metadata() or ()}
        context.set_trailing_metadata((("seen-request-id", headers.get("x-request-id", "")),))
        return status.GetHealthResponse(status="HEALTHY")

    async def GetResults(self, request: Any, context: Context) -> status.GetResultsResponse:
        await asyncio.sleep(60)
        return status.GetResultsResponse()

    async def CreateWatchToken(
        self, request: status.CreateWatchTokenRequest, context: Context
    ) -> status.CreateWatchTokenResponse:
        headers = dict(context.invocation_metadata() or ())
        return status.CreateWatchTokenResponse(watch_token=str(headers.get("x-api-key", "")))


class Ingestions(ingestion_service_pb2_grpc.IngestionServiceServicer):
    """Answers an upload with its size and, in place of the token, its SHA-256."""

    async def IngestFile(
        self, request_iterator: AsyncIterator[ingestion.IngestFileRequest], context: Context
    ) -> ingestion.IngestFileResponse:
        digest, size, first = hashlib.sha256(), 0, None
        async for message in request_iterator:
            first = first or message
            digest.update(message.body.data)
            size += len(message.body.data)
        assert first is not None
        return ingestion.IngestFileResponse(
            request_id=first.file_name,
            data_type=first.body.content_type,
            upload_token=digest.hexdigest(),
            bytes_received=size,
        )

    async def AppendUpload(
        self, request_iterator: AsyncIterator[ingestion.AppendUploadRequest], context: Context
    ) -> upload_pb2.UploadSession:
        messages = [message async for message in request_iterator]
        return upload_pb2.UploadSession(
            upload_token=messages[0].token,
            offset=messages[0].offset + sum(len(m.body.data) for m in messages),
        )

    async def CreateUploadSession(
        self, request: ingestion.CreateUploadSessionRequest, context: Context
    ) -> upload_pb2.UploadSession:
        return upload_pb2.UploadSession(
            file_name=request.file_name, data_type=str(request.priority), status="OPEN"
        )

    async def IngestOrders(self, request_iterator: Any, context: Context) -> Any:
        raise NotImplementedError

    async def _unused(self, request: Any, context: Context) -> Any:
        raise NotImplementedError

    GetUploadSession = CompleteUpload = ResumeUpload = AbortUpload = _unused
    CreateIngestion = CancelIngestion = RetryIngestion = ListRejects = ReplayRejects = _unused
    RegisterContract = GetContract = ListContracts = _unused


def build_upstream() -> grpc.aio.Server:
    chain: Any = InterceptorChain([Errors(), RequestIds(), Validation()])
    status_service_pb2_grpc.add_StatusServiceServicer_to_server(Statuses(), chain)
    ingestion_service_pb2_grpc.add_IngestionServiceServicer_to_server(Ingestions(), chain)
    health_pb2_grpc.add_HealthServicer_to_server(HealthServicer(), chain)
    return grpc.aio.server(handlers=[chain], options=ServerOptions().channel_arguments())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Envoy]:
    """Envoy on a free port, before a server on another."""
    server = build_upstream()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    options = GatewayOptions(http_address="127.0.0.1:0", grpc_address=f"127.0.0.1:{port}")
    async with Envoy(options, tmp_path_factory.mktemp("envoy"), concurrency=1) as envoy:
        yield envoy
    await server.stop(None)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http(gateway: Envoy) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the REST side."""
    async with httpx.AsyncClient(base_url=f"http://{gateway.address}") as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def away(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Envoy]:
    """Envoy before a server that does not run."""
    options = GatewayOptions(http_address="127.0.0.1:0", grpc_address="127.0.0.1:1")
    async with Envoy(options, tmp_path_factory.mktemp("away"), concurrency=1) as envoy:
        yield envoy


@pytest.fixture
def upstream() -> Callable[[], grpc.aio.Server]:
    """Build the server that the tests know; to be called in a loop."""
    return build_upstream
