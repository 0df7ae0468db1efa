"""What the warehouse counted, written into the control store."""

from collections.abc import Sequence
from typing import Any

from headrace_server.core.ingestion import outcomes
from headrace_server.db import holds as hold_rows
from headrace_server.db import ingestions as ingestion_rows
from headrace_server.db.engine import Connection
from headrace_server.model.ingestion import TRANSITIONS, Ingestion, IngestionFile, Status
from headrace_server.model.warehouse import FileTally


async def counted(
    connection: Connection,
    request_id: str,
    tallies: Sequence[FileTally],
    status: Status,
    *,
    revision: int | None = None,
) -> Ingestion | None:
    """Write the counts of an ingestion that ended in `status`, and what may follow from them.

    Released rows may turn COMPLETED_WITH_ERRORS into COMPLETED, unless a remote job failed; what
    failed itself or was cancelled stays so, and can be retried. Returns None, changing nothing,
    where the ingestion is no longer in `status` or at `revision`.
    """
    by_number = {tally.file_no: tally for tally in tallies}
    files = [
        outcomes.with_tally(file, by_number.get(file.file_no))
        for file in await ingestion_rows.files(connection, request_id)
    ]
    files = [_recounted(file) for file in files]
    values = totals(files)
    failures = await hold_rows.failures(connection, request_id)
    end, details = outcomes.with_failures(
        outcomes.outcome(files), outcomes.details(files), failures
    )
    if end in TRANSITIONS[status]:
        values |= {"status": end, "details": details}
    ingestion = await ingestion_rows.update_ingestion(
        connection, request_id, {status}, revision=revision, **values
    )
    if ingestion is not None:
        for file in files:
            await ingestion_rows.update_file(connection, file)
    return ingestion


def _recounted(file: IngestionFile) -> IngestionFile:
    """A file that ended with errors may have none left."""
    if file.status is Status.COMPLETED_WITH_ERRORS:
        return outcomes.ended(file)
    return file


def totals(files: Sequence[IngestionFile]) -> dict[str, Any]:
    """Sum the counts of an ingestion's files, by the names of the ingestion's fields."""
    return {
        "rows_loaded": sum(file.rows_loaded for file in files),
        "rows_rejected": sum(file.rows_rejected for file in files),
        "rows_parked": sum(file.rows_parked for file in files),
        "bytes_total": sum(file.bytes_total for file in files),
        "bytes_processed": sum(file.bytes_processed for file in files),
        "processed_units": sum(file.status.terminal for file in files),
        "failed_units": sum(file.status is Status.FAILED for file in files),
    }
