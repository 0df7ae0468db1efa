"""Statements on remote jobs: each is a row of `jobs` and one beside it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.jobs import COLUMNS, StoredJob, stored_job
from headrace_server.db.tables import jobs, remote_jobs, tenants
from headrace_server.model.job import Job, JobStatus
from headrace_server.model.remote_job import NewRemoteJob, RemoteJob, RemoteResult

_ELSEWHERE = {"job_id", "tenant_id", "created_at", "worker_id", "holds"}
# Megabytes of one job, perhaps: not read of many at once.
_LARGE = {"task_options", "result"}
_BRIEF = [column for column in remote_jobs.c if column.name not in _ELSEWHERE | _LARGE] + [
    remote_jobs.c.worker_id.label("last_worker_id")
]
_DETAILS = [*_BRIEF, *(remote_jobs.c[name] for name in sorted(_LARGE))]


async def insert(
    connection: AsyncConnection,
    queued: Sequence[Job],
    new: Sequence[NewRemoteJob],
    open_ingestions: Collection[str] = (),
) -> None:
    """Put what is converted beside the jobs that were queued for it.

    A job that names one of the open ingestions keeps it open.
    """
    rows = [
        {
            "job_id": job.job_id,
            "tenant_id": job.tenant_id,
            "content_type": each.content_type,
            "ingestion_task_id": each.ingestion_task_id,
            "source_file_path": each.source_file_path,
            "task_options": dict(each.task_options),
            "revision": 1,
            "created_at": job.created_at,
            "holds": each.ingestion_task_id if each.ingestion_task_id in open_ingestions else None,
        }
        for job, each in zip(queued, new, strict=True)
    ]
    await connection.execute(remote_jobs.insert(), rows)


async def find(connection: AsyncConnection, tenant_id: str, job_id: str) -> RemoteJob | None:
    """Read a tenant's remote job."""
    found = await find_stored(connection, tenant_id, job_id)
    return None if found is None else found[1]


async def find_stored(
    connection: AsyncConnection, tenant_id: str, job_id: str
) -> tuple[StoredJob, RemoteJob] | None:
    """Read a tenant's remote job with what only the queue needs to know."""
    row = (await connection.execute(_all().where(*_own(tenant_id, [job_id])))).first()
    return None if row is None else (stored_job(row), remote_job_of(row))


async def lock(
    connection: AsyncConnection, tenant_id: str, job_ids: Collection[str]
) -> dict[str, tuple[StoredJob, RemoteJob]]:
    """Read those of the jobs that are the tenant's; nobody else changes them before the commit.

    Without task options and results, which may be large.
    """
    # Both rows of each: what was waited for is read anew. In one order, that of `jobs` first: no
    # deadlocks.
    statement = _all(_BRIEF).where(*_own(tenant_id, job_ids)).order_by(jobs.c.job_id)
    rows = await connection.execute(statement.with_for_update())
    return {row.job_id: (stored_job(row), _brief(row)) for row in rows}


