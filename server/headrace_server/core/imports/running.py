"""Runs imports: copy the file, understand it, make its table, load its chunks, settle."""

import asyncio
from collections.abc import AsyncIterator, Container
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import structlog

from headrace_server.core.imports.chunks import ImportSource
from headrace_server.core.imports.earlier import EarlierImports
from headrace_server.core.imports.planning import FilePlanning, Planning
from headrace_server.core.imports.preparing import Attempt, Preparing
from headrace_server.core.imports.sources import ImportSources
from headrace_server.core.ingestion.chunking import ChunkPipeline
from headrace_server.core.ingestion.load_records import Load, LoadRecords, request_id_of
from headrace_server.core.ingestion.merging import merge_in_order
from headrace_server.core.ingestion.parent_loads import ParentLoads
from headrace_server.core.ingestion.parsing import Parsers
from headrace_server.core.ingestion.settling import Settlement
from headrace_server.core.limits import Limits
from headrace_server.core.readiness.observing import Observer
from headrace_server.db import file_imports as import_rows
from headrace_server.db.engine import ControlStore
from headrace_server.db.wakeups import IMPORTS, Wakeups
from headrace_server.files.spool import Spool
from headrace_server.model.errors import (
    InvalidFieldError,
    NotFoundError,
    RefusedRowsError,
    StaleAttemptError,
    TooLargeError,
    WrongStateError,
)
from headrace_server.model.file_import import FileImport
from headrace_server.model.ingestion import Ingestion, Status
from headrace_server.model.job import Job
from headrace_server.model.warehouse import ChunkKey, LedgerEntry, StagedChunk
from headrace_server.warehouse.base import Turn, Warehouse
from headrace_server.warehouse.registry import Warehouses

_log = structlog.get_logger()

#: what no further attempt would mend
_FINAL = (InvalidFieldError, NotFoundError, TooLargeError, WrongStateError)


