"""Statements on what explains the scores of datasets, and on their history."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.dataset_tables import (
    dataset_actions,
    dataset_dimensions,
    dataset_reasons,
    dataset_scores,
    datasets,
)
from headrace_server.model.dataset import (
    Action,
    Dataset,
    Dimension,
    DimensionScore,
    ReadinessStatus,
    Reason,
    ScoreCause,
    ScoreEntry,
)

_PLACES = {dimension.name: place for place, dimension in enumerate(Dimension)}

Explained = tuple[tuple[DimensionScore, ...], tuple[Reason, ...], tuple[Action, ...]]
"""What explains a score."""


async def read(
    connection: AsyncConnection, dataset_ids: Collection[str]
) -> Mapping[str, Explained]:
    """Read what explains the scores of datasets, by id."""
    scores = await dimensions(connection, dataset_ids)
    reasons = await _reasons(connection, dataset_ids)
    actions = await _actions(connection, dataset_ids)
    return {
        dataset_id: (
            tuple(scores[dataset_id]),
            tuple(reasons[dataset_id]),
            tuple(actions[dataset_id]),
        )
        for dataset_id in dataset_ids
    }


async def dimensions(
    connection: AsyncConnection, dataset_ids: Collection[str]
) -> Mapping[str, list[DimensionScore]]:
    """Read the scores of the dimensions of datasets, by id."""
    found: dict[str, list[DimensionScore]] = defaultdict(list)
    table = dataset_dimensions
    rows = (await connection.execute(_of(table, dataset_ids))).all()
    for row in sorted(rows, key=lambda row: _PLACES[row.dimension]):
        found[row.dataset_id].append(
            DimensionScore(
                Dimension[row.dimension], row.score, row.max_score, tuple(row.not_evaluated)
            )
        )
    return found


async def _reasons(
    connection: AsyncConnection, dataset_ids: Collection[str]
) -> Mapping[str, list[Reason]]:
    found: dict[str, list[Reason]] = defaultdict(list)
    rows = await connection.execute(
        _of(dataset_reasons, dataset_ids).order_by(dataset_reasons.c.position)
    )
    for row in rows:
        found[row.dataset_id].append(
            Reason(
                dimension=Dimension[row.dimension],
                rule=row.rule,
                points=row.points,
                message=row.message,
                not_evaluated=row.not_evaluated,
                declared=row.declared,
                observed=row.observed,
                waived_until=row.waived_until,
            )
        )
    return found


async def _actions(
    connection: AsyncConnection, dataset_ids: Collection[str]
) -> Mapping[str, list[Action]]:
    found: dict[str, list[Action]] = defaultdict(list)
    rows = await connection.execute(
        _of(dataset_actions, dataset_ids).order_by(dataset_actions.c.position)
    )
    for row in rows:
        action = Action(Dimension[row.dimension], row.rule, row.points, row.description)
        found[row.dataset_id].append(action)
    return found


def _of(table: Table, dataset_ids: Collection[str]) -> Any:
    return select(table).where(table.c.dataset_id.in_(dataset_ids))


async def write(connection: AsyncConnection, scored: Sequence[Dataset]) -> None:
    """Replace what explains the scores of datasets."""
    dataset_ids = [dataset.dataset_id for dataset in scored]
    rows: dict[Table, list[dict[str, Any]]] = {
        dataset_dimensions: [row for dataset in scored for row in _dimension_rows(dataset)],
        dataset_reasons: [row for dataset in scored for row in _reason_rows(dataset)],
        dataset_actions: [row for dataset in scored for row in _action_rows(dataset)],
    }
    for table, new in rows.items():
        await connection.execute(table.delete().where(table.c.dataset_id.in_(dataset_ids)))
        if new:
            await connection.execute(table.insert(), new)


def _dimension_rows(dataset: Dataset) -> list[dict[str, Any]]:
    return [
        {
            "dataset_id": dataset.dataset_id,
            "dimension": each.dimension.name,
            "score": each.score,
            "max_score": each.max_score,
            "not_evaluated": list(each.not_evaluated),
        }
        for each in dataset.evaluation.dimensions
    ]


def _reason_rows(dataset: Dataset) -> list[dict[str, Any]]:
    return [
        {
            "dataset_id": dataset.dataset_id,
            "position": position,
            "dimension": reason.dimension.name,
            "rule": reason.rule,
            "points": reason.points,
            "message": reason.message,
            "not_evaluated": reason.not_evaluated,
            "declared": reason.declared,
            "observed": reason.observed,
            "waived_until": reason.waived_until,
        }
        for position, reason in enumerate(dataset.evaluation.reasons)
    ]


def _action_rows(dataset: Dataset) -> list[dict[str, Any]]:
    return [
        {
            "dataset_id": dataset.dataset_id,
            "position": position,
            "dimension": action.dimension.name,
            "rule": action.rule,
            "points": action.points,
            "description": action.description,
        }
        for position, action in enumerate(dataset.evaluation.actions)
    ]


async def add_entries(
    connection: AsyncConnection, scored: Sequence[Dataset], cause: ScoreCause
) -> None:
    """Add the present score of datasets, whose tenant is locked, to their history."""
    if not scored:
        return
    rows = await connection.execute(
        datasets.update()
        .where(datasets.c.dataset_id.in_([dataset.dataset_id for dataset in scored]))
        .values(scorings=datasets.c.scorings + 1)
        .returning(datasets.c.dataset_id, datasets.c.scorings)
    )
    numbers = {row.dataset_id: row.scorings for row in rows}
    await connection.execute(
        dataset_scores.insert(),
        [
            _entry_row(dataset, cause) | {"number": numbers[dataset.dataset_id]}
            for dataset in scored
        ],
    )


def _entry_row(dataset: Dataset, cause: ScoreCause) -> dict[str, Any]:
    evaluation = dataset.evaluation
    return {
        "dataset_id": dataset.dataset_id,
        "scored_at": dataset.scored_at,
        "score": evaluation.score,
        "status": evaluation.status.name,
        "rules_version": evaluation.rules_version,
        "cause": cause.name,
        "dimensions": msgspec.to_builtins(evaluation.dimensions),
    }


async def history(
    connection: AsyncConnection, dataset_id: str, before: int | None, limit: int
) -> list[ScoreEntry]:
    """The entries of a dataset before a number, newest first."""
    statement = (
        select(dataset_scores)
        .where(dataset_scores.c.dataset_id == dataset_id)
        .order_by(dataset_scores.c.number.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(dataset_scores.c.number < before)
    return [
        ScoreEntry(
            number=row.number,
            scored_at=row.scored_at,
            score=row.score,
            status=ReadinessStatus[row.status],
            rules_version=row.rules_version,
            cause=ScoreCause[row.cause],
            dimensions=msgspec.convert(row.dimensions, tuple[DimensionScore, ...]),
        )
        for row in await connection.execute(statement)
    ]
