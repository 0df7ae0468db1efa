"""Runs imports: copy the file, understand it, make its table, load its chunks, settle."""

import asyncio
from collections.abc import Container
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

from headrace_server.core.contracts.registry import Contracts
from headrace_server.core.imports.chunks import ImportSource
from headrace_server.core.imports.earlier import EarlierImports
from headrace_server.core.imports.planning import Planned, Planning
from headrace_server.core.imports.sources import Fetch, ImportSources
from headrace_server.core.imports.targets import Target, contract_target, imported_target
from headrace_server.core.imports.tasks import length_of
from headrace_server.core.ingestion import outcomes
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
from headrace_server.model.contract import Table
from headrace_server.model.errors import (
    InvalidFieldError,
    NotFoundError,
    RefusedRowsError,
    StaleAttemptError,
    StorageUnavailableError,
    TooLargeError,
    WrongStateError,
)
from headrace_server.model.file_import import FileImport, ImportMode
from headrace_server.model.ingestion import Ingestion, Status
from headrace_server.model.job import Job
from headrace_server.model.warehouse import ChunkKey, LedgerEntry, StagedChunk
from headrace_server.warehouse.base import Turn, Warehouse
from headrace_server.warehouse.registry import Warehouses

#: what no further attempt would mend
_FINAL = (InvalidFieldError, NotFoundError, TooLargeError, WrongStateError)


@dataclass(slots=True)
class _Import:
    """One attempt at one import."""

    record: FileImport
    load: Load
    planned: Planned
    target: Target
    #: where the rows go first: the table itself, or a draft that takes its place at the end
    table: Table
    #: whether a contract declares the table
    by_contract: bool
    #: chunks that earlier attempts merged
    committed: frozenset[ChunkKey]

    @property
    def replaces(self) -> bool:
        """Whether the rows shall take the place of the table's, and have not done so."""
        return self.table.name != self.target.table.name


class ImportRunner:
    """The runner of jobs of kind `import_file`."""

    def __init__(
        self,
        store: ControlStore,
        records: LoadRecords,
        contracts: Contracts,
        warehouses: Warehouses,
        sources: ImportSources,
        planning: Planning,
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
        self._contracts = contracts
        self._warehouses = warehouses
        self._sources = sources
        self._planning = planning
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
        try:
            async with self._sources.fetching(record, job.attempt) as fetch:
                work = await self._prepare(job, ingestion, record, warehouse, fetch)
        except _FINAL as error:
            await self._records.refuse(job, error.message)
            await warehouse.drop_draft(ingestion.request_id, job.attempt)
            return
        try:
            await self._load(work)
        except StaleAttemptError:
            # A chunk may have been committed after the cancellation was counted.
            await self._settlement.count(warehouse, work.load.request_id)
            await self._tell_observer(work)
            raise
        except Exception:
            # No further attempt may come, and what was merged stays.
            await self._tell_observer(work)
            raise
        await self._end(work)

    async def _prepare(
        self,
        job: Job,
        ingestion: Ingestion,
        record: FileImport,
        warehouse: Warehouse,
        fetch: Fetch,
    ) -> _Import:
        request_id = ingestion.request_id
        await warehouse.fence(request_id, job.attempt)
        # Behind the fence nobody needs what earlier attempts left, killed or merely asleep.
        await asyncio.to_thread(self._spool.drop_staging, request_id, before=job.attempt)
        committed = await self._committed(warehouse, request_id)
        begun = bool(committed)
        (file,) = await self._records.files(request_id)
        if not begun:
            # Also where a draft was dropped with what it held.
            file = file.unbegun()
        loaded = file.status.terminal
        planned = await self._planning.planned(record, job, fetch, begun=begun, loaded=loaded)
        contract_tables = await self._contracts.catalog(job.tenant_id)
        declared = contract_tables.get(record.target_table)
        if declared is None:
            target, table = await self._imported(record, planned, warehouse)
            catalog = {target.table.name: target.table, table.name: table}
        else:
            target = contract_target(declared, planned.plan, record.options)
            table, catalog = declared, dict(contract_tables)
            await warehouse.prepare(catalog)
        if begun and await self._committed(warehouse, request_id) != committed:
            raise StorageUnavailableError(
                "what earlier attempts had loaded was dropped just now; the next begins anew"
            )
        tallies = await warehouse.tally(request_id) if begun else []
        tally = next(iter(tallies), None)
        if not loaded:
            size = await asyncio.to_thread(
                length_of, planned.path, planned.plan, self._limits.line_bytes
            )
            file = replace(file, bytes_total=size)
        load = Load(job, ingestion, catalog, warehouse, [outcomes.with_tally(file, tally)])
        return _Import(record, load, planned, target, table, declared is not None, committed)

    async def _committed(self, warehouse: Warehouse, request_id: str) -> frozenset[ChunkKey]:
        return frozenset(entry.key for entry in await warehouse.committed(request_id))

    async def _imported(
        self, record: FileImport, planned: Planned, warehouse: Warehouse
    ) -> tuple[Target, Table]:
        """Make the table of an import, and the one that its rows go to first."""
        before = await warehouse.definition(record.target_table)
        target = imported_target(before, planned.plan, record.options, record.target_table)
        table = await warehouse.prepare_import(target.table, catalog={})
        target = replace(target, table=table)
        if target.mode is not ImportMode.REPLACE:
            return target, table
        return target, await warehouse.draft(table, record.ingestion.request_id)

    async def _load(self, work: _Import) -> None:
        load, committed = work.load, work.committed
        if not load.files[0].status.terminal:
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
        self, work: _Import, run: int, path: Path, committed: Container[ChunkKey]
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

    def _source(self, work: _Import, run: int, path: Path) -> ImportSource:
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

    async def _await_parents(self, work: _Import) -> None:
        """Wait for the loads of a contract's parent tables; those of imports have none."""
        if work.table.references:
            load = work.load
            await self._parent_loads.ended(load.ingestion, work.table.name, load.catalog)

    async def _end(self, work: _Import) -> None:
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

    async def _replace(self, work: _Import) -> None:
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

    async def _tell_observer(self, work: _Import) -> None:
        load, table = work.load, work.target.table
        await self._observer.load_ended(load.job.tenant_id, {table.name}, load.catalog)
