"""Statements on ingestions that remote jobs keep open.

A job that has not ended `holds` the ingestion that it names, if that was open when the job was
queued. Who ends a job, or the work of an ingestion itself, locks the ingestion first and looks for
holders in a statement of its own then: of two that end at once the second sees the first.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.tables import ingestions, jobs, remote_jobs
from headrace_server.model.ingestion import OPEN, Status
from headrace_server.model.job import JobStatus

_DEAD = [JobStatus.FAILED.value, JobStatus.TIMEOUT.value]


@dataclass(frozen=True, slots=True)
class OwnEnd:
    """How the work of an ingestion itself ended, which waits for its remote jobs."""

    status: Status
    #: what went wrong; None when there is nothing to say
    details: str | None


@dataclass(frozen=True, slots=True)
class DeadJob:
    """A remote job whose attempts are spent."""

    job_id: str
    content_type: str
    #: what went wrong last
    error: str | None


async def share_open(
    connection: AsyncConnection, tenant_id: str, request_ids: Collection[str]
) -> set[str]:
    """Those of the ids that name an open ingestion of the tenant; none ends before the commit."""
    statement = (
        select(ingestions.c.request_id)
        .where(*_open(tenant_id, request_ids))
        .order_by(ingestions.c.request_id)
        .with_for_update(read=True)
    )
    return set((await connection.execute(statement)).scalars())


async def lock_open(
    connection: AsyncConnection, tenant_id: str, request_ids: Collection[str]
) -> dict[str, OwnEnd | None]:
    """Lock those that name an open ingestion of the tenant; how the work of each ended, if it did.

    In the order of their ids, so that two transactions cannot wait for each other.
    """
    columns = ingestions.c
    statement = (
        select(columns.request_id, columns.own_status, columns.own_details)
        .where(*_open(tenant_id, request_ids))
        .order_by(columns.request_id)
        .with_for_update()
    )
    return {
        request_id: None if status is None else OwnEnd(Status(status), details)
        for request_id, status, details in await connection.execute(statement)
    }


async def is_held(connection: AsyncConnection, request_id: str) -> bool:
    """Whether a remote job keeps an ingestion open that is locked."""
    statement = select(remote_jobs.c.job_id).where(remote_jobs.c.holds == request_id).limit(1)
    return (await connection.execute(statement)).first() is not None


async def lock_holders(connection: AsyncConnection, request_id: str) -> list[str]:
    """Lock the remote jobs that keep an ingestion open; their ids in order."""
    statement = (
        select(jobs.c.job_id)
        .join(remote_jobs, remote_jobs.c.job_id == jobs.c.job_id)
        .where(remote_jobs.c.holds == request_id)
        .order_by(jobs.c.job_id)
        .with_for_update()
    )
    return list((await connection.execute(statement)).scalars())


async def hold_again(connection: AsyncConnection, tenant_id: str, request_id: str) -> None:
    """Have the open jobs that name an ingestion keep it open: it is about to run again."""
    running = (JobStatus.PENDING.value, JobStatus.RUNNING.value)
    statement = (
        select(jobs.c.job_id)
        .join(remote_jobs, remote_jobs.c.job_id == jobs.c.job_id)
        .where(*_naming(tenant_id, request_id), jobs.c.status.in_(running))
        .order_by(jobs.c.job_id)
        .with_for_update()
    )
    found = list((await connection.execute(statement)).scalars())
    if found:
        await connection.execute(
            remote_jobs.update().where(remote_jobs.c.job_id.in_(found)).values(holds=request_id)
        )


async def dead_jobs(
    connection: AsyncConnection, tenant_id: str, request_id: str, limit: int
) -> tuple[int, list[DeadJob]]:
    """How many jobs that name the ingestion failed for good, and the first of them."""
    conditions = (*_naming(tenant_id, request_id), jobs.c.status.in_(_DEAD))
    both = remote_jobs.join(jobs, jobs.c.job_id == remote_jobs.c.job_id)
    rows = await connection.execute(
        select(jobs.c.job_id, remote_jobs.c.content_type, jobs.c.last_error)
        .select_from(both)
        .where(*conditions)
        .order_by(jobs.c.created_at, jobs.c.job_id)
        .limit(limit)
    )
    found = [DeadJob(*row) for row in rows]
    if len(found) < limit:
        return len(found), found
    count = select(func.count()).select_from(both).where(*conditions)
    return (await connection.execute(count)).scalar_one(), found


async def attempt_that_ended(connection: AsyncConnection, request_id: str) -> int | None:
    """The attempt that ended the work of an ingestion which still waits for remote jobs.

    None where its own work is not over, or it waits for nothing.
    """
    statement = (
        select(jobs.c.attempt)
        .join(ingestions, ingestions.c.job_id == jobs.c.job_id)
        .where(ingestions.c.request_id == request_id, ingestions.c.own_status.is_not(None))
    )
    attempt: int | None = (await connection.execute(statement)).scalar()
    return attempt


async def failures(connection: AsyncConnection, request_id: str) -> str | None:
    """What was said at an ingestion's end of the remote jobs that failed it; None of none."""
    statement = select(ingestions.c.remote_failures).where(ingestions.c.request_id == request_id)
    found: str | None = (await connection.execute(statement)).scalar()
    return found


def _naming(tenant_id: str, request_id: str) -> tuple[ColumnElement[bool], ...]:
    return (
        remote_jobs.c.tenant_id == tenant_id,
        remote_jobs.c.ingestion_task_id == request_id,
        # Follows from the other; only then do both engines use the partial index.
        remote_jobs.c.ingestion_task_id != literal_column("''"),
    )


def _open(tenant_id: str, request_ids: Collection[str]) -> tuple[ColumnElement[bool], ...]:
    return (
        ingestions.c.tenant_id == tenant_id,
        ingestions.c.request_id.in_(request_ids),
        ingestions.c.status.in_([status.value for status in OPEN]),
    )
