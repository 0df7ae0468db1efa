"""Statements on datasets; what explains their scores is in `dataset_scores`."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, Select, and_, bindparam, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db import dataset_scores
from headrace_server.db.dataset_tables import dataset_waivers, datasets, readiness_revisions
from headrace_server.db.dialects import upsert
from headrace_server.model.dataset import (
    Action,
    Dataset,
    DatasetFilter,
    DatasetOrder,
    Declaration,
    DimensionScore,
    Evaluation,
    ReadinessStatus,
    Reason,
    Waiver,
)
from headrace_server.model.observation import Observation


async def lock(connection: AsyncConnection, tenant_id: str) -> int:
    """Keep others from changing the tenant's datasets until the commit; return the revision."""
    new = upsert(connection, readiness_revisions).values(tenant_id=tenant_id)
    await connection.execute(new.on_conflict_do_nothing())
    statement = (
        select(readiness_revisions.c.revision)
        .where(readiness_revisions.c.tenant_id == tenant_id)
        .with_for_update()
    )
    revision: int = (await connection.execute(statement)).scalar_one()
    return revision


async def set_revision(connection: AsyncConnection, tenant_id: str, revision: int) -> None:
    """Record the newest revision of a tenant that is locked."""
    await connection.execute(
        readiness_revisions.update()
        .where(readiness_revisions.c.tenant_id == tenant_id)
        .values(revision=revision)
    )


async def find_id(connection: AsyncConnection, tenant_id: str, name: str) -> str | None:
    """The id of the dataset of that id or full name."""
    statement = select(datasets.c.dataset_id).where(
        datasets.c.tenant_id == tenant_id,
        or_(datasets.c.dataset_id == name, datasets.c.full_name == name),
    )
    found: str | None = (await connection.execute(statement)).scalar_one_or_none()
    return found


async def ids_of(
    connection: AsyncConnection, tenant_id: str, full_names: Iterable[str]
) -> dict[str, str]:
    """The ids of those full names that are datasets, by full name."""
    rows = await connection.execute(
        select(datasets.c.full_name, datasets.c.dataset_id).where(
            datasets.c.tenant_id == tenant_id, datasets.c.full_name.in_(list(full_names))
        )
    )
    return {row.full_name: row.dataset_id for row in rows}


async def read(connection: AsyncConnection, dataset_ids: Collection[str]) -> list[Dataset]:
    """Read datasets with all that explains their scores, by id; unknown ids are left out."""
    statement = select(datasets).where(datasets.c.dataset_id.in_(dataset_ids))
    rows = (await connection.execute(statement)).all()
    explained = await dataset_scores.read(connection, [row.dataset_id for row in rows])
    waivers = await _waivers(connection, [row.dataset_id for row in rows])
    return [
        _dataset(
            row,
            msgspec.convert(row.declaration, Declaration),
            msgspec.convert(row.observation, Observation | None),
            *explained[row.dataset_id],
            waivers=waivers.get(row.dataset_id, ()),
        )
        for row in rows
    ]


async def page(
    connection: AsyncConnection,
    tenant_id: str,
    wanted: DatasetFilter,
    after: tuple[int, str] | None,
    limit: int,
) -> list[Dataset]:
    """A tenant's datasets in order, those after a score and full name.

    Of what is declared they have the names only, and no reasons.
    """
    conditions = [datasets.c.tenant_id == tenant_id]
    if wanted.status is not None:
        conditions.append(datasets.c.status == wanted.status.name)
    if wanted.search:
        conditions.append(
            func.lower(datasets.c.full_name).contains(wanted.search.lower(), autoescape=True)
        )
    if after is not None:
        conditions.append(_behind(wanted.order, *after))
    statement = _names().where(*conditions).order_by(*_order(wanted.order)).limit(limit)
    return await _summaries(connection, statement)


def _order(order: DatasetOrder) -> list[Any]:
    score = {
        DatasetOrder.NAME: [],
        DatasetOrder.BEST_FIRST: [datasets.c.score.desc()],
        DatasetOrder.WORST_FIRST: [datasets.c.score.asc()],
    }
    return [*score[order], datasets.c.full_name]


def _behind(order: DatasetOrder, score: int, full_name: str) -> Any:
    behind = datasets.c.full_name > full_name
    if order is DatasetOrder.NAME:
        return behind
    best = order is DatasetOrder.BEST_FIRST
    further = datasets.c.score < score if best else datasets.c.score > score
    return or_(further, and_(datasets.c.score == score, behind))


async def changed_after(
    connection: AsyncConnection, tenant_id: str, revision: int
) -> tuple[int, list[Dataset]]:
    """The newest revision, and the datasets that changed after another, likewise."""
    newest = (
        await connection.execute(
            select(readiness_revisions.c.revision).where(
                readiness_revisions.c.tenant_id == tenant_id
            )
        )
    ).scalar_one_or_none()
    if newest is None or newest == revision:
        return revision, []
    statement = _names().where(
        datasets.c.tenant_id == tenant_id,
        datasets.c.revision > revision,
        # What commits between the two statements is the next read's.
        datasets.c.revision <= newest,
    )
    return newest, await _summaries(connection, statement)


async def _summaries(connection: AsyncConnection, statement: Select[Any]) -> list[Dataset]:
    rows = (await connection.execute(statement)).all()
    scores = await dataset_scores.dimensions(connection, [row.dataset_id for row in rows])
    return [
        _dataset(
            row, Declaration(row.full_name, row.display_name), None, tuple(scores[row.dataset_id])
        )
        for row in rows
    ]


