"""Leases: the claim of a worker on a job, and the clocks that end it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from headrace_server.db.jobs import StoredJob
from headrace_server.model.errors import StaleAttemptError
from headrace_server.model.job import JobStatus

#: why an attempt ended by itself, in words; None where it did not
Cause = Callable[[StoredJob, datetime], str | None]


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The answer to a heartbeat."""

    #: whether the job was cancelled: stop, nothing of it is wanted
    cancelled: bool
    #: until when the claim holds; None when cancelled
    lease_expires_at: datetime | None


def granted(stored: StoredJob, worker_id: str, now: datetime) -> StoredJob:
    """Return the job as a claim leaves it: the next attempt, with a lease and a deadline."""
    attempt_expires_at = now + stored.clocks.attempt
    job = replace(
        stored.job,
        status=JobStatus.RUNNING,
        attempt=stored.job.attempt + 1,
        worker_id=worker_id,
        lease_expires_at=min(now + stored.clocks.lease, attempt_expires_at),
        attempt_expires_at=attempt_expires_at,
        started_at=now,
    )
    return replace(stored, job=job)


def held_claim(stored: StoredJob | None, job_id: str, attempt: int, now: datetime) -> StoredJob:
    """Return the job whose claim this attempt holds. Raises StaleAttemptError for any other."""
    if (
        stored is None
        or stored.job.attempt != attempt
        or stored.job.status is not JobStatus.RUNNING
    ):
        raise stale_attempt(job_id, attempt)
    if stored.job.lease_expires_at is None or stored.job.lease_expires_at <= now:
        raise stale_attempt(job_id, attempt)
    return stored


def cause_of_death(stored: StoredJob, now: datetime) -> str | None:
    """Which clock of an unfinished job ran out, in words; None while none did."""
    job, clocks = stored.job, stored.clocks
    if job.status not in {JobStatus.PENDING, JobStatus.RUNNING}:
        return None
    if is_total_over(stored, now):
        return "the job did not end within its total time"
    if (
        job.status is JobStatus.PENDING
        or job.lease_expires_at is None
        or job.lease_expires_at > now
    ):
        return None
    if job.attempt_expires_at is not None and job.attempt_expires_at <= now:
        return f"the attempt took longer than {clocks.attempt.total_seconds():g} s"
    return f"the worker was not heard of for {clocks.lease.total_seconds():g} s"


def cause_of_orphanhood(stored: StoredJob, _now: datetime) -> str | None:
    """What to say of a running job when every worker is known to be dead; None of another."""
    return "its worker died" if stored.job.status is JobStatus.RUNNING else None


def is_total_over(stored: StoredJob, now: datetime) -> bool:
    """Whether the job's total time is over."""
    return stored.expires_at is not None and stored.expires_at <= now


def stale_attempt(job_id: str, attempt: int) -> StaleAttemptError:
    """The error of a fencing token that is not the newest."""
    return StaleAttemptError(f"attempt {attempt} holds job {job_id} no more")
