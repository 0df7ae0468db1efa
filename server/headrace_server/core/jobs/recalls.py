"""Jobs that are run again and again: called when something happened, or at a time."""

from datetime import datetime

from headrace_server.core.jobs.queue import Jobs
from headrace_server.db import jobs as job_rows
from headrace_server.db.engine import Connection
from headrace_server.model.job import JobStatus


async def call(jobs: Jobs, connection: Connection, tenant_id: str, job_id: str) -> None:
    """Have a job look at what the caller's transaction changes; `Jobs.announce` it after.

    It waits no longer if it waits for a time, and runs once more if it has ended. One that runs
    sees the change by itself: it ends in a transaction that locks it before it looks.
    """
    stored = await job_rows.lock(connection, job_id)
    if stored is None or stored.job.status is JobStatus.RUNNING:
        return
    if stored.job.status is JobStatus.PENDING:
        now = await jobs.now(connection)
        if stored.job.available_at > now:
            await job_rows.update(connection, job_id, {"available_at": now})
        return
    await jobs.rerun(connection, tenant_id, job_id)


async def end_until(
    jobs: Jobs, connection: Connection, job_id: str, attempt: int, wake_at: datetime | None
) -> None:
    """End a job well until it is called, or until a time. Raises StaleAttemptError."""
    job = await jobs.complete(connection, job_id, attempt)
    if wake_at is not None:
        await jobs.rerun(connection, job.tenant_id, job_id)
        await job_rows.update(connection, job_id, {"available_at": wake_at})
