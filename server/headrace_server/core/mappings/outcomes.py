"""How requests of mappings end, by what became of the mappings and of the rows they wrote."""

from collections.abc import Iterable
from typing import Any

from headrace_server.core.ingestion.outcomes import joined, with_failures
from headrace_server.db import holds as hold_rows
from headrace_server.db import ingestions as ingestion_rows
from headrace_server.db.engine import Connection
from headrace_server.model.ingestion import TRANSITIONS, Ingestion, Status
from headrace_server.model.row_counts import left_out_texts
from headrace_server.model.warehouse import FileTally


def rows_of(tallies: Iterable[FileTally]) -> dict[str, int]:
    """Sum the rows that mappings wrote into tables, by the names of the ingestion's fields."""
    found = list(tallies)
    return {
        "rows_loaded": sum(tally.rows_loaded for tally in found),
        "rows_rejected": sum(tally.rows_rejected for tally in found),
        "rows_parked": sum(tally.rows_parked for tally in found),
    }


def end_of(total: int, failed: int, *, rejected: int, parked: int) -> tuple[Status, str | None]:
    """Return status and details of a request all of whose mappings have ended."""
    said = []
    if failed:
        said.append(f"{failed} of {total} mappings failed; a retry runs only those again")
    said += left_out_texts(rejected, parked)
    status = Status.COMPLETED_WITH_ERRORS if said else Status.COMPLETED
    if failed == total:
        status = Status.FAILED
    return status, joined(*said)


async def recounted(
    connection: Connection, ingestion: Ingestion, tallies: Iterable[FileTally]
) -> Ingestion | None:
    """Write the rows of a request that has ended, and what may follow from them.

    Returns None, changing nothing, where the ingestion was changed meanwhile.
    """
    rows = rows_of(tallies)
    own = end_of(
        ingestion.total_units,
        ingestion.failed_units,
        rejected=rows["rows_rejected"],
        parked=rows["rows_parked"],
    )
    failures = await hold_rows.failures(connection, ingestion.request_id)
    status, details = with_failures(*own, failures)
    values: dict[str, Any] = dict(rows)
    if status in TRANSITIONS[ingestion.status]:
        values |= {"status": status, "details": details}
    return await ingestion_rows.update_ingestion(
        connection,
        ingestion.request_id,
        {ingestion.status},
        revision=ingestion.revision,
        **values,
    )
