"""ReadinessService."""

# ruff: noqa: N802, ARG002  # names and signatures are those of the protos

from collections.abc import AsyncIterator
from contextlib import aclosing

from headrace.v1 import dataset_pb2, readiness_service_pb2_grpc
from headrace.v1 import readiness_service_pb2 as pb

from headrace_server.core.readiness.datasets import Datasets
from headrace_server.core.readiness.observing import Observer
from headrace_server.core.readiness.samples import Samples
from headrace_server.core.readiness.watch import ReadinessWatch
from headrace_server.rpc.call import Context, caller
from headrace_server.rpc.messages.dataset import (
    change_message,
    dataset_message,
    entry_message,
    filter_of,
    mock_message,
    summary_message,
)
from headrace_server.rpc.messages.dataset_declaration import declaration_of, required_instant
from headrace_server.rpc.messages.page import page_request


class ReadinessServicer(readiness_service_pb2_grpc.ReadinessServiceServicer):
    """Tells how ready datasets are for use, and why."""

    def __init__(
        self, datasets: Datasets, samples: Samples, observer: Observer, watch: ReadinessWatch
    ) -> None:
        self._datasets = datasets
        self._samples = samples
        self._observer = observer
        self._watch = watch

    async def IngestMockDatasets(
        self, request: pb.IngestMockDatasetsRequest, context: Context
    ) -> pb.IngestMockDatasetsResponse:
        made = await self._samples.ingest(caller())
        return pb.IngestMockDatasetsResponse(ingested=len(made), datasets=map(mock_message, made))

    async def UpsertDataset(
        self, request: pb.UpsertDatasetRequest, context: Context
    ) -> dataset_pb2.Dataset:
        declaration = declaration_of(request.declaration)
        (dataset,) = await self._datasets.declare(caller(), [declaration])
        return dataset_message(dataset)

    async def ListDatasets(
        self, request: pb.ListDatasetsRequest, context: Context
    ) -> pb.ListDatasetsResponse:
        page = await self._datasets.list(caller(), filter_of(request), page_request(request))
        return pb.ListDatasetsResponse(
            datasets=map(summary_message, page.items), next_page_token=page.next_token
        )

    async def GetDataset(
        self, request: pb.GetDatasetRequest, context: Context
    ) -> dataset_pb2.Dataset:
        return dataset_message(await self._datasets.get(caller(), request.id))

    async def ScoreDataset(
        self, request: pb.ScoreDatasetRequest, context: Context
    ) -> dataset_pb2.Dataset:
        return dataset_message(await self._datasets.score(caller(), request.id))

    async def ListScoreHistory(
        self, request: pb.ListScoreHistoryRequest, context: Context
    ) -> pb.ListScoreHistoryResponse:
        page = await self._datasets.history(caller(), request.id, page_request(request))
        return pb.ListScoreHistoryResponse(
            history=map(entry_message, page.items), next_page_token=page.next_token
        )

    async def ObserveDataset(
        self, request: pb.ObserveDatasetRequest, context: Context
    ) -> dataset_pb2.Dataset:
        return dataset_message(await self._observer.observe(caller(), request.id))

    async def WatchReadiness(
        self, request: pb.WatchReadinessRequest, context: Context
    ) -> AsyncIterator[pb.WatchReadinessResponse]:
        watch = self._watch.stream(caller(), request.after_revision, request.id)
        async with aclosing(watch) as changes:
            async for change in changes:
                yield change_message(change)

    async def GrantWaiver(
        self, request: pb.GrantWaiverRequest, context: Context
    ) -> dataset_pb2.Dataset:
        expires_at = required_instant(request, "expires_at")
        dataset = await self._datasets.grant(
            caller(), request.id, request.rule, request.justification, expires_at
        )
        return dataset_message(dataset)

    async def RevokeWaiver(
        self, request: pb.RevokeWaiverRequest, context: Context
    ) -> dataset_pb2.Dataset:
        return dataset_message(await self._datasets.revoke(caller(), request.id, request.rule))
