"""What a run of mappings tells the control store, each time fenced by its job's attempt."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from headrace_server.core.ingestion.endings import end_own_work
from headrace_server.core.ingestion.load_records import request_id_of
from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.mappings.outcomes import end_of
from headrace_server.db import ingestions as ingestion_rows
from headrace_server.db import mappings as mapping_rows
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.wakeups import Wakeups, ingestion_topic
from headrace_server.model.errors import StaleAttemptError
from headrace_server.model.ingestion import OPEN, Ingestion, Status
from headrace_server.model.job import Job, JobStatus
from headrace_server.model.mapping import MappingOutcome, MappingStatus, PendingMapping


class MappingRecords:
    """Writes down how mappings come along and wakes whoever watches."""

    def __init__(
        self, store: ControlStore, jobs: Jobs, wakeups: Wakeups, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._wakeups = wakeups
        self._clock = clock

    async def pending(self, request_id: str, after: int, limit: int) -> list[PendingMapping]:
        """Read the next mappings to be carried, those after a position."""
        async with self._store.read() as connection:
            return await mapping_rows.pending(connection, request_id, after, limit)

    async def record(
        self,
        job: Job,
        ingestion: Ingestion,
        outcomes: Sequence[MappingOutcome],
        *,
        last: bool,
        rows: Mapping[str, int] | None = None,
    ) -> Ingestion:
        """Write down outcomes and count them; the last ones end job and ingestion too.

        `rows` are those that were written into tables, by the names of the ingestion's fields. An
        ingestion that remote jobs keep open waits for them. Returns the ingestion as it is then.
        Raises StaleAttemptError.
        """
        failed = sum(outcome.status is MappingStatus.FAILED for outcome in outcomes)
        counts = {
            "processed_units": ingestion.processed_units + len(outcomes),
            "failed_units": ingestion.failed_units + failed,
        }
        async with self._store.begin() as connection:
            if last:
                await self._jobs.complete(connection, job.job_id, job.attempt)
            else:
                await self._jobs.hold(connection, job.job_id, job.attempt)
            if outcomes:
                await mapping_rows.record(connection, ingestion.request_id, outcomes)
            counts |= rows or {}
            updated = await self._count(connection, ingestion, counts, last=last)
            if updated is None:
                raise StaleAttemptError(f"ingestion {ingestion.request_id} was ended by another")
        self._wakeups.notify(ingestion_topic(ingestion.request_id))
        return updated

    async def _count(
        self, connection: Connection, ingestion: Ingestion, counts: dict[str, int], *, last: bool
    ) -> Ingestion | None:
        request_id = ingestion.request_id
        if not last:
            return await ingestion_rows.update_ingestion(
                connection, request_id, {Status.IN_PROGRESS}, **counts
            )
        status, details = end_of(
            ingestion.total_units,
            counts["failed_units"],
            rejected=counts.get("rows_rejected", 0),
            parked=counts.get("rows_parked", 0),
        )
        return await end_own_work(
            connection,
            ingestion.tenant_id,
            request_id,
            {Status.IN_PROGRESS},
            status=status,
            details=details,
            now=self._clock(),
            **counts,
        )

    async def failed(self, connection: Connection, job: Job) -> list[str]:
        """Record a failed attempt in the transaction that counts it; returns what to notify.

        While the job has attempts left the ingestion says what went wrong and waits. Else the
        mappings that are left have failed too.
        """
        request_id = request_id_of(job)
        if job.status is JobStatus.PENDING:
            await ingestion_rows.update_ingestion(connection, request_id, OPEN, details=job.failure)
            return [ingestion_topic(request_id)]
        await mapping_rows.end_pending(connection, request_id, MappingStatus.FAILED, job.failure)
        counts = await mapping_rows.counts(connection, request_id)
        await end_own_work(
            connection,
            job.tenant_id,
            request_id,
            OPEN,
            status=Status.FAILED,
            details=f"{job.failure}; retry it when that is mended",
            now=self._clock(),
            processed_units=counts.processed,
            failed_units=counts.failed,
        )
        return [ingestion_topic(request_id)]
