"""Statements on what steps of runs start elsewhere, of all tenants."""

from collections.abc import Collection, Mapping

from sqlalchemy import Boolean, ColumnElement, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.ingestions import INGESTION_FIELDS, ingestion_of
from headrace_server.db.pipeline_tables import run_steps, runs
from headrace_server.db.tables import ingestions, jobs
from headrace_server.model.ingestion import Ingestion
from headrace_server.model.job import JobStatus
from headrace_server.model.pipeline import StepKind
from headrace_server.model.run import OpenChild, StepStatus

# Written as the partial index has it: only then do both engines use that.
_OPEN: ColumnElement[bool] = literal_column("run_steps.child_open", Boolean)


async def open_children(connection: AsyncConnection) -> list[OpenChild]:
    """What steps started that may be under way still."""
    statement = (
        select(run_steps, runs.c.tenant_id)
        .join(runs, runs.c.run_id == run_steps.c.run_id)
        .where(_OPEN, run_steps.c.child_id.is_not(None))
    )
    return [
        OpenChild(
            run_id=row.run_id,
            tenant_id=row.tenant_id,
            kind=StepKind(row.kind),
            child_id=row.child_id,
            awaited=row.status == StepStatus.RUNNING.value,
            progress=row.progress,
            rows=row.rows,
        )
        for row in await connection.execute(statement)
    ]


async def ingestions_of(
    connection: AsyncConnection, request_ids: Collection[str]
) -> list[Ingestion]:
    """The ingestions of these ids that there are."""
    columns = [ingestions.c[name] for name in INGESTION_FIELDS]
    statement = select(*columns).where(ingestions.c.request_id.in_(request_ids))
    return [ingestion_of(row) for row in await connection.execute(statement)]


async def jobs_of(
    connection: AsyncConnection, job_ids: Collection[str]
) -> Mapping[str, tuple[JobStatus, str | None]]:
    """Status and last error of the jobs of these ids that there are."""
    statement = select(jobs.c.job_id, jobs.c.status, jobs.c.last_error).where(
        jobs.c.job_id.in_(job_ids)
    )
    return {
        row.job_id: (JobStatus(row.status), row.last_error)
        for row in await connection.execute(statement)
    }


async def noted(
    connection: AsyncConnection, child_ids: Collection[str]
) -> Mapping[str, tuple[int, str | None]]:
    """Rows and error of steps as a job of theirs noted them, by its id."""
    statement = select(run_steps.c.child_id, run_steps.c.rows, run_steps.c.error).where(
        _OPEN, run_steps.c.child_id.in_(child_ids)
    )
    return {row.child_id: (row.rows, row.error) for row in await connection.execute(statement)}


async def run_of(connection: AsyncConnection, child_id: str) -> str | None:
    """The run of which a step started a child that may be under way still."""
    statement = select(run_steps.c.run_id).where(_OPEN, run_steps.c.child_id == child_id)
    found: str | None = (await connection.execute(statement)).scalar()
    return found
