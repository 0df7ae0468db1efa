"""Calls of StatusService."""

from collections.abc import AsyncIterator
from functools import cached_property
from typing import TYPE_CHECKING

import grpc
from headrace.v1 import status_service_pb2 as pb
from headrace.v1.ingestion_pb2 import ChunkResult, Ingestion
from headrace.v1.mapping_pb2 import MappingResult
from headrace.v1.status_service_pb2_grpc import StatusServiceStub

from headrace_client.connection import Connection, Metadata
from headrace_client.watching import watched

if TYPE_CHECKING:
    from headrace.v1.status_service_pb2_grpc import StatusServiceAsyncStub

_Stream = grpc.aio.UnaryStreamCall[pb.WatchStatusRequest, Ingestion]


class StatusCalls(Connection):
    """StatusService of a Client. Every method raises HeadraceError."""

    @cached_property
    def _statuses(self) -> "StatusServiceAsyncStub":
        return StatusServiceStub(self.channel)

    async def get_status(self, request_id: str) -> Ingestion:
        """Get an ingestion as it stands now."""
        return await self.call(self._statuses.GetStatus, pb.GetStatusRequest(request_id=request_id))

    async def list_statuses(
        self,
        *,
        status: Ingestion.Status = Ingestion.STATUS_UNSPECIFIED,
        page_size: int = 0,
    ) -> AsyncIterator[Ingestion]:
        """Yield the ingestions of the tenant, newest first."""
        request = pb.ListStatusesRequest(status=status, page_size=page_size)
        async for page in self.pages(self._statuses.ListStatuses, request):
            for ingestion in page.statuses:
                yield ingestion

    async def get_results(self, request_id: str, *, page_size: int = 0) -> pb.GetResultsResponse:
        """Get what became of each file of an ingestion, with the first chunks only."""
        request = pb.GetResultsRequest(request_id=request_id, page_size=page_size)
        return await self.call(self._statuses.GetResults, request)

    async def list_chunks(self, request_id: str) -> AsyncIterator[ChunkResult]:
        """Yield what became of each committed chunk of an ingestion."""
        request = pb.GetResultsRequest(request_id=request_id)
        async for page in self.pages(self._statuses.GetResults, request):
            for chunk in page.chunks:
                yield chunk

    async def list_mapping_results(
        self, request_id: str, *, page_size: int = 0
    ) -> AsyncIterator[MappingResult]:
        """Yield what became of each mapping of an ingestion, in their order."""
        request = pb.GetResultsRequest(request_id=request_id, page_size=page_size)
        async for page in self.pages(self._statuses.GetResults, request):
            for result in page.results:
                yield result

    async def watch(self, request_id: str, *, after_revision: int = 0) -> AsyncIterator[Ingestion]:
        """Yield an ingestion after each change, the terminal snapshot last.

        Reconnects by itself and yields each revision once, in order. Raises HeadraceError where
        reconnecting is of no use, or when nothing came for the connection's `patience`.
        """
        stub = self._statuses

        def open_stream(revision: int, metadata: Metadata) -> _Stream:
            request = pb.WatchStatusRequest(request_id=request_id, after_revision=revision)
            return stub.WatchStatus(request, metadata=metadata)

        async for ingestion in watched(self, open_stream, after_revision):
            yield ingestion

    async def create_watch_token(
        self, request_id: str, *, idempotency_key: str | None = None
    ) -> pb.CreateWatchTokenResponse:
        """Make a short-lived token that opens the watch of one ingestion without a key."""
        request = pb.CreateWatchTokenRequest(request_id=request_id)
        return await self.mutate(self._statuses.CreateWatchToken, request, idempotency_key)

    async def get_health(self) -> pb.GetHealthResponse:
        """Tell whether the server works. Needs no key."""
        return await self.call(self._statuses.GetHealth, pb.GetHealthRequest())
