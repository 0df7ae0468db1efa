"""Rows that mappings write into tables: what one mapping carries is one chunk of the ledger."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from headrace_server.connectors.base import Call
from headrace_server.connectors.documents import encode_lines
from headrace_server.core.contracts.registry import Contracts
from headrace_server.core.ingestion.load_records import request_id_of
from headrace_server.core.ingestion.parsing import Parsers, ParseTask
from headrace_server.core.ingestion.settling import Settlement
from headrace_server.core.limits import Limits
from headrace_server.core.mappings.outcomes import rows_of
from headrace_server.core.readiness.observing import Observer
from headrace_server.files.chunks import ChunkRange
from headrace_server.files.disk import on_disk
from headrace_server.files.spool import Spool
from headrace_server.model.contract import Table
from headrace_server.model.errors import NotFoundError
from headrace_server.model.job import Job
from headrace_server.model.mapping import Record
from headrace_server.model.warehouse import ChunkKey, LedgerEntry, StagedChunk
from headrace_server.warehouse.base import Warehouse
from headrace_server.warehouse.registry import Warehouses

#: key of a job's payload that says that its mappings write into tables
CHUNK_BYTES = "chunk_bytes"
#: rejects, and entries of the ledger, that are read at a time
_PAGE = 500


def writes_tables(job: Job) -> bool:
    """Whether any mapping of the job's request has a table as its target."""
    return CHUNK_BYTES in job.payload


class TableLoads:
    """Loads what mappings carry, checked by the contract, and kept aside where it breaks it.

    A mapping's place in its request is its file number in the warehouse, and the tries it had
    before this run are the number of its chunk: carried again after a crash it finds its entry in
    the ledger, and carried again after a failure it replaces the rejects it had then.
    """

    def __init__(
        self,
        contracts: Contracts,
        warehouses: Warehouses,
        spool: Spool,
        parsers: Parsers,
        settlement: Settlement,
        observer: Observer,
        limits: Limits,
    ) -> None:
        self._contracts = contracts
        self._warehouses = warehouses
        self._spool = spool
        self._parsers = parsers
        self._settlement = settlement
        self._observer = observer
        self._limits = limits

    async def begin(self, job: Job) -> None:
        """Shut the warehouse to earlier attempts, and drop what they staged.

        Raises StaleAttemptError.
        """
        async with self._warehouses.use(job.tenant_id) as warehouse:
            await warehouse.fence(request_id_of(job), job.attempt)
        await asyncio.to_thread(self._spool.drop_staging, request_id_of(job), before=job.attempt)

    async def load(self, name: str, records: Sequence[Record], call: Call) -> LedgerEntry:
        """Merge the records of one mapping, unless that was done; returns what became of them.

        Raises NotFoundError where no contract declares the table, InvalidContractError where the
        table contradicts it, StaleAttemptError.
        """
        catalog = await self._contracts.catalog(call.tenant_id)
        if name not in catalog:
            raise NotFoundError("table", name)
        async with self._warehouses.use(call.tenant_id) as warehouse:
            await warehouse.prepare(catalog)
            if call.tries_before and (done := await _loaded_before(warehouse, call)):
                return done
            with on_disk("staging what a mapping carries"):
                folder = await asyncio.to_thread(self._folder, call)
            try:
                chunk = await self._staged(warehouse, folder, catalog[name], records, call)
                return await warehouse.merge(chunk, catalog)
            finally:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def rows(self, job: Job) -> dict[str, int]:
        """Count the rows of the job's request as they stand, after settling what it released."""
        async with self._warehouses.use(job.tenant_id) as warehouse:
            # Others first, so that whoever sees this end finds theirs settled.
            await self._settlement.settle(warehouse)
            await self._tell_observer(job, warehouse)
            return rows_of(await warehouse.tally(request_id_of(job)))

    async def settle(self, job: Job) -> None:
        """Free what was staged, and bring the counts of ended ingestions up to date."""
        await asyncio.to_thread(self._spool.drop_load, request_id_of(job))
        async with self._warehouses.use(job.tenant_id) as warehouse:
            await self._settlement.settle(warehouse)

    async def count(self, job: Job) -> None:
        """Count a request that was cancelled while a mapping of it was written."""
        async with self._warehouses.use(job.tenant_id) as warehouse:
            await self._settlement.count(warehouse, request_id_of(job))
            await self._tell_observer(job, warehouse)

    async def _tell_observer(self, job: Job, warehouse: Warehouse) -> None:
        tables = await warehouse.loaded_tables(request_id_of(job))
        catalog = await self._contracts.catalog(job.tenant_id)
        await self._observer.load_ended(job.tenant_id, tables, catalog)

    def _folder(self, call: Call) -> Path:
        staging = self._spool.staging_folder(call.request_id, call.fence)
        folder = staging / f"{call.position}-{uuid4().hex}"
        folder.mkdir()
        return folder

    async def _staged(
        self,
        warehouse: Warehouse,
        folder: Path,
        table: Table,
        records: Sequence[Record],
        call: Call,
    ) -> StagedChunk:
        data = encode_lines(records)
        source = folder / "records.ndjson"
        with on_disk("staging what a mapping carries"):
            await asyncio.to_thread(source.write_bytes, data)
        whole = ChunkRange(call.tries_before, 0, len(data), 1)
        target, limit = folder / "staged", self._limits.line_bytes
        task = ParseTask(source, whole, table, warehouse.dialect, target, limit)
        parsed = await self._parsers.parse(task)
        rejected = await _rejected_before(warehouse, call) if call.tries_before else ()
        return StagedChunk(
            key=ChunkKey(call.request_id, call.position, 0, call.tries_before),
            attempt=call.fence,
            table=table,
            path=target,
            first_line=1,
            byte_offset=0,
            byte_length=len(data),
            rows_valid=parsed.rows_valid,
            rows_rejected=parsed.rows_rejected,
            replayed_reject_ids=rejected,
        )


async def _loaded_before(warehouse: Warehouse, call: Call) -> LedgerEntry | None:
    """Find what an earlier run loaded whose answer was lost, or a replay of its rejects."""
    after = ChunkKey(call.request_id, call.position, -1, -1)
    while True:
        page = await warehouse.ledger_page(call.request_id, after, _PAGE)
        for entry in page:
            if entry.key.file_no != call.position:
                return None
            if entry.rows_loaded or entry.rows_parked:
                return entry
        if len(page) < _PAGE:
            return None
        after = page[-1].key


async def _rejected_before(warehouse: Warehouse, call: Call) -> tuple[str, ...]:
    """Return the ids of the mapping's rejects."""
    found: list[str] = []
    after = f"r-{call.position}-0-0"
    while True:
        page = await warehouse.kept_rows(
            call.request_id, rejected=True, parked=False, after=after, limit=_PAGE
        )
        own = [row.reject_id for row in page if row.file_no == call.position]
        found += own
        if len(own) < _PAGE:
            return tuple(found)
        after = own[-1]
