"""Datasets and their scores."""

from collections.abc import Iterator
from typing import Any

from headrace.v1 import readiness_service_pb2, readiness_service_pb2_grpc

from .refusals import Context, not_found
from .room import Room
from .state import Dataset


class Readiness(Room, readiness_service_pb2_grpc.ReadinessServiceServicer):
    """Datasets that are as good as the length of their description."""

    def alter(self, name: str, **values: Any) -> Dataset:
        with self.state.changed:
            dataset = Dataset(id=f"d-{name}", full_name=name)
            dataset.MergeFrom(self.state.datasets.get(name, Dataset()))
            dataset.MergeFrom(Dataset(**values, revision=self.newest() + 1))
            self.state.datasets[name] = dataset
            self.state.changed.notify_all()
        return dataset

    def newest(self) -> int:
        return max((dataset.revision for dataset in self.state.datasets.values()), default=0)

    def GetDataset(self, request: Any, context: Context) -> Any:  # noqa: N802
        found = [d for d in self.state.datasets.values() if request.id in {d.id, d.full_name}]
        if not found:
            not_found(context, "dataset", request.id)
        return found[0]

    def ScoreDataset(self, request: Any, context: Context) -> Any:  # noqa: N802
        return self.once(context, "ScoreDataset", lambda: self.GetDataset(request, context))

    def ObserveDataset(self, request: Any, context: Context) -> Any:  # noqa: N802
        return self.once(context, "ObserveDataset", lambda: self.GetDataset(request, context))

    def UpsertDataset(self, request: Any, context: Context) -> Any:  # noqa: N802
        declared = request.declaration
        score = len(declared.description)
        return self.alter(declared.full_name, readiness_score=score, declaration=declared)

    def IngestMockDatasets(self, request: Any, context: Context) -> Any:  # noqa: N802
        made = self.alter("analytics.users", readiness_score=98, readiness_status=Dataset.GOLD)
        summary = readiness_service_pb2.IngestMockDatasetsResponse.Summary(full_name=made.full_name)
        return readiness_service_pb2.IngestMockDatasetsResponse(ingested=1, datasets=[summary])

    def ListDatasets(self, request: Any, context: Context) -> Any:  # noqa: N802
        chosen = [
            dataset
            for dataset in self.state.datasets.values()
            if request.readiness_status in {0, dataset.readiness_status}
            and request.search in dataset.full_name
        ]
        chosen.sort(key=lambda dataset: dataset.full_name)
        if request.order_by == readiness_service_pb2.ListDatasetsRequest.WORST_FIRST:
            chosen.sort(key=lambda dataset: dataset.readiness_score)
        datasets, token = self.page(chosen, request)
        return readiness_service_pb2.ListDatasetsResponse(datasets=datasets, next_page_token=token)

    def ListScoreHistory(self, request: Any, context: Context) -> Any:  # noqa: N802
        history, token = self.page(self.state.score_entries, request)
        return readiness_service_pb2.ListScoreHistoryResponse(
            history=history, next_page_token=token
        )

    def WatchReadiness(self, request: Any, context: Context) -> Iterator[Any]:  # noqa: N802
        """Cut before its first message, it says that the dataset is gone."""
        seen = request.after_revision
        cut = self.state.watch_cuts.pop(0) if self.state.watch_cuts else 100
        for _ in range(cut):
            with self.state.changed:
                self.state.changed.wait_for(lambda: self.newest() > seen, timeout=5)  # noqa: B023  # at once
                changed = [d for d in self.state.datasets.values() if d.revision > seen]
                seen = self.newest()
            yield readiness_service_pb2.WatchReadinessResponse(datasets=changed, revision=seen)
        if cut == 0:
            not_found(context, "dataset", request.id)

    def GrantWaiver(self, request: Any, context: Context) -> Any:  # noqa: N802
        waiver = Dataset.Waiver(
            rule=request.rule, justification=request.justification, expires_at=request.expires_at
        )
        return self.alter(request.id, waivers=[waiver])

    def RevokeWaiver(self, request: Any, context: Context) -> Any:  # noqa: N802
        dataset = self.GetDataset(request, context)
        del dataset.waivers[:]
        return dataset
