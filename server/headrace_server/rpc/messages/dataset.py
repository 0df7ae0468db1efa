"""Datasets and their scores."""

from headrace.v1 import dataset_pb2 as pb
from headrace.v1 import readiness_service_pb2 as service

from headrace_server.core.readiness.watch import ReadinessChange
from headrace_server.model.dataset import (
    Action,
    Dataset,
    DatasetFilter,
    DatasetOrder,
    DimensionScore,
    ReadinessStatus,
    Reason,
    ScoreEntry,
    Waiver,
)
from headrace_server.rpc.messages.dataset_declaration import declaration_message
from headrace_server.rpc.messages.dataset_observation import observation_message
from headrace_server.rpc.messages.instant import timestamp_of


def summary_message(record: Dataset) -> pb.Dataset:
    """Show a dataset and its scores, without what explains them."""
    declaration = record.declaration
    return pb.Dataset(
        id=record.dataset_id,
        full_name=declaration.full_name,
        display_name=declaration.display_name or declaration.full_name,
        readiness_score=record.evaluation.score,
        readiness_status=record.evaluation.status.name,
        dimension_scores=map(_dimension_message, record.evaluation.dimensions),
        rules_version=record.evaluation.rules_version,
        scored_at=timestamp_of(record.scored_at),
        created_at=timestamp_of(record.created_at),
        updated_at=timestamp_of(record.updated_at),
        revision=record.revision,
    )


def dataset_message(record: Dataset) -> pb.Dataset:
    """Show a dataset with all that explains its score."""
    message = summary_message(record)
    message.MergeFrom(
        pb.Dataset(
            reasons=map(_reason_message, record.evaluation.reasons),
            actions=map(_action_message, record.evaluation.actions),
            waivers=map(_waiver_message, record.waivers),
            declaration=declaration_message(record.declaration),
            observation=observation_message(record.observation),
        )
    )
    return message


def mock_message(record: Dataset) -> service.IngestMockDatasetsResponse.Summary:
    """Show a sample dataset as the document does."""
    declaration, evaluation = record.declaration, record.evaluation
    return service.IngestMockDatasetsResponse.Summary(
        id=record.dataset_id,
        full_name=declaration.full_name,
        display_name=declaration.display_name,
        readiness_score=evaluation.score,
        readiness_status=evaluation.status.name.lower(),
    )


def change_message(change: ReadinessChange) -> service.WatchReadinessResponse:
    """Show what changed."""
    return service.WatchReadinessResponse(
        datasets=map(summary_message, change.datasets), revision=change.revision
    )


def entry_message(entry: ScoreEntry) -> pb.ScoreEntry:
    """Show an entry of a history."""
    return pb.ScoreEntry(
        number=entry.number,
        scored_at=timestamp_of(entry.scored_at),
        readiness_score=entry.score,
        readiness_status=entry.status.name,
        dimension_scores=map(_dimension_message, entry.dimensions),
        rules_version=entry.rules_version,
        cause=entry.cause.name,
    )


def filter_of(request: service.ListDatasetsRequest) -> DatasetFilter:
    """Read which datasets are asked for."""
    status, order = request.readiness_status, request.order_by
    return DatasetFilter(
        status=ReadinessStatus[pb.Dataset.ReadinessStatus.Name(status)] if status else None,
        search=request.search,
        order=DatasetOrder[service.ListDatasetsRequest.Order.Name(order)]
        if order
        else DatasetOrder.NAME,
    )


def _dimension_message(score: DimensionScore) -> pb.Dataset.DimensionScore:
    return pb.Dataset.DimensionScore(
        dimension=score.dimension.name,
        score=score.score,
        max_score=score.max_score,
        not_evaluated=score.not_evaluated,
    )


def _reason_message(reason: Reason) -> pb.Dataset.Reason:
    return pb.Dataset.Reason(
        dimension=reason.dimension.name,
        rule=reason.rule,
        points=reason.points,
        message=reason.message,
        not_evaluated=reason.not_evaluated,
        declared=reason.declared,
        observed=reason.observed,
        waived_until=timestamp_of(reason.waived_until),
    )


def _action_message(action: Action) -> pb.Dataset.Action:
    return pb.Dataset.Action(
        dimension=action.dimension.name,
        rule=action.rule,
        points=action.points,
        description=action.description,
    )


def _waiver_message(waiver: Waiver) -> pb.Dataset.Waiver:
    return pb.Dataset.Waiver(
        rule=waiver.rule,
        justification=waiver.justification,
        granted_by=waiver.granted_by,
        granted_at=timestamp_of(waiver.granted_at),
        expires_at=timestamp_of(waiver.expires_at),
    )
