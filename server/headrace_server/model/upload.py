"""Uploads: the bytes of one file on their way in."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from headrace_server.model.job import Priority


class UploadStatus(Enum):
    """Where an upload stands."""

    OPEN = "OPEN"
    FAILED = "FAILED"
    COMPLETED = "COMPLETED"


@dataclass(frozen=True, slots=True)
class Upload:
    """One resumable upload.

    Each writer appends to a segment of its own, so that a writer that was taken over can never
    touch the bytes of the next one; the upload is the segments' acknowledged bytes in order.
    """

    #: names the session; unguessable
    upload_id: str
    tenant_id: str
    file_name: str
    #: the table that it holds; empty where the bytes are only kept
    data_type: str
    priority: Priority
    status: UploadStatus
    #: declared size; None when it was not declared
    total_bytes: int | None
    #: declared SHA-256 in lower-case hexadecimal; None when it was not declared
    sha256: str | None
    #: number of the newest writer; an older one is refused
    writer: int
    #: bytes acknowledged, the sum over the segments
    offset: int
    expires_at: datetime
    #: ingestion that the completed upload started
    request_id: str | None
    created_at: datetime
    #: the remote job of which it is the result; None where it is none
    job_id: str | None = None
    #: the attempt at that job which uploads it
    job_attempt: int | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """The acknowledged bytes of one writer."""

    writer: int
    #: where in the upload they begin
    start: int
    length: int