async def write(connection: AsyncConnection, new: Sequence[Dataset]) -> None:
    """Insert or replace datasets of a tenant that is locked, and what explains their scores."""
    statement = upsert(connection, datasets)
    changing = set(_row(new[0])) - {"dataset_id", "tenant_id", "full_name", "created_at"}
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[datasets.c.dataset_id],
            set_={name: statement.excluded[name] for name in changing},
        ),
        [_row(dataset) for dataset in new],
    )
    await dataset_scores.write(connection, new)


async def touch(connection: AsyncConnection, scored: Sequence[Dataset]) -> None:
    """Note that datasets were scored and nothing changed that callers see."""
    if scored:
        await connection.execute(
            datasets.update()
            .where(datasets.c.dataset_id == bindparam("id"))
            .values(
                scored_at=bindparam("at"),
                valid_until=bindparam("until"),
                observation=bindparam("seen"),
                updated_at=bindparam("changed"),
            ),
            [
                {
                    "id": dataset.dataset_id,
                    "at": dataset.scored_at,
                    "until": dataset.evaluation.valid_until,
                    "seen": _plain(dataset.observation),
                    "changed": dataset.updated_at,
                }
                for dataset in scored
            ],
        )


async def due(
    connection: AsyncConnection, now: datetime, rules_version: str, limit: int
) -> list[tuple[str, str]]:
    """Tenant and id of datasets whose score time has outrun, or other rules judged."""
    rows = await connection.execute(
        select(datasets.c.tenant_id, datasets.c.dataset_id)
        .where(or_(datasets.c.valid_until <= now, datasets.c.rules_version != rules_version))
        .order_by(datasets.c.tenant_id)
        .limit(limit)
    )
    return [(row.tenant_id, row.dataset_id) for row in rows]


async def put_waiver(connection: AsyncConnection, dataset_id: str, waiver: Waiver) -> None:
    """Store a waiver in place of an earlier one of the same rule."""
    values = {name: getattr(waiver, name) for name in Waiver.__slots__}
    statement = upsert(connection, dataset_waivers).values(dataset_id=dataset_id, **values)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[dataset_waivers.c.dataset_id, dataset_waivers.c.rule],
            set_={name: statement.excluded[name] for name in values.keys() - {"rule"}},
        )
    )


async def delete_waiver(connection: AsyncConnection, dataset_id: str, rule: str) -> bool:
    """Delete a waiver; whether there was one."""
    statement = dataset_waivers.delete().where(
        dataset_waivers.c.dataset_id == dataset_id, dataset_waivers.c.rule == rule
    )
    return (await connection.execute(statement)).rowcount > 0


async def delete_expired_waivers(connection: AsyncConnection, scored: Sequence[Dataset]) -> None:
    """Delete what excused nothing any more when the datasets were scored."""
    if scored:
        await connection.execute(
            dataset_waivers.delete().where(
                dataset_waivers.c.dataset_id == bindparam("id"),
                dataset_waivers.c.expires_at <= bindparam("now"),
            ),
            [{"id": dataset.dataset_id, "now": dataset.scored_at} for dataset in scored],
        )


async def _waivers(
    connection: AsyncConnection, dataset_ids: Collection[str]
) -> Mapping[str, tuple[Waiver, ...]]:
    found: dict[str, tuple[Waiver, ...]] = {}
    rows = await connection.execute(
        select(dataset_waivers)
        .where(dataset_waivers.c.dataset_id.in_(dataset_ids))
        .order_by(dataset_waivers.c.rule)
    )
    for row in rows:
        waiver = Waiver(row.rule, row.justification, row.granted_by, row.granted_at, row.expires_at)
        found[row.dataset_id] = (*found.get(row.dataset_id, ()), waiver)
    return found


def _names() -> Select[Any]:
    """Of declarations, which may be large, the names only."""
    large = {"declaration", "observation"}
    columns = [column for column in datasets.c if column.name not in large]
    return select(
        *columns, datasets.c.declaration["display_name"].as_string().label("display_name")
    )


def _row(dataset: Dataset) -> dict[str, Any]:
    return {
        "dataset_id": dataset.dataset_id,
        "tenant_id": dataset.tenant_id,
        "full_name": dataset.declaration.full_name,
        "declaration": _plain(dataset.declaration),
        "observation": _plain(dataset.observation),
        "score": dataset.evaluation.score,
        "status": dataset.evaluation.status.name,
        "rules_version": dataset.evaluation.rules_version,
        "valid_until": dataset.evaluation.valid_until,
        "revision": dataset.revision,
        "scored_at": dataset.scored_at,
        "created_at": dataset.created_at,
        "updated_at": dataset.updated_at,
    }


def _plain(record: Declaration | Observation | None) -> Any:
    return msgspec.to_builtins(record)


def _dataset(
    row: Row[Any],
    declaration: Declaration,
    observation: Observation | None,
    dimensions: tuple[DimensionScore, ...],
    reasons: tuple[Reason, ...] = (),
    actions: tuple[Action, ...] = (),
    waivers: tuple[Waiver, ...] = (),
) -> Dataset:
    return Dataset(
        dataset_id=row.dataset_id,
        tenant_id=row.tenant_id,
        declaration=declaration,
        observation=observation,
        evaluation=Evaluation(
            score=row.score,
            status=ReadinessStatus[row.status],
            dimensions=dimensions,
            reasons=reasons,
            actions=actions,
            rules_version=row.rules_version,
            valid_until=row.valid_until,
        ),
        waivers=waivers,
        revision=row.revision,
        scored_at=row.scored_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
