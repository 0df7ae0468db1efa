"""Loads an ingestion's files: inflate, parse ahead, merge in order, settle."""

import asyncio
from collections.abc import Container
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from headrace_server.core.contracts.registry import Contracts
from headrace_server.core.ingestion import outcomes
from headrace_server.core.ingestion.chunking import ChunkPipeline, LinesSource
from headrace_server.core.ingestion.load_records import Load, LoadRecords
from headrace_server.core.ingestion.merging import merge_in_order
from headrace_server.core.ingestion.parent_loads import ParentLoads
from headrace_server.core.ingestion.parsing import Parsers
from headrace_server.core.ingestion.settling import Settlement
from headrace_server.core.limits import Limits
from headrace_server.core.readiness.observing import Observer
from headrace_server.files.compression import inflate
from headrace_server.files.disk import on_disk
from headrace_server.files.formats import Compression, compression_of, require_json_lines
from headrace_server.files.spool import Spool
from headrace_server.model.errors import (
    InvalidContractError,
    InvalidFieldError,
    StaleAttemptError,
    TooLargeError,
    UploadExpiredError,
)
from headrace_server.model.ingestion import Ingestion, Status
from headrace_server.model.job import Job
from headrace_server.model.warehouse import ChunkKey, LedgerEntry, StagedChunk
from headrace_server.warehouse.base import Turn, Warehouse
from headrace_server.warehouse.registry import Warehouses

#: what is wrong with one file and leaves the others alone; no attempt would mend it
_FILE_ERRORS = (InvalidFieldError, TooLargeError, UploadExpiredError)


class Loading:
    """Runs the jobs that load files."""

    def __init__(
        self,
        records: LoadRecords,
        contracts: Contracts,
        warehouses: Warehouses,
        spool: Spool,
        parsers: Parsers,
        parent_loads: ParentLoads,
        settlement: Settlement,
        observer: Observer,
        limits: Limits,
    ) -> None:
        self._records = records
        self._contracts = contracts
        self._warehouses = warehouses
        self._spool = spool
        self._parsers = parsers
        self._parent_loads = parent_loads
        self._settlement = settlement
        self._observer = observer
        self._limits = limits

    async def run(self, job: Job) -> None:
        """Load what is not loaded yet, and end job and ingestion in one transaction.

        Raises StaleAttemptError when the work was cancelled or another attempt holds it.
        """
        ingestion = await self._records.begin(job)
        if ingestion is None:
            return
        async with self._warehouses.use(job.tenant_id) as warehouse:
            try:
                load = await self._prepare(job, ingestion, warehouse)
            except InvalidContractError as error:
                await self._records.refuse(job, error.message)
                return
            try:
                await self._load_files(load)
            except StaleAttemptError:
                # A chunk may have been committed after the cancellation was counted.
                await self._settlement.count(warehouse, load.request_id)
                await self._tell_observer(load)
                raise
            except Exception:
                # No further attempt may come, and what was merged stays.
                await self._tell_observer(load)
                raise
            # Others first, so that whoever sees this end finds theirs settled; then, ended, itself.
            await self._settlement.settle(warehouse)
            await asyncio.to_thread(self._drop_made, load)
            # Before the end: who dies between the two comes here again.
            await self._tell_observer(load)
            await self._records.finish(load)
            await asyncio.to_thread(self._drop_uploads, load)
            await self._settlement.settle(warehouse)

    async def _tell_observer(self, load: Load) -> None:
        tables = {file.data_type for file in load.files}
        await self._observer.load_ended(load.job.tenant_id, tables, load.catalog)

    async def _prepare(self, job: Job, ingestion: Ingestion, warehouse: Warehouse) -> Load:
        catalog = await self._contracts.catalog(job.tenant_id)
        await warehouse.prepare(catalog)
        await warehouse.fence(ingestion.request_id, job.attempt)
        # Behind the fence nobody needs what earlier attempts left, killed or merely asleep.
        await asyncio.to_thread(self._spool.drop_staging, ingestion.request_id, before=job.attempt)
        tallies = {tally.file_no: tally for tally in await warehouse.tally(ingestion.request_id)}
        files = await self._records.files(ingestion.request_id)
        counted = [outcomes.with_tally(file, tallies.get(file.file_no)) for file in files]
        return Load(job, ingestion, catalog, warehouse, counted)

    async def _load_files(self, load: Load) -> None:
        committed = {entry.key for entry in await load.warehouse.committed(load.request_id)}
        for number, file in enumerate(load.files):
            if not file.status.terminal:
                await self._load_file(load, number, committed)
        if load.ingestion.replays:
            await self._replay(load, committed)

    async def _load_file(self, load: Load, number: int, committed: Container[ChunkKey]) -> None:
        try:
            path = await self._plain(load, number)
            await self._merge_all(load, number, 0, path, committed)
        except InvalidContractError:
            # The contract moved on while the load ran: the next attempt reads the newest.
            raise
        except _FILE_ERRORS as error:
            load.files[number] = replace(load.files[number], error=error.message)
        await self._records.end_file(load, number)

    async def _replay(self, load: Load, committed: Container[ChunkKey]) -> None:
        """Merge the newest replay of rejects, unless it was before."""
        run = load.ingestion.replays
        for number in range(len(load.files)):
            path = self._spool.replay_file(load.request_id, run, number)
            if path.exists():
                await self._merge_all(load, number, run, path, committed)

    async def _merge_all(
        self, load: Load, number: int, run: int, path: Path, committed: Container[ChunkKey]
    ) -> None:
        table = load.catalog[load.files[number].data_type]
        source = LinesSource(
            load.request_id,
            number,
            run,
            path,
            table,
            load.warehouse.dialect,
            self._limits.line_bytes,
            load.job,
            self._parsers,
        )
        staging = self._spool.staging_folder(load.request_id, load.job.attempt)
        pipeline = ChunkPipeline(staging, self._parsers.workers)

        async def merge(chunk: StagedChunk, turn: Turn) -> LedgerEntry:
            await self._parent_loads.ended(load.ingestion, table.name, load.catalog)
            return await load.warehouse.merge(chunk, load.catalog, turn)

        async def record(chunk: StagedChunk, entry: LedgerEntry) -> None:
            if run == 0:
                await self._records.merged(load, number, entry)
            await pipeline.drop(chunk)

        # Until then the processes that parse are its parents'.
        await self._parent_loads.ended(load.ingestion, table.name, load.catalog)
        try:
            async with aclosing(pipeline.staged(source, committed)) as chunks:
                await merge_in_order(chunks, merge, record)
        finally:
            await pipeline.drop_all()

    async def _plain(self, load: Load, number: int) -> Path:
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

    def _drop_made(self, load: Load) -> None:
        """Free what can be made anew, before the end is told: what comes then is another's."""
        self._spool.drop_load(load.request_id)
        self._spool.drop_replays(load.request_id, newest=load.ingestion.replays)

    def _drop_uploads(self, load: Load) -> None:
        """Free the bytes of a clean end, after which nothing can be asked of them."""
        if load.ingestion.status is Status.COMPLETED:
            for file in load.files:
                self._spool.drop_upload(file.upload_id)