class ImportRunner:
    """The runner of jobs of kind `import_file`."""

    def __init__(
        self,
        store: ControlStore,
        records: LoadRecords,
        warehouses: Warehouses,
        sources: ImportSources,
        planning: Planning,
        preparing: Preparing,
        spool: Spool,
        parsers: Parsers,
        parent_loads: ParentLoads,
        earlier: EarlierImports,
        settlement: Settlement,
        observer: Observer,
        wakeups: Wakeups,
        limits: Limits,
    ) -> None:
        self._store = store
        self._records = records
        self._warehouses = warehouses
        self._sources = sources
        self._planning = planning
        self._preparing = preparing
        self._spool = spool
        self._parsers = parsers
        self._parent_loads = parent_loads
        self._earlier = earlier
        self._settlement = settlement
        self._observer = observer
        self._wakeups = wakeups
        self._limits = limits

    async def run(self, job: Job) -> None:
        """Load what is not loaded yet, and end job and ingestion in one transaction.

        Raises StaleAttemptError when the work was cancelled or another attempt holds it.
        """
        ingestion = await self._records.begin(job)
        if ingestion is None:
            return
        record = await self._record(job)
        try:
            async with self._warehouses.use(job.tenant_id) as warehouse:
                await self._run(job, ingestion, record, warehouse)
        finally:
            self._wakeups.notify(IMPORTS)

    async def _record(self, job: Job) -> FileImport:
        async with self._store.read() as connection:
            found = await import_rows.find_in_any_tenant(connection, request_id_of(job))
        if found is None:
            raise NotFoundError("import", request_id_of(job))
        return found

    async def _run(
        self, job: Job, ingestion: Ingestion, record: FileImport, warehouse: Warehouse
    ) -> None:
        async with self._planning.of(record, job) as planning:
            try:
                work = await self._preparing.attempt(job, ingestion, record, warehouse, planning)
                if work.planned.is_sampled and not await self._merge_whole(work, planning):
                    await self._preparing.look_at_all(work, planning)
            except _FINAL as error:
                await self._records.refuse(job, error.message)
                await warehouse.drop_draft(ingestion.request_id, job.attempt)
                return
        async with self._telling(work):
            await self._load(work)
        await self._end(work)

    @asynccontextmanager
    async def _telling(self, work: Attempt) -> AsyncIterator[None]:
        """Where what is done fails, tell of what was merged until then."""
        try:
            yield
        except StaleAttemptError:
            # A chunk may have been committed after the cancellation was counted.
            await self._settlement.count(work.load.warehouse, work.load.request_id)
            await self._tell_observer(work)
            raise
        except Exception:
            # No further attempt may come, and what was merged stays.
            await self._tell_observer(work)
            raise

    async def _merge_whole(self, work: Attempt, planning: FilePlanning) -> bool:
        """Merge all of a file that was sampled, if all of it is as the sample; tells whether."""
        load = work.load
        source = self._source(work, 0, work.planned.path)
        async with self._telling(work):
            if not work.replaces:
                await self._earlier.ended(work.record, replaces=False)
            chunks = await asyncio.to_thread(source.whole)
            if not chunks:
                return False
            saving = asyncio.create_task(planning.save(work.planned.plan))
            try:
                await load.warehouse.merge_whole(chunks, load.catalog, saving)
            except RefusedRowsError as error:
                _log.info("import.not_as_sampled", request_id=load.request_id, error=error.message)
                return False
            finally:
                saving.cancel()
                await asyncio.gather(saving, return_exceptions=True)
        work.is_merged = True
        return True

    async def _load(self, work: Attempt) -> None:
        load, committed = work.load, work.committed
        if not load.files[0].status.terminal and not work.is_merged:
            if not work.replaces:
                await self._earlier.ended(work.record, replaces=False)
            await self._merge_all(work, 0, work.planned.path, committed)
            if load.ingestion.replays:
                await self._records.end_file(load, 0)
        run = load.ingestion.replays
        path = self._spool.replay_file(load.request_id, run, 0)
        if run and await asyncio.to_thread(path.exists):
            await self._merge_all(work, run, path, committed)

    async def _merge_all(
        self, work: Attempt, run: int, path: Path, committed: Container[ChunkKey]
    ) -> None:
        load = work.load
        source = self._source(work, run, path)
        pipeline = ChunkPipeline(
            self._spool.staging_folder(load.request_id, load.job.attempt), self._parsers.workers
        )

        async def merge(chunk: StagedChunk, turn: Turn) -> LedgerEntry:
            await self._await_parents(work)
            try:
                return await load.warehouse.merge(chunk, load.catalog, turn)
            except RefusedRowsError:
                careful = await source.stage_carefully(chunk)
                return await load.warehouse.merge(careful, load.catalog, turn)

        async def record(chunk: StagedChunk, entry: LedgerEntry) -> None:
            if run == 0:
                await self._records.merged(load, 0, entry)
            await pipeline.drop(chunk)

        await self._await_parents(work)
        try:
            async with aclosing(pipeline.staged(source, committed)) as chunks:
                await merge_in_order(chunks, merge, record)
        finally:
            await pipeline.drop_all()

    def _source(self, work: Attempt, run: int, path: Path) -> ImportSource:
        return ImportSource(
            work.load.request_id,
            run,
            path,
            work.planned.plan,
            work.table,
            work.load.warehouse.dialect,
            self._limits.line_bytes,
            work.load.job,
            self._parsers,
            work.planned.cut_for(work.table),
            by_contract=work.by_contract,
        )

    async def _await_parents(self, work: Attempt) -> None:
        """Wait for the loads of a contract's parent tables; those of imports have none."""
        if work.table.references:
            load = work.load
            await self._parent_loads.ended(load.ingestion, work.table.name, load.catalog)

    async def _end(self, work: Attempt) -> None:
        load = work.load
        if work.replaces:
            await self._replace(work)
        # Others first, so that whoever sees this end finds theirs settled; then, ended, itself.
        await self._settlement.settle(load.warehouse)
        await asyncio.to_thread(self._drop_made, load)
        await self._tell_observer(work)
        await self._records.finish(load)
        if load.ingestion.status is Status.COMPLETED:
            await asyncio.to_thread(self._sources.drop, load.request_id)
        await self._settlement.settle(load.warehouse)

    async def _replace(self, work: Attempt) -> None:
        """Put the file's rows in the place of the table's, unless none could be read."""
        load = work.load
        await self._records.end_file(load, 0)
        if load.files[0].status is not Status.FAILED:
            await self._earlier.ended(work.record, replaces=True)
            await load.warehouse.replace(work.target.table.name, load.request_id, load.job.attempt)
        await load.warehouse.drop_draft(load.request_id, load.job.attempt)

    def _drop_made(self, load: Load) -> None:
        self._spool.drop_load(load.request_id)
        self._spool.drop_replays(load.request_id, newest=load.ingestion.replays)

    async def _tell_observer(self, work: Attempt) -> None:
        load, table = work.load, work.target.table
        await self._observer.load_ended(load.job.tenant_id, {table.name}, load.catalog)
