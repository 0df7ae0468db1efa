"""Loads an ingestion's files: inflate, parse ahead, merge in order, record, settle."""

import asyncio
from collections.abc import Callable, Container
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from headrace_server.core.contracts import Contracts
from headrace_server.core.ingestion import outcomes
from headrace_server.core.ingestion.chunking import ChunkPipeline, ChunkSource
from headrace_server.core.ingestion.counting import totals
from headrace_server.core.ingestion.parent_loads import ParentLoads
from headrace_server.core.ingestion.parsing import Parsers
from headrace_server.core.ingestion.settling import Settlement
from headrace_server.core.jobs import Jobs
from headrace_server.core.limits import Limits
from headrace_server.db import ingestions as rows
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.wakeups import Wakeups, ingestion_topic
from headrace_server.files.compression import inflate
from headrace_server.files.formats import Compression, compression_of, require_json_lines
from headrace_server.files.spool import Spool, on_disk
from headrace_server.model.errors import (
    InvalidContractError,
    InvalidFieldError,
    StaleAttemptError,
    TooLargeError,
    UploadExpiredError,
)
from headrace_server.model.ingestion import OPEN, Ingestion, IngestionFile, Status
from headrace_server.model.job import Job, JobStatus
from headrace_server.model.warehouse import Catalog, ChunkKey, LedgerEntry
from headrace_server.warehouse.base import Warehouse
from headrace_server.warehouse.registry import Warehouses

#: what is wrong with one file and leaves the others alone; no attempt would mend it
_FILE_ERRORS = (InvalidFieldError, TooLargeError, UploadExpiredError)


@dataclass(slots=True)
class _Load:
    """One attempt at one ingestion."""

    job: Job
    ingestion: Ingestion
    catalog: Catalog
    warehouse: Warehouse
    #: in the order of loading, with their newest counts
    files: list[IngestionFile]

    @property
    def request_id(self) -> str:
        return self.ingestion.request_id


