"""StatusService."""

# ruff: noqa: N802, ARG002  # names and signatures are those of the protos

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime

from headrace.v1 import ingestion_pb2, status_service_pb2_grpc
from headrace.v1 import status_service_pb2 as pb

from headrace_server.core.health import Health
from headrace_server.core.ingestion.ingestions import Ingestions
from headrace_server.core.watching import Watches
from headrace_server.rpc.call import Context, caller
from headrace_server.rpc.messages.ingestion import (
    ingestion_message,
    results_message,
    status_filter,
)
from headrace_server.rpc.messages.page import page_request


class StatusServicer(status_service_pb2_grpc.StatusServiceServicer):
    """Tells how far ingestions have come."""

    def __init__(self, ingestions: Ingestions, watches: Watches, health: Health) -> None:
        self._ingestions = ingestions
        self._watches = watches
        self._health = health

    async def GetStatus(
        self, request: pb.GetStatusRequest, context: Context
    ) -> ingestion_pb2.Ingestion:
        return ingestion_message(await self._ingestions.get(caller(), request.request_id))

    async def ListStatuses(
        self, request: pb.ListStatusesRequest, context: Context
    ) -> pb.ListStatusesResponse:
        page = await self._ingestions.list(
            caller(), status_filter(request.status), page_request(request)
        )
        return pb.ListStatusesResponse(
            statuses=map(ingestion_message, page.items), next_page_token=page.next_token
        )

    async def GetResults(
        self, request: pb.GetResultsRequest, context: Context
    ) -> pb.GetResultsResponse:
        return results_message(
            await self._ingestions.results(caller(), request.request_id, page_request(request))
        )

    async def WatchStatus(
        self, request: pb.WatchStatusRequest, context: Context
    ) -> AsyncIterator[ingestion_pb2.Ingestion]:
        watch = self._watches.ingestion(caller(), request.request_id, request.after_revision)
        async with aclosing(watch) as snapshots:
            async for snapshot in snapshots:
                yield ingestion_message(snapshot)

    async def CreateWatchToken(
        self, request: pb.CreateWatchTokenRequest, context: Context
    ) -> pb.CreateWatchTokenResponse:
        token, expires_at = await self._watches.create_token(caller(), request.request_id)
        return pb.CreateWatchTokenResponse(watch_token=token, expires_at=expires_at)

    async def GetHealth(
        self, request: pb.GetHealthRequest, context: Context
    ) -> pb.GetHealthResponse:
        healthy, active_requests = await self._health.check()
        return pb.GetHealthResponse(
            status="HEALTHY" if healthy else "UNHEALTHY",
            timestamp=datetime.now(UTC),
            active_requests=active_requests,
        )
