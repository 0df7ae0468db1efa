"""Calls of ReadinessService."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

import grpc
from headrace.v1 import readiness_service_pb2 as pb
from headrace.v1.dataset_pb2 import Dataset, DatasetDeclaration, ScoreEntry
from headrace.v1.readiness_service_pb2_grpc import ReadinessServiceStub

from headrace_client.connection import Connection, Metadata
from headrace_client.watching import watched

if TYPE_CHECKING:
    from headrace.v1.readiness_service_pb2_grpc import ReadinessServiceAsyncStub

_Stream = grpc.aio.UnaryStreamCall[pb.WatchReadinessRequest, pb.WatchReadinessResponse]


class ReadinessCalls(Connection):
    """ReadinessService of a Client. A dataset is named by its id or its full name.

    Every method raises HeadraceError.
    """

    @cached_property
    def _readiness(self) -> "ReadinessServiceAsyncStub":
        return ReadinessServiceStub(self.channel)

    async def ingest_mock_datasets(self) -> pb.IngestMockDatasetsResponse:
        """Make the ten sample datasets, or bring them up to date."""
        method = self._readiness.IngestMockDatasets
        return await self.call(method, pb.IngestMockDatasetsRequest())

    async def upsert_dataset(self, declaration: DatasetDeclaration) -> Dataset:
        """Declare a dataset, or replace all that is declared of it; return it scored."""
        request = pb.UpsertDatasetRequest(declaration=declaration)
        return await self.call(self._readiness.UpsertDataset, request)

    async def list_datasets(
        self,
        *,
        status: Dataset.ReadinessStatus = Dataset.READINESS_STATUS_UNSPECIFIED,
        search: str = "",
        order_by: pb.ListDatasetsRequest.Order = pb.ListDatasetsRequest.ORDER_UNSPECIFIED,
        page_size: int = 0,
    ) -> AsyncIterator[Dataset]:
        """Yield the datasets of the tenant, without what explains their scores."""
        request = pb.ListDatasetsRequest(
            readiness_status=status, search=search, order_by=order_by, page_size=page_size
        )
        async for page in self.pages(self._readiness.ListDatasets, request):
            for dataset in page.datasets:
                yield dataset

    async def get_dataset(self, name: str) -> Dataset:
        """Get a dataset with all that explains its score."""
        return await self.call(self._readiness.GetDataset, pb.GetDatasetRequest(id=name))

    async def score_dataset(self, name: str, *, idempotency_key: str | None = None) -> Dataset:
        """Score a dataset anew, and record the score in its history."""
        request = pb.ScoreDatasetRequest(id=name)
        return await self.mutate(self._readiness.ScoreDataset, request, idempotency_key)

    async def list_score_history(
        self, name: str, *, page_size: int = 0
    ) -> AsyncIterator[ScoreEntry]:
        """Yield the scores of a dataset, newest first."""
        request = pb.ListScoreHistoryRequest(id=name, page_size=page_size)
        async for page in self.pages(self._readiness.ListScoreHistory, request):
            for entry in page.history:
                yield entry

    async def observe_dataset(self, name: str, *, idempotency_key: str | None = None) -> Dataset:
        """Profile the table of that full name, and score what was seen."""
        request = pb.ObserveDatasetRequest(id=name)
        return await self.mutate(self._readiness.ObserveDataset, request, idempotency_key)

    async def watch_readiness(
        self, name: str = "", *, after_revision: int = 0
    ) -> AsyncGenerator[Sequence[Dataset], None]:
        """Yield all datasets (or the one named), then after each change those that changed.

        Reconnects by itself, and never ends by itself.
        """
        stub = self._readiness

        def open_stream(revision: int, metadata: Metadata) -> _Stream:
            request = pb.WatchReadinessRequest(id=name, after_revision=revision)
            return stub.WatchReadiness(request, metadata=metadata)

        async for change in watched(self, open_stream, after_revision):
            if change.datasets:
                yield change.datasets

    async def grant_waiver(
        self, name: str, rule: str, justification: str, expires_at: datetime
    ) -> Dataset:
        """Excuse the losses of a rule until then; `expires_at` is aware. Needs an admin key."""
        request = pb.GrantWaiverRequest(
            id=name, rule=rule, justification=justification, expires_at=expires_at
        )
        return await self.call(self._readiness.GrantWaiver, request)

    async def revoke_waiver(self, name: str, rule: str) -> Dataset:
        """Take a waiver back. Needs an admin key."""
        request = pb.RevokeWaiverRequest(id=name, rule=rule)
        return await self.call(self._readiness.RevokeWaiver, request)
