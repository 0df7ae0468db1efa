"""What becomes of a job: its values after each change of its status."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from headrace_server.core.jobs.leases import is_total_over
from headrace_server.db.jobs import StoredJob
from headrace_server.model.job import Job, JobStatus, NewJob, retry_delay

_NOBODY: dict[str, Any] = {"worker_id": None, "lease_expires_at": None, "attempt_expires_at": None}


def queued(new: NewJob, now: datetime) -> StoredJob:
    """Return a new job as it waits."""
    job = Job(
        job_id=new.job_id or str(uuid.uuid4()),
        kind=new.kind,
        tenant_id=new.tenant_id,
        payload=new.payload,
        priority=new.priority,
        status=JobStatus.PENDING,
        attempt=0,
        failures=0,
        max_retries=new.max_retries,
        worker_id=None,
        lease_expires_at=None,
        attempt_expires_at=None,
        available_at=now,
        last_error=None,
        created_at=now,
        started_at=None,
        completed_at=None,
    )
    expires_at = now + new.clocks.total if new.clocks.total else None
    return StoredJob(job, new.clocks, expires_at, readable=True)


def ended(status: JobStatus, now: datetime) -> Mapping[str, Any]:
    """Return the values of a job that has ended."""
    return {"status": status, "completed_at": now, **_NOBODY}


def given_back() -> Mapping[str, Any]:
    """Return the values of a job that waits again as if it had not been claimed."""
    return {"status": JobStatus.PENDING, **_NOBODY}


def failed(
    stored: StoredJob, now: datetime, error: str, final: JobStatus, jitter: float
) -> Mapping[str, Any]:
    """Return the values after a failed attempt: `final` after the last one allowed, else PENDING.

    `jitter`, within [0, 1), spreads the back-off.
    """
    failures = stored.job.failures + 1
    counted = {"failures": failures, "last_error": error}
    if failures >= stored.job.max_retries or is_total_over(stored, now):
        return {**ended(final, now), **counted}
    # Between three and five quarters, so that what failed together does not meet again.
    delay = retry_delay(failures) * (0.75 + jitter / 2)
    return {**given_back(), **counted, "available_at": now + delay}


def armed(now: datetime) -> Mapping[str, Any]:
    """Return the values of an ended job that waits again, with all its retries."""
    return {
        "status": JobStatus.PENDING,
        "failures": 0,
        "available_at": now,
        "completed_at": None,
    }
