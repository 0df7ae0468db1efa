"""The Headrace client library and command."""

from headrace_client.client import Client
from headrace_client.errors import (
    AccessDeniedError,
    FileChangedError,
    HeadraceError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
    WrongStateError,
)
from headrace_client.held_job import BlockingJob, Job, JobStoppedError, Result
from headrace_client.uploading import Upload
from headrace_client.worker import Worker

__all__ = [
    "AccessDeniedError",
    "BlockingJob",
    "Client",
    "FileChangedError",
    "HeadraceError",
    "InvalidRequestError",
    "Job",
    "JobStoppedError",
    "NotFoundError",
    "Result",
    "UnavailableError",
    "Upload",
    "Worker",
    "WrongStateError",
]
