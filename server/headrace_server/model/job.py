"""Jobs: everything long, in one leased queue."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

#: family of the kinds "remote:<content type>", which workers elsewhere claim over the network
REMOTE = "remote"


class Priority(Enum):
    """How urgently work is taken; the value is the head start over MEDIUM.

    Work is taken in the order of creation time less head start, so that all of it ages alike and
    a stream of HIGH cannot starve LOW.
    """

    HIGH = timedelta(minutes=10)
    MEDIUM = timedelta(0)
    LOW = timedelta(minutes=-10)


class JobStatus(Enum):
    """Where a job stands."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    TIMEOUT = "TIMEOUT"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class Clocks:
    """The separate clocks of a job; waiting in the queue burns none but `total`."""

    #: how long a claim lasts without a heartbeat
    lease: timedelta = timedelta(seconds=30)
    #: the most one attempt may take; heartbeats do not extend it
    attempt: timedelta = timedelta(hours=6)
    #: the most that passes from creation to the end; None for no bound
    total: timedelta | None = None


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to be put into the queue."""

    #: "load_files" and so on: names the function that runs it; may be "family:rest"
    kind: str
    tenant_id: str
    #: what the function needs; JSON
    payload: Mapping[str, Any]
    priority: Priority = Priority.MEDIUM
    #: failed attempts that end the job
    max_retries: int = 3
    clocks: Clocks = Clocks()
    #: None to have one made up
    job_id: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the queue holds it. `(job_id, attempt)` is the fencing token of a claim."""

    job_id: str
    kind: str
    tenant_id: str
    payload: Mapping[str, Any]
    priority: Priority
    status: JobStatus
    #: rises with every claim; 0 before the first
    attempt: int
    #: attempts that failed or timed out; a clean give-back is none
    failures: int
    max_retries: int
    #: who holds it; None while nobody does
    worker_id: str | None
    lease_expires_at: datetime | None
    #: when the present attempt must have ended
    attempt_expires_at: datetime | None
    #: not claimed before this instant
    available_at: datetime
    last_error: str | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None

    @property
    def failure(self) -> str:
        """What to tell of the attempt that failed last, and of what comes of it."""
        if self.status is JobStatus.PENDING:
            return f"attempt {self.attempt} failed and is made again: {self.last_error}"
        return f"given up after {self.failures} failed attempts: {self.last_error}"


def retry_delay(failures: int) -> timedelta:
    """Back-off after the nth failure, before jitter: 1 s doubling up to 5 min."""
    return min(timedelta(seconds=2 ** min(failures - 1, 9)), timedelta(minutes=5))
