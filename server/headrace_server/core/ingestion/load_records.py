"""What a load tells the control store: its beginning, its progress, its end."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from headrace_server.core.ingestion import outcomes
from headrace_server.core.ingestion.counting import totals
from headrace_server.core.ingestion.endings import end_own_work
from headrace_server.core.jobs.queue import Jobs
from headrace_server.db import ingestions as ingestion_rows
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.wakeups import Wakeups, ingestion_topic
from headrace_server.model.errors import StaleAttemptError
from headrace_server.model.ingestion import OPEN, Ingestion, IngestionFile, Status
from headrace_server.model.job import Job, JobStatus
from headrace_server.model.warehouse import Catalog, LedgerEntry
from headrace_server.warehouse.base import Warehouse


@dataclass(slots=True)
class Load:
    """One attempt at one ingestion."""

    job: Job
    #: as it was recorded last
    ingestion: Ingestion
    catalog: Catalog
    warehouse: Warehouse
    #: in the order of loading, with their newest counts
    files: list[IngestionFile]

    @property
    def request_id(self) -> str:
        """The id of the ingestion."""
        return self.ingestion.request_id


class LoadRecords:
    """Writes down how loads come along and wakes whoever watches."""

    def __init__(
        self, store: ControlStore, jobs: Jobs, wakeups: Wakeups, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._wakeups = wakeups
        self._clock = clock

    async def begin(self, job: Job) -> Ingestion | None:
        """Note that the job's ingestion is in progress; where it has ended, end the job instead.

        Returns None then. Raises StaleAttemptError.
        """
        request_id = request_id_of(job)
        async with self._store.begin() as connection:
            before = await ingestion_rows.find_in_any_tenant(connection, request_id)
            started_at = before.started_at if before else None
            ingestion = await ingestion_rows.update_ingestion(
                connection,
                request_id,
                OPEN,
                status=Status.IN_PROGRESS,
                started_at=started_at or self._clock(),
                details=None,
            )
        self._wakeups.notify(ingestion_topic(request_id))
        if ingestion is None:
            async with self._store.begin() as connection:
                await self._jobs.complete(connection, job.job_id, job.attempt)
        return ingestion

    async def files(self, request_id: str) -> list[IngestionFile]:
        """Read the files of an ingestion, in the order of loading."""
        async with self._store.read() as connection:
            return await ingestion_rows.files(connection, request_id)

    async def merged(self, load: Load, number: int, entry: LedgerEntry) -> None:
        """Count a chunk of a file that was merged. Raises StaleAttemptError."""
        file = load.files[number]
        load.files[number] = replace(
            file,
            status=Status.IN_PROGRESS,
            rows_loaded=file.rows_loaded + entry.rows_loaded,
            rows_rejected=file.rows_rejected + entry.rows_rejected,
            rows_parked=file.rows_parked + entry.rows_parked,
            bytes_processed=file.bytes_processed + entry.byte_length,
        )
        await self._record(load, number)

    async def end_file(self, load: Load, number: int) -> None:
        """Give a file the counts of the warehouse and the status that follows from them.

        Raises StaleAttemptError.
        """
        tallies = await load.warehouse.tally(load.request_id)
        tally = next((tally for tally in tallies if tally.file_no == number), None)
        load.files[number] = outcomes.ended(outcomes.with_tally(load.files[number], tally))
        await self._record(load, number)

    async def finish(self, load: Load) -> None:
        """End job, ingestion and files in one transaction. Raises StaleAttemptError.

        The ingestion waits for the remote jobs that name it.
        """
        tallies = {tally.file_no: tally for tally in await load.warehouse.tally(load.request_id)}
        load.files = [
            outcomes.ended(outcomes.with_tally(file, tallies.get(file.file_no)))
            for file in load.files
        ]
        async with self._store.begin() as connection:
            await self._jobs.complete(connection, load.job.job_id, load.job.attempt)
            for file in load.files:
                await ingestion_rows.update_file(connection, file)
            ended = await end_own_work(
                connection,
                load.job.tenant_id,
                load.request_id,
                {Status.IN_PROGRESS},
                status=outcomes.outcome(load.files),
                details=outcomes.details(load.files),
                now=self._clock(),
                **totals(load.files),
            )
            load.ingestion = _not_stale(ended, load)
        self._wakeups.notify(ingestion_topic(load.request_id))

    async def refuse(self, job: Job, details: str) -> None:
        """End job and ingestion: the tables contradict the contract, and waiting mends nothing.

        Raises StaleAttemptError.
        """
        request_id = request_id_of(job)
        async with self._store.begin() as connection:
            await self._jobs.complete(connection, job.job_id, job.attempt)
            await self._give_up(connection, job, details)
        self._wakeups.notify(ingestion_topic(request_id))

    async def failed(self, connection: Connection, job: Job) -> list[str]:
        """Record a failed attempt in the transaction that counts it; returns what to notify.

        While the job has attempts left the ingestion says what went wrong and waits.
        """
        request_id = request_id_of(job)
        if job.status is JobStatus.PENDING:
            details = job.failure
            await ingestion_rows.update_ingestion(connection, request_id, OPEN, details=details)
        else:
            details = f"{job.failure}; retry it when that is mended"
            await self._give_up(connection, job, details)
        return [ingestion_topic(request_id)]

    async def _give_up(self, connection: Connection, job: Job, details: str) -> None:
        request_id = request_id_of(job)
        await ingestion_rows.end_open_files(connection, request_id, Status.FAILED)
        await end_own_work(
            connection,
            job.tenant_id,
            request_id,
            OPEN,
            status=Status.FAILED,
            details=details,
            now=self._clock(),
        )

    async def _record(self, load: Load, number: int) -> None:
        async with self._store.begin() as connection:
            await self._update(connection, load, **totals(load.files))
            await ingestion_rows.update_file(connection, load.files[number])
        self._wakeups.notify(ingestion_topic(load.request_id))

    async def _update(self, connection: Connection, load: Load, **values: Any) -> None:
        updated = await ingestion_rows.update_ingestion(
            connection, load.request_id, {Status.IN_PROGRESS}, **values
        )
        load.ingestion = _not_stale(updated, load)


def _not_stale(updated: Ingestion | None, load: Load) -> Ingestion:
    if updated is None:
        raise StaleAttemptError(f"ingestion {load.request_id} was ended by somebody else")
    return updated


def request_id_of(job: Job) -> str:
    """The ingestion that a job loads."""
    return str(job.payload["request_id"])
