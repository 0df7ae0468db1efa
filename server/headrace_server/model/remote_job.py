"""Remote jobs: conversions that workers elsewhere carry out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from headrace_server.model.job import REMOTE, Clocks, Job, JobStatus, Priority

#: bytes of a checkpoint at most, as JSON
MAX_CHECKPOINT_BYTES = 64 << 10

#: bytes of task options at most, as a message: a worker is given those of many jobs in one
MAX_OPTIONS_BYTES = 64 << 10

#: how long a silent worker keeps a job, unless a setting says otherwise
LEASE = timedelta(seconds=60)

_ATTEMPTS = {
    "audio": timedelta(minutes=30),
    "video": timedelta(minutes=60),
    "document": timedelta(minutes=15),
}
_OTHER_ATTEMPT = timedelta(minutes=60)
_DURATIONS = {"audio": timedelta(minutes=5), "video": timedelta(minutes=15)}
_OTHER_DURATION = timedelta(minutes=10)

_ENDS = frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.TIMEOUT, JobStatus.CANCELLED})


@dataclass(frozen=True, slots=True)
class NewRemoteJob:
    """A conversion to be queued."""

    #: where the source lies; the token of a complete upload can be downloaded
    source_file_path: str
    #: "audio", "video", "document" or any other
    content_type: str
    #: what the worker is asked for; JSON
    task_options: Mapping[str, Any] = field(default_factory=dict)
    #: an ingestion of the tenant, or a label; empty for none
    ingestion_task_id: str = ""
    priority: Priority = Priority.MEDIUM
    #: failed attempts that end the job
    max_retries: int = 3


@dataclass(frozen=True, slots=True)
class RemoteResult:
    """What a worker made of a job."""

    #: None where it was uploaded, or there is none
    content: str | None = None
    #: what the worker says about the content; JSON
    metadata: Mapping[str, Any] = field(default_factory=dict)
    #: seconds, as the worker measured them
    processing_time: float | None = None
    #: the complete upload that holds the content
    upload_token: str | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """How a worker says that an attempt ended."""

    job_id: str
    #: the fencing token
    attempt: int
    success: bool
    #: empty after a failure
    result: RemoteResult = field(default_factory=RemoteResult)
    #: why it failed; None after a success
    error_message: str | None = None


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What became of a submission."""

    #: PENDING after a failed attempt that will be made again
    status: JobStatus
    #: whether the result moved an ingestion on, in the transaction that took it
    ingestion_continued: bool


@dataclass(frozen=True, slots=True)
class RemoteJob:
    """A conversion: its place in the queue, and what is converted."""

    job: Job
    content_type: str
    ingestion_task_id: str
    source_file_path: str
    task_options: Mapping[str, Any]
    #: the last that a worker stored; None where there is none
    checkpoint: Mapping[str, Any] | None
    #: who holds it, or held it last; None before the first
    worker_id: str | None
    #: None until the job has completed
    result: RemoteResult | None
    ingestion_continued: bool
    #: rises by one with every change
    revision: int

    @property
    def terminal(self) -> bool:
        """Whether the job has ended."""
        return self.job.status in _ENDS


def kind_of(content_type: str) -> str:
    """Return the queue's name for jobs of a content type."""
    return f"{REMOTE}:{content_type}"


def clocks_of(content_type: str, lease: timedelta) -> Clocks:
    """Return how long a silent worker keeps a job, and how long one attempt may take."""
    return Clocks(lease=lease, attempt=_ATTEMPTS.get(content_type, _OTHER_ATTEMPT))


def usual_duration(content_type: str) -> timedelta:
    """Return how long an attempt is thought to take before any was measured."""
    return _DURATIONS.get(content_type, _OTHER_DURATION)


def estimated_completion(record: RemoteJob, duration: timedelta) -> datetime | None:
    """Return when the present attempt is likely to end; None while there is none."""
    job = record.job
    if job.status is not JobStatus.RUNNING or job.started_at is None:
        return None
    return job.started_at + duration
