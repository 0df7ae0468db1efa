"""Ingestions: one request to take data in, and where it stands."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from headrace_server.model.job import Priority
from headrace_server.model.row_counts import all_rejected_text


class Kind(Enum):
    """What a request is made of."""

    FILES = "FILES"
    MAPPINGS = "MAPPINGS"
    IMPORT = "IMPORT"


class Status(Enum):
    """Where an ingestion, or one file of it, stands."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    COMPLETED_WITH_ERRORS = "COMPLETED_WITH_ERRORS"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def terminal(self) -> bool:
        """Whether the work has ended."""
        return self in _TERMINAL


_TERMINAL = (Status.COMPLETED, Status.COMPLETED_WITH_ERRORS, Status.FAILED, Status.CANCELLED)
_RUNNING_ENDS = frozenset({Status.IN_PROGRESS, *_TERMINAL})

#: from each status, those that may follow while work goes on by itself
TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.PENDING: _RUNNING_ENDS,
    Status.IN_PROGRESS: _RUNNING_ENDS,
    # Released or superseded parked rows, or an earlier file's, arrive after the end.
    Status.COMPLETED_WITH_ERRORS: frozenset({Status.COMPLETED, Status.COMPLETED_WITH_ERRORS}),
    Status.COMPLETED: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELLED: frozenset({Status.CANCELLED}),
}

#: statuses of work that has not ended
OPEN = frozenset({Status.PENDING, Status.IN_PROGRESS})
#: statuses from which a user may ask for the work to run again
RETRYABLE = frozenset({Status.FAILED, Status.CANCELLED})
#: statuses from which a user may replay rejects
REPLAYABLE = frozenset({Status.COMPLETED_WITH_ERRORS, Status.FAILED, Status.CANCELLED})


@dataclass(frozen=True, slots=True)
class Ingestion:
    """One request and how far it has come."""

    #: the id of the request
    request_id: str
    tenant_id: str
    kind: Kind
    status: Status
    priority: Priority
    #: files, or mappings
    total_units: int
    #: units that ended, the failed ones included
    processed_units: int
    #: units of which nothing could be loaded
    failed_units: int
    rows_loaded: int
    rows_rejected: int
    rows_parked: int
    #: bytes after decompression; the uploaded size until that is known
    bytes_total: int
    #: bytes whose rows are committed
    bytes_processed: int
    #: what went wrong or is waited for; None when there is nothing to say
    details: str | None
    #: rises by one with every change
    revision: int
    #: number of the newest replay of rejects; 0 for none
    replays: int
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None

    @classmethod
    def accepted(
        cls,
        request_id: str,
        tenant_id: str,
        kind: Kind,
        priority: Priority,
        *,
        units: int,
        bytes_total: int = 0,
        at: datetime,
    ) -> "Ingestion":
        """A request as it stands before any work is done on it."""
        return cls(
            request_id=request_id,
            tenant_id=tenant_id,
            kind=kind,
            status=Status.PENDING,
            priority=priority,
            total_units=units,
            processed_units=0,
            failed_units=0,
            rows_loaded=0,
            rows_rejected=0,
            rows_parked=0,
            bytes_total=bytes_total,
            bytes_processed=0,
            details=None,
            revision=1,
            replays=0,
            created_at=at,
            started_at=None,
            completed_at=None,
        )

    @property
    def terminal(self) -> bool:
        """Whether the work has ended."""
        return self.status.terminal

    @property
    def retryable(self) -> bool:
        """Whether a user may ask for it to run again: all of it, or a file of it, failed."""
        return self.status in RETRYABLE or (
            self.status is Status.COMPLETED_WITH_ERRORS and self.failed_units > 0
        )

    @property
    def progress(self) -> int:
        """Percent of the bytes, or mappings, that are done; 100 only where all of it ended."""
        if self.status in (Status.COMPLETED, Status.COMPLETED_WITH_ERRORS):
            return 100
        if self.kind is Kind.MAPPINGS:
            percent = self.processed_units * 100 // max(self.total_units, 1)
            return percent if self.terminal else min(99, percent)
        if self.bytes_total == 0:
            return 0
        return min(99, self.bytes_processed * 100 // self.bytes_total)


@dataclass(frozen=True, slots=True)
class IngestionFile:
    """One file of an ingestion, in the order of loading."""

    request_id: str
    #: position in the order of loading, from 0
    file_no: int
    #: name without folders
    file_name: str
    #: table that its rows are meant for
    data_type: str
    #: upload that holds the bytes; empty for a file of a mount
    upload_id: str
    status: Status
    #: size after decompression; the uploaded size until that is known
    bytes_total: int
    bytes_processed: int
    rows_loaded: int
    rows_rejected: int
    rows_parked: int
    #: what is wrong with the file itself; None where it could be read
    error: str | None

    @classmethod
    def accepted(
        cls,
        request_id: str,
        file_no: int,
        file_name: str,
        data_type: str,
        *,
        upload_id: str = "",
        bytes_total: int = 0,
    ) -> "IngestionFile":
        """A file as it stands before it is read."""
        return cls(
            request_id=request_id,
            file_no=file_no,
            file_name=file_name,
            data_type=data_type,
            upload_id=upload_id,
            status=Status.PENDING,
            bytes_total=bytes_total,
            bytes_processed=0,
            rows_loaded=0,
            rows_rejected=0,
            rows_parked=0,
            error=None,
        )

    def unbegun(self) -> "IngestionFile":
        """Return the file as it stood before it was read."""
        return replace(
            self,
            status=Status.PENDING,
            bytes_processed=0,
            rows_loaded=0,
            rows_rejected=0,
            rows_parked=0,
            error=None,
        )

    @property
    def unread(self) -> bool:
        """Whether some of a readable file was not read: its load was cancelled or given up."""
        return self.error is None and self.bytes_processed < self.bytes_total

    @property
    def failure(self) -> str | None:
        """Why nothing of the file, or not all of it, could be loaded; None otherwise."""
        if self.unread and self.status is Status.FAILED:
            return f"only {self.bytes_processed} of {self.bytes_total} bytes were read"
        if self.error is None and self.status is Status.FAILED and self.rows_rejected:
            return f"{all_rejected_text(self.rows_rejected)}; see the rejects"
        return self.error
