"""How files and ingestions end, by what became of their rows."""

from collections.abc import Iterable
from dataclasses import replace

from headrace_server.model.ingestion import IngestionFile, Status
from headrace_server.model.row_counts import left_out_texts
from headrace_server.model.warehouse import FileTally


def with_tally(file: IngestionFile, tally: FileTally | None) -> IngestionFile:
    """Return the file with the warehouse's counts; None means no chunk of it was merged."""
    if tally is None:
        return file
    return replace(
        file,
        rows_loaded=tally.rows_loaded,
        rows_rejected=tally.rows_rejected,
        rows_parked=tally.rows_parked,
        bytes_processed=tally.bytes_processed,
    )


def ended(file: IngestionFile) -> IngestionFile:
    """Return a counted file with the status it ends in.

    A file that could not be read, or of which every row was rejected, FAILED; it may have rows
    kept aside and still be worth a replay. One that was not read to its end never completes.
    """
    if file.unread:
        return replace(file, status=Status.FAILED)
    faulty = file.error is not None or file.rows_rejected > 0
    if faulty and not file.rows_loaded and not file.rows_parked:
        return replace(file, status=Status.FAILED)
    if faulty or file.rows_parked:
        return replace(file, status=Status.COMPLETED_WITH_ERRORS)
    return replace(file, status=Status.COMPLETED)


def outcome(files: Iterable[IngestionFile]) -> Status:
    """Return the status that an ingestion of ended files ends in."""
    statuses = {file.status for file in files}
    if statuses == {Status.FAILED}:
        return Status.FAILED
    if statuses <= {Status.COMPLETED}:
        return Status.COMPLETED
    return Status.COMPLETED_WITH_ERRORS


def details(files: Iterable[IngestionFile]) -> str | None:
    """Say in words what a caller should know of an end; None for a clean one."""
    files = list(files)
    said = [f"{file.file_name}: {file.failure}" for file in files if file.failure]
    rejected = sum(file.rows_rejected for file in files)
    parked = sum(file.rows_parked for file in files)
    said += left_out_texts(rejected, parked)
    said += [
        f"{file.file_name} holds no row"
        for file in files
        if file.status is Status.COMPLETED and not file.rows_loaded
    ]
    return joined(*said)


def with_failures(
    status: Status, details: str | None, failures: str | None
) -> tuple[Status, str | None]:
    """Return status and details of an end, given what is said of remote jobs that failed.

    With such an end is not clean; otherwise it stays what the ingestion's own work makes it.
    """
    if failures and status is Status.COMPLETED:
        status = Status.COMPLETED_WITH_ERRORS
    return status, joined(details, failures)


def joined(*said: str | None) -> str | None:
    """Join what is said; None where it is nothing."""
    return "; ".join(filter(None, said)) or None
