"""Datasets scored and written down, in the caller's transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias
from uuid import uuid4

from headrace_server.core.readiness.facts import Facts
from headrace_server.core.readiness.scoring import evaluate
from headrace_server.db import dataset_scores
from headrace_server.db import datasets as dataset_rows
from headrace_server.db.engine import Connection
from headrace_server.model.dataset import Dataset, Declaration, ScoreCause, Waiver
from headrace_server.model.observation import Observation

Change: TypeAlias = tuple[Dataset | None, Dataset]
"""A dataset as it was, None for a new one, and as it is."""


def scored(
    before: Dataset | None,
    tenant_id: str,
    declaration: Declaration,
    observation: Observation | None,
    waivers: Iterable[Waiver],
    now: datetime,
) -> Dataset:
    """Return a dataset as it stands now, at the revision of before; 0 for a new one.

    Waivers that have expired are left out.
    """
    waivers = tuple(waiver for waiver in waivers if waiver.expires_at > now)
    new = Dataset(
        dataset_id=before.dataset_id if before else str(uuid4()),
        tenant_id=tenant_id,
        declaration=declaration,
        observation=observation,
        evaluation=evaluate(Facts(declaration, observation, now), waivers),
        waivers=waivers,
        revision=before.revision if before else 0,
        scored_at=now,
        created_at=before.created_at if before else now,
        updated_at=now,
    )
    if before and (declaration, observation) == (before.declaration, before.observation):
        return replace(new, updated_at=before.updated_at)
    return new


def rescored(before: Dataset, now: datetime) -> Dataset:
    """Return a dataset scored by the time and the rules of now."""
    waivers, tenant_id = before.waivers, before.tenant_id
    return scored(before, tenant_id, before.declaration, before.observation, waivers, now)


async def store(
    connection: Connection,
    tenant_id: str,
    revision: int,
    changes: Sequence[Change],
    cause: ScoreCause,
    *,
    recorded: bool = False,
) -> list[Dataset]:
    """Write datasets of a tenant that is locked at a revision; returns them as written.

    Those that callers see changed get the next revision. History gets the scores that changed, and
    all of them where they shall be `recorded`.
    """
    results = [
        after if _looks_the_same(before, after) else replace(after, revision=revision + 1)
        for before, after in changes
    ]
    changed = [dataset for dataset in results if dataset.revision > revision]
    if changed:
        await dataset_rows.set_revision(connection, tenant_id, revision + 1)
        await dataset_rows.write(connection, changed)
    await dataset_rows.touch(connection, [d for d in results if d.revision <= revision])
    expired = [after for before, after in changes if before and _lost_a_waiver(before, after)]
    await dataset_rows.delete_expired_waivers(connection, expired)
    entries = [
        after
        for before, after in changes
        if recorded or before is None or _scores(before) != _scores(after)
    ]
    await dataset_scores.add_entries(connection, entries, cause)
    return results


def _lost_a_waiver(before: Dataset, after: Dataset) -> bool:
    return len(before.waivers) > len(after.waivers)


def _looks_the_same(before: Dataset | None, after: Dataset) -> bool:
    """Whether those who watch a dataset need not hear of a change."""
    return before is not None and _shown(before) == _shown(after)


def _shown(dataset: Dataset) -> object:
    evaluation = replace(dataset.evaluation, valid_until=None)
    return dataset.declaration, evaluation, dataset.waivers


def _scores(dataset: Dataset) -> object:
    return dataset.evaluation.dimensions, dataset.evaluation.rules_version
