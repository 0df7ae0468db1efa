"""Ingestions that ended badly, run again."""

from headrace_server.core.jobs.queue import Jobs
from headrace_server.db import holds as hold_rows
from headrace_server.db import ingestions as ingestion_rows
from headrace_server.db import mappings as mapping_rows
from headrace_server.db.engine import Connection
from headrace_server.model.errors import WrongStateError
from headrace_server.model.ingestion import Ingestion, Status


async def reopen(connection: Connection, jobs: Jobs, ingestion: Ingestion) -> Ingestion:
    """Have an ingestion run again as it was read; `Jobs.announce` it once that is committed.

    Raises WrongStateError where that cannot be, or it was changed since.
    """
    if not ingestion.retryable:
        raise WrongStateError(
            f"the ingestion is {ingestion.status.value}; only what failed or was cancelled can "
            "be retried, and rejected rows are replayed with ReplayRejects",
            status=ingestion.status.value,
        )
    request_id, tenant_id = ingestion.request_id, ingestion.tenant_id
    job_id = await ingestion_rows.job_id(connection, request_id)
    await jobs.rerun(connection, tenant_id, job_id)
    await hold_rows.hold_again(connection, tenant_id, request_id)
    reopened = await ingestion_rows.update_ingestion(
        connection,
        request_id,
        {ingestion.status},
        revision=ingestion.revision,
        status=Status.PENDING,
        processed_units=ingestion.processed_units - ingestion.failed_units,
        failed_units=0,
        details=None,
        completed_at=None,
    )
    if reopened is None:
        raise WrongStateError("the ingestion was retried already", status="PENDING")
    await ingestion_rows.reopen_files(connection, request_id)
    await mapping_rows.reopen(connection, request_id)
    return reopened