async def page(
    connection: AsyncConnection,
    tenant_id: str,
    *,
    status: JobStatus | None,
    content_type: str,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[RemoteJob]:
    """A tenant's remote jobs, newest first, those after a creation time and job id.

    Without task options and results, which may be large.
    """
    created_at, job_id = remote_jobs.c.created_at, remote_jobs.c.job_id
    statement = (
        _all(_BRIEF)
        .where(remote_jobs.c.tenant_id == tenant_id)
        .order_by(created_at.desc(), job_id)
        .limit(limit)
    )
    if status is not None:
        statement = statement.where(jobs.c.status == status.value)
    if content_type:
        statement = statement.where(remote_jobs.c.content_type == content_type)
    if after is not None:
        last, last_id = after
        # The first condition lets the index begin at the right place.
        statement = statement.where(created_at <= last, or_(created_at < last, job_id > last_id))
    return [_brief(row) for row in await connection.execute(statement)]


async def change(
    connection: AsyncConnection, job_ids: Collection[str], values: Mapping[str, Any] | None = None
) -> None:
    """Raise the revision of jobs that are locked, and set columns, all alike."""
    await connection.execute(
        remote_jobs.update()
        .where(remote_jobs.c.job_id.in_(job_ids))
        .values(revision=remote_jobs.c.revision + 1, **(values or {}))
    )


async def end(connection: AsyncConnection, job_ids: Collection[str]) -> set[str]:
    """Raise the revision of locked jobs that ended without a result; return what they name.

    Those are ingestions, or labels; none holds one any more.
    """
    statement = (
        remote_jobs.update()
        .where(remote_jobs.c.job_id.in_(job_ids))
        .values(revision=remote_jobs.c.revision + 1, holds=None)
        .returning(remote_jobs.c.ingestion_task_id)
    )
    return set((await connection.execute(statement)).scalars()) - {""}


async def complete(
    connection: AsyncConnection, results: Mapping[str, tuple[RemoteResult, bool]]
) -> None:
    """Store the results of locked jobs, and whether each moved an ingestion on; none holds one."""
    parameters = [
        {"id": job_id, "result": plain(result), "ingestion_continued": continued}
        for job_id, (result, continued) in results.items()
    ]
    await connection.execute(
        remote_jobs.update()
        .where(remote_jobs.c.job_id == bindparam("id"))
        .values(
            result=bindparam("result"),
            ingestion_continued=bindparam("ingestion_continued"),
            revision=remote_jobs.c.revision + 1,
            holds=None,
        ),
        parameters,
    )


async def durations(
    connection: AsyncConnection, tenant_id: str, kind: str, limit: int
) -> list[timedelta]:
    """How long the attempts took that completed the tenant's newest jobs of a kind."""
    rows = await connection.execute(
        select(jobs.c.started_at, jobs.c.completed_at)
        .where(
            jobs.c.kind == kind,
            jobs.c.tenant_id == tenant_id,
            # A literal: only then do both engines use the partial index.
            jobs.c.status == literal_column("'COMPLETED'"),
        )
        .order_by(jobs.c.completed_at.desc())
        .limit(limit)
    )
    return [row.completed_at - row.started_at for row in rows]


async def delete(connection: AsyncConnection, job_ids: Collection[str]) -> None:
    """Delete jobs that are locked."""
    # What is beside them goes with them.
    await connection.execute(jobs.delete().where(jobs.c.job_id.in_(job_ids)))


async def ended_before(
    connection: AsyncConnection, before: datetime, limit: int
) -> list[tuple[str, str]]:
    """Tenant and id of remote jobs that ended before an instant, those passed over that are locked.

    In a transaction they are locked themselves: none is armed again before the commit.
    """
    found: list[tuple[str, str]] = []
    for tenant_id in list((await connection.execute(select(tenants.c.tenant_id))).scalars()):
        rows = await connection.execute(
            select(jobs.c.tenant_id, jobs.c.job_id)
            .join(remote_jobs, remote_jobs.c.job_id == jobs.c.job_id)
            .where(
                # Follows from the other; it lets the index leave out what is newer.
                remote_jobs.c.tenant_id == tenant_id,
                remote_jobs.c.created_at < before,
                jobs.c.completed_at < before,
            )
            .limit(limit - len(found))
            .with_for_update(of=jobs, skip_locked=True)
        )
        found += [(row.tenant_id, row.job_id) for row in rows]
        if len(found) >= limit:
            break
    return found


def _all(details: Sequence[ColumnElement[Any]] = tuple(_DETAILS)) -> Select[Any]:
    return select(*COLUMNS, *details).join_from(
        jobs, remote_jobs, remote_jobs.c.job_id == jobs.c.job_id
    )


def _own(tenant_id: str, job_ids: Collection[str]) -> tuple[Any, ...]:
    return remote_jobs.c.tenant_id == tenant_id, remote_jobs.c.job_id.in_(job_ids)


def remote_job_of(row: Any) -> RemoteJob:
    """The record of a row that has the columns of both tables, as statements here select them."""
    result = None if row.result is None else RemoteResult(**row.result)
    return replace(_brief(row), task_options=row.task_options, result=result)


def _brief(row: Any) -> RemoteJob:
    return RemoteJob(
        job=stored_job(row).job,
        content_type=row.content_type,
        ingestion_task_id=row.ingestion_task_id,
        source_file_path=row.source_file_path,
        task_options={},
        checkpoint=row.checkpoint,
        worker_id=row.last_worker_id,
        result=None,
        ingestion_continued=row.ingestion_continued,
        revision=row.revision,
    )


def plain(result: RemoteResult) -> dict[str, Any]:
    """A result as it is stored."""
    return {**asdict(result), "metadata": dict(result.metadata)}