class Loading:
    """Runs the jobs that load files."""

    def __init__(
        self,
        store: ControlStore,
        jobs: Jobs,
        contracts: Contracts,
        warehouses: Warehouses,
        spool: Spool,
        parsers: Parsers,
        parent_loads: ParentLoads,
        settlement: Settlement,
        wakeups: Wakeups,
        limits: Limits,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._contracts = contracts
        self._warehouses = warehouses
        self._spool = spool
        self._parsers = parsers
        self._parent_loads = parent_loads
        self._settlement = settlement
        self._wakeups = wakeups
        self._limits = limits
        self._clock = clock

    async def run(self, job: Job) -> None:
        """Load what is not loaded yet, and end job and ingestion in one transaction.

        Raises StaleAttemptError when the work was cancelled or another attempt holds it.
        """
        request_id = str(job.payload["request_id"])
        ingestion = await self._begin(request_id)
        if ingestion is None:
            async with self._store.begin() as connection:
                await self._jobs.complete(connection, job.job_id, job.attempt)
            return
        async with self._warehouses.use(job.tenant_id) as warehouse:
            try:
                load = await self._prepare(job, ingestion, warehouse)
            except InvalidContractError as error:
                await self._refuse(job, request_id, error.message)
                return
            await self._load_files(load)
            # Others first, so that whoever sees this end finds theirs settled; then, ended, itself.
            await self._settlement.settle(warehouse)
            await self._finish(load)
            await self._settlement.settle(warehouse)

    async def _refuse(self, job: Job, request_id: str, details: str) -> None:
        """End job and ingestion: the tables contradict the contract, and waiting mends nothing."""
        async with self._store.begin() as connection:
            await self._jobs.complete(connection, job.job_id, job.attempt)
            await rows.end_open_files(connection, request_id, Status.FAILED)
            await rows.update_ingestion(
                connection,
                request_id,
                OPEN,
                status=Status.FAILED,
                details=details,
                completed_at=self._clock(),
            )
        self._wakeups.notify(ingestion_topic(request_id))

    async def _begin(self, request_id: str) -> Ingestion | None:
        async with self._store.begin() as connection:
            before = await rows.get_any_tenant(connection, request_id)
            started_at = before.started_at if before else None
            ingestion = await rows.update_ingestion(
                connection,
                request_id,
                OPEN,
                status=Status.IN_PROGRESS,
                started_at=started_at or self._clock(),
                details=None,
            )
        self._wakeups.notify(ingestion_topic(request_id))
        return ingestion

    async def _prepare(self, job: Job, ingestion: Ingestion, warehouse: Warehouse) -> _Load:
        catalog = await self._contracts.catalog(job.tenant_id)
        await warehouse.prepare(catalog)
        await warehouse.fence(ingestion.request_id, job.attempt)
        # Behind the fence nobody needs what earlier attempts left, killed or merely asleep.
        await asyncio.to_thread(self._spool.drop_staging, ingestion.request_id, before=job.attempt)
        tallies = {tally.file_no: tally for tally in await warehouse.tally(ingestion.request_id)}
        async with self._store.read() as connection:
            files = await rows.files(connection, ingestion.request_id)
        counted = [outcomes.with_tally(file, tallies.get(file.file_no)) for file in files]
        return _Load(job, ingestion, catalog, warehouse, counted)

    async def _load_files(self, load: _Load) -> None:
        committed = {entry.key for entry in await load.warehouse.committed(load.request_id)}
        for number, file in enumerate(load.files):
            if not file.status.terminal:
                await self._load_file(load, number, committed)
        if load.ingestion.replays:
            await self._replay(load, committed)

    async def _load_file(self, load: _Load, number: int, committed: Container[ChunkKey]) -> None:
        try:
            path = await self._plain(load, number)
            await self._merge_all(load, number, 0, path, committed)
        except _FILE_ERRORS as error:
            load.files[number] = replace(load.files[number], error=error.message)
        await self._end_file(load, number)

    async def _replay(self, load: _Load, committed: Container[ChunkKey]) -> None:
        """Merge the newest replay of rejects, unless it was before."""
        run = load.ingestion.replays
        for number in range(len(load.files)):
            path = self._spool.replay_file(load.request_id, run, number)
            if path.exists():
                await self._merge_all(load, number, run, path, committed)

    async def _merge_all(
        self, load: _Load, number: int, run: int, path: Path, committed: Container[ChunkKey]
    ) -> None:
        table = load.catalog[load.files[number].data_type]
        source = ChunkSource(load.request_id, number, run, path, table)
        pipeline = ChunkPipeline(
            self._parsers,
            self._spool.staging_folder(load.request_id, load.job.attempt),
            load.warehouse.dialect,
            load.job,
            self._limits.line_bytes,
        )
        async with aclosing(pipeline.staged(source, committed)) as chunks:
            async for chunk in chunks:
                await self._parent_loads.ended(load.ingestion, table.name, load.catalog)
                entry = await load.warehouse.merge(chunk, load.catalog)
                if run == 0:
                    await self._progress(load, number, entry)

    async def _plain(self, load: _Load, number: int) -> Path:
        """Return the file uncompressed, and record its true size."""
        file = load.files[number]
        data = self._spool.data(file.upload_id)
        if not await asyncio.to_thread(data.exists):
            raise UploadExpiredError(file.upload_id)
        compression = await asyncio.to_thread(compression_of, data, file.file_name)
        path = data
        if compression is not Compression.NONE:
            path = self._spool.load_folder(load.request_id) / f"{number}.plain"
            if not path.exists():
                await asyncio.to_thread(self._inflate, data, path)
        await asyncio.to_thread(require_json_lines, path, file.file_name)
        load.files[number] = replace(file, bytes_total=path.stat().st_size)
        return path

    def _inflate(self, source: Path, target: Path) -> None:
        with on_disk("inflating a file"):
            inflate(
                source,
                target,
                max_ratio=self._limits.inflation_ratio,
                max_bytes=self._limits.inflated_bytes,
            )

    async def _progress(self, load: _Load, number: int, entry: LedgerEntry) -> None:
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

    async def _end_file(self, load: _Load, number: int) -> None:
        tallies = await load.warehouse.tally(load.request_id)
        tally = next((tally for tally in tallies if tally.file_no == number), None)
        load.files[number] = outcomes.ended(outcomes.with_tally(load.files[number], tally))
        await self._record(load, number)

    async def _record(self, load: _Load, number: int) -> None:
        async with self._store.begin() as connection:
            await self._update(connection, load, **totals(load.files))
            await rows.update_file(connection, load.files[number])
        self._wakeups.notify(ingestion_topic(load.request_id))

    async def _update(self, connection: Connection, load: _Load, **values: Any) -> None:
        updated = await rows.update_ingestion(
            connection, load.request_id, {Status.IN_PROGRESS}, **values
        )
        if updated is None:
            raise StaleAttemptError(f"ingestion {load.request_id} was ended by somebody else")
        load.ingestion = updated

    async def _finish(self, load: _Load) -> None:
        tallies = {tally.file_no: tally for tally in await load.warehouse.tally(load.request_id)}
        load.files = [
            outcomes.ended(outcomes.with_tally(file, tallies.get(file.file_no)))
            for file in load.files
        ]
        async with self._store.begin() as connection:
            await self._jobs.complete(connection, load.job.job_id, load.job.attempt)
            for file in load.files:
                await rows.update_file(connection, file)
            await self._update(
                connection,
                load,
                **totals(load.files),
                status=outcomes.outcome(load.files),
                details=outcomes.details(load.files),
                completed_at=self._clock(),
            )
        self._wakeups.notify(ingestion_topic(load.request_id))
        await asyncio.to_thread(self._drop, load)

    def _drop(self, load: _Load) -> None:
        """Free the disk: all of it after a clean end, what can be made anew otherwise."""
        self._spool.drop_load(load.request_id)
        self._spool.drop_replays(load.request_id)
        if load.ingestion.status is Status.COMPLETED:
            for file in load.files:
                self._spool.drop_upload(file.upload_id)

    async def failed(self, connection: Connection, job: Job) -> list[str]:
        """Record a failed attempt in the transaction that counts it; returns what to notify.

        While the job has attempts left the ingestion says what went wrong and waits.
        """
        request_id = str(job.payload["request_id"])
        if job.status is JobStatus.PENDING:
            details = f"attempt {job.attempt} failed and is made again: {job.last_error}"
            await rows.update_ingestion(connection, request_id, OPEN, details=details)
        else:
            await rows.end_open_files(connection, request_id, Status.FAILED)
            await rows.update_ingestion(
                connection,
                request_id,
                OPEN,
                status=Status.FAILED,
                details=f"given up after {job.failures} failed attempts: {job.last_error}; "
                "retry it when that is mended",
                completed_at=self._clock(),
            )
        return [ingestion_topic(request_id)]
