"""Statements on jobs. Workers serve all tenants: their statements name the job alone."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Text,
    and_,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.tables import jobs
from headrace_server.model.job import REMOTE, Clocks, Job, JobStatus, Priority

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Literals, not parameters: only then do both engines use the partial indexes.
_PENDING = jobs.c.status == literal_column("'PENDING'")
_RUNNING = jobs.c.status == literal_column("'RUNNING'")
#: As text, so that a payload that is no JSON spoils its own job only, not the whole answer.
COLUMNS = [
    *(column for column in jobs.c if column.name != "payload"),
    cast(jobs.c.payload, Text).label("payload"),
]


@dataclass(frozen=True, slots=True)
class StoredJob:
    """A job with what only the queue needs to know."""

    job: Job
    clocks: Clocks
    #: when the total time is over; None for no bound
    expires_at: datetime | None
    #: whether the payload is a JSON object; if not, `job.payload` is empty
    readable: bool


@dataclass(frozen=True, slots=True)
class Head:
    """The job that a tenant would be served next, of one kind."""

    tenant_id: str
    kind: str
    #: of the job: the least goes first
    rank: int
    #: when the tenant was last served; None for never
    served_at: datetime | None


def rank_of(created_at: datetime, priority: Priority) -> int:
    """Microseconds since 1970 of the creation less the head start."""
    return (created_at - priority.value - _EPOCH) // timedelta(microseconds=1)


async def insert(connection: AsyncConnection, *stored: StoredJob) -> None:
    """Put jobs into the queue."""
    await connection.execute(jobs.insert(), [_values(each) for each in stored])


def _values(stored: StoredJob) -> dict[str, Any]:
    job, clocks = stored.job, stored.clocks
    return {
        "job_id": job.job_id,
        "tenant_id": job.tenant_id,
        "kind": job.kind,
        "payload": dict(job.payload),
        "priority": job.priority.name,
        "rank": rank_of(job.created_at, job.priority),
        "status": job.status.value,
        "max_retries": job.max_retries,
        "lease_seconds": clocks.lease.total_seconds(),
        "attempt_seconds": clocks.attempt.total_seconds(),
        "total_seconds": clocks.total.total_seconds() if clocks.total else None,
        "expires_at": stored.expires_at,
        "available_at": job.available_at,
        "created_at": job.created_at,
    }


async def find(connection: AsyncConnection, job_id: str) -> Job | None:
    """Read a job, of whichever tenant."""
    row = (await connection.execute(select(*COLUMNS).where(jobs.c.job_id == job_id))).first()
    return None if row is None else stored_job(row).job


async def lock(connection: AsyncConnection, job_id: str) -> StoredJob | None:
    """Read a job, of whichever tenant, that nobody else changes before the commit."""
    statement = select(*COLUMNS).where(jobs.c.job_id == job_id).with_for_update()
    row = (await connection.execute(statement)).first()
    return None if row is None else stored_job(row)


async def update(connection: AsyncConnection, job_id: str, values: Mapping[str, Any]) -> None:
    """Change columns of a job that is locked."""
    await connection.execute(jobs.update().where(jobs.c.job_id == job_id).values(dict(values)))


async def waiting_heads(
    connection: AsyncConnection, kinds: Sequence[str], now: datetime
) -> list[Head]:
    """The next job of each tenant that waits, by kind: one index probe for each of them."""
    asked = union_all(*(select(literal(kind).label("kind")) for kind in kinds)).subquery()
    pairs = select(asked.c.kind, _least_tenant(asked.c.kind).label("tenant_id")).cte(
        "pairs", recursive=True
    )
    pairs = pairs.union_all(
        select(pairs.c.kind, _least_tenant(pairs.c.kind, after=pairs.c.tenant_id)).where(
            pairs.c.tenant_id.is_not(None)
        )
    )
    served_at = (
        select(func.max(jobs.c.started_at))
        .where(jobs.c.tenant_id == pairs.c.tenant_id)
        .scalar_subquery()
    )
    head = (
        select(jobs.c.rank)
        .where(jobs.c.kind == pairs.c.kind, jobs.c.tenant_id == pairs.c.tenant_id)
        .where(_claimable(now))
        .order_by(jobs.c.rank)
        .limit(1)
        .scalar_subquery()
    )
    rows = await connection.execute(
        select(pairs.c.tenant_id, pairs.c.kind, head, served_at).where(
            pairs.c.tenant_id.is_not(None)
        )
    )
    return [Head(*row) for row in rows if row[2] is not None]


def _least_tenant(
    kind: ColumnElement[str], after: ColumnElement[str] | None = None
) -> ScalarSelect[Any]:
    statement = select(func.min(jobs.c.tenant_id)).where(jobs.c.kind == kind, _PENDING)
    if after is not None:
        statement = statement.where(jobs.c.tenant_id > after)
    return statement.scalar_subquery()


def _claimable(now: datetime) -> ColumnElement[bool]:
    in_time = or_(jobs.c.expires_at.is_(None), jobs.c.expires_at > now)
    return and_(_PENDING, jobs.c.available_at <= now, in_time)


async def lock_waiting(
    connection: AsyncConnection, tenant_id: str, kind: str, now: datetime, limit: int
) -> list[StoredJob]:
    """The tenant's next jobs, locked; those that others have locked are passed over."""
    rows = await connection.execute(
        select(*COLUMNS)
        .where(jobs.c.tenant_id == tenant_id, jobs.c.kind == kind, _claimable(now))
        .order_by(jobs.c.rank)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [stored_job(row) for row in rows]


async def hand_out(connection: AsyncConnection, worker_id: str, claimed: Iterable[Job]) -> None:
    """Record claims of locked jobs: one statement for those with equal clocks."""
    alike: dict[tuple[object, ...], list[str]] = {}
    for job in claimed:
        claim: tuple[object, ...] = (job.started_at, job.lease_expires_at, job.attempt_expires_at)
        alike.setdefault(claim, []).append(job.job_id)
    for claim, job_ids in alike.items():
        names = ("started_at", "lease_expires_at", "attempt_expires_at")
        await connection.execute(
            jobs.update()
            .where(jobs.c.job_id.in_(job_ids))
            .values(status=JobStatus.RUNNING.value, attempt=jobs.c.attempt + 1)
            .values(worker_id=worker_id, **dict(zip(names, claim, strict=True)))
        )


async def update_all(
    connection: AsyncConnection, job_ids: Collection[str], values: Mapping[str, Any]
) -> None:
    """Change columns of jobs that are locked, all alike."""
    await connection.execute(jobs.update().where(jobs.c.job_id.in_(job_ids)).values(dict(values)))


async def running(connection: AsyncConnection) -> list[str]:
    """Ids of the jobs that a worker within a server holds a claim on."""
    ours = jobs.c.kind.not_like(f"{REMOTE}:%")
    return list((await connection.execute(select(jobs.c.job_id).where(_RUNNING, ours))).scalars())


async def overdue(connection: AsyncConnection, now: datetime, limit: int) -> list[str]:
    """Ids of jobs whose lease, attempt or total time ran out."""
    rows = await connection.execute(
        union_all(
            select(jobs.c.job_id)
            .where(_RUNNING, jobs.c.lease_expires_at <= now)
            .order_by(jobs.c.lease_expires_at)
            .limit(limit)
            .subquery()
            .select(),
            select(jobs.c.job_id)
            .where(or_(_RUNNING, _PENDING), jobs.c.expires_at <= now)
            .order_by(jobs.c.expires_at)
            .limit(limit)
            .subquery()
            .select(),
        )
    )
    return list(dict.fromkeys(rows.scalars()))


def stored_job(row: Any) -> StoredJob:
    """The record of a row that has `COLUMNS`."""
    payload = _object(row.payload)
    return StoredJob(
        job=Job(
            job_id=row.job_id,
            kind=row.kind,
            tenant_id=row.tenant_id,
            payload=payload or {},
            priority=Priority[row.priority],
            status=JobStatus(row.status),
            attempt=row.attempt,
            failures=row.failures,
            max_retries=row.max_retries,
            worker_id=row.worker_id,
            lease_expires_at=row.lease_expires_at,
            attempt_expires_at=row.attempt_expires_at,
            available_at=row.available_at,
            last_error=row.last_error,
            created_at=row.created_at,
            started_at=row.started_at,
            completed_at=row.completed_at,
        ),
        clocks=Clocks(
            lease=timedelta(seconds=row.lease_seconds),
            attempt=timedelta(seconds=row.attempt_seconds),
            total=None if row.total_seconds is None else timedelta(seconds=row.total_seconds),
        ),
        expires_at=row.expires_at,
        readable=payload is not None,
    )


def _object(payload: str) -> dict[str, Any] | None:
    try:
        value = json.loads(payload)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
