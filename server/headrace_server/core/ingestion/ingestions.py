"""Ingestions as their callers see them: read, list, cancel, retry."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from headrace_server.core.ingestion.endings import cancel
from headrace_server.core.ingestion.reopening import reopen
from headrace_server.core.ingestion.settling import Settlement
from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.mappings.table_loads import CHUNK_BYTES
from headrace_server.core.pages import decode_token, invalid_token, page_of, position_of
from headrace_server.db import holds as hold_rows
from headrace_server.db import ingestions as ingestion_rows
from headrace_server.db import mappings as mapping_rows
from headrace_server.db.engine import ControlStore
from headrace_server.db.point_reads import PointReads
from headrace_server.db.wakeups import Wakeups, ingestion_topic
from headrace_server.files.spool import Spool
from headrace_server.model.errors import NotFoundError, WrongStateError
from headrace_server.model.ingestion import Ingestion, IngestionFile, Kind, Status
from headrace_server.model.mapping import MappingResult, MappingStatus
from headrace_server.model.page import Page, PageRequest
from headrace_server.model.tenant import Principal
from headrace_server.model.warehouse import ChunkKey, LedgerEntry
from headrace_server.warehouse.registry import Warehouses


@dataclass(frozen=True, slots=True)
class Results:
    """What became of an ingestion's files and chunks, or of its mappings."""

    ingestion: Ingestion
    #: in the order of loading
    files: tuple[IngestionFile, ...]
    #: by file, run and chunk; none of mappings
    chunks: Page[LedgerEntry]
    #: in their order; none of files
    mappings: Page[MappingResult]


_INT32 = range(2**31)


class Ingestions:
    """The ingestions of a tenant."""

    def __init__(
        self,
        store: ControlStore,
        points: PointReads,
        jobs: Jobs,
        warehouses: Warehouses,
        spool: Spool,
        settlement: Settlement,
        wakeups: Wakeups,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._points = points
        self._jobs = jobs
        self._warehouses = warehouses
        self._spool = spool
        self._settlement = settlement
        self._wakeups = wakeups
        self._clock = clock

    async def get(self, caller: Principal, request_id: str) -> Ingestion:
        """Return the ingestion as it stands. Raises NotFoundError."""
        ingestion = await self._points.ingestion(caller.tenant_id, request_id)
        if ingestion is None:
            raise NotFoundError("ingestion", request_id)
        return ingestion

    async def list(
        self, caller: Principal, status: Status | None, page: PageRequest
    ) -> Page[Ingestion]:
        """Return a page of the tenant's ingestions, newest first."""
        after = position_of(page.token)
        async with self._store.read() as connection:
            found = await ingestion_rows.page(
                connection, caller.tenant_id, status=status, after=after, limit=page.limit + 1
            )
        return page_of(
            found, page.limit, lambda last: [last.created_at.isoformat(), last.request_id]
        )

    async def results(self, caller: Principal, request_id: str, page: PageRequest) -> Results:
        """Return the files and a page of the committed chunks, or a page of the mappings."""
        ingestion = await self.get(caller, request_id)
        if ingestion.kind is Kind.MAPPINGS:
            return Results(ingestion, (), Page(()), await self._mappings(request_id, page))
        async with self._store.read() as connection:
            files = await ingestion_rows.files(connection, request_id)
        after = None
        if page.token:
            file_no, run, chunk = map(int, decode_token(page.token, int, int, int))
            if not all(number in _INT32 for number in (file_no, run, chunk)):
                raise invalid_token()
            after = ChunkKey(request_id, file_no, run, chunk)
        async with self._warehouses.use(caller.tenant_id) as warehouse:
            found = await warehouse.ledger_page(request_id, after, page.limit + 1)
        chunks = page_of(
            found,
            page.limit,
            lambda last: [last.key.file_no, last.key.run, last.key.chunk],
        )
        return Results(ingestion, tuple(files), chunks, Page(()))

    async def _mappings(self, request_id: str, page: PageRequest) -> Page[MappingResult]:
        after = -1
        if page.token:
            (after,) = map(int, decode_token(page.token, int))
            if after not in _INT32:
                raise invalid_token()
        async with self._store.read() as connection:
            found = await mapping_rows.results_page(connection, request_id, after, page.limit + 1)
        return page_of(found, page.limit, lambda last: [last.position])

    async def cancel(self, caller: Principal, request_id: str) -> Ingestion:
        """End the ingestion, and the remote jobs that keep it open: what is loaded stays.

        A finished one stays as it is.
        """
        while True:
            ingestion = await self.get(caller, request_id)
            if ingestion.status.terminal:
                return ingestion
            try:
                attempt = await self._end(caller, ingestion)
                break
            except WrongStateError:
                # Its own work ended, or a remote job was queued, at this moment.
                continue
        self._wakeups.notify(ingestion_topic(request_id))
        if attempt is None:
            return await self.get(caller, request_id)
        return await self._count_cancelled(caller, request_id, attempt)

    async def _end(self, caller: Principal, ingestion: Ingestion) -> int | None:
        """Cancel jobs and ingestion; returns the attempt that may still be merging, if one may."""
        details = "cancelled on request; what was done before stays"
        request_id, merges = ingestion.request_id, ingestion.kind is not Kind.MAPPINGS
        async with self._store.begin() as connection:
            job_id = await ingestion_rows.job_id(connection, request_id)
            attempt = await hold_rows.attempt_that_ended(connection, request_id)
            # One that only waits for remote jobs has no work of its own left to cancel.
            if attempt is None:
                job = await self._jobs.cancel(connection, caller.tenant_id, job_id)
                attempt, merges = job.attempt, CHUNK_BYTES in job.payload
            jobs = await cancel(connection, self._jobs, request_id, self._clock(), details)
            await ingestion_rows.end_open_files(connection, request_id, Status.CANCELLED)
            await mapping_rows.end_pending(connection, request_id, MappingStatus.CANCELLED)
        for each in (job_id, *jobs):
            self._jobs.announce_cancel(each)
        return attempt if merges else None

    async def _count_cancelled(self, caller: Principal, request_id: str, attempt: int) -> Ingestion:
        """Shut the warehouse to the cancelled attempt, then count what it had loaded."""
        async with self._warehouses.use(caller.tenant_id) as warehouse:
            await warehouse.fence(request_id, attempt + 1)
            # A replay that was under way is over too, and a retry must not take it up.
            await asyncio.to_thread(self._spool.drop_all_replays, request_id)
            await self._settlement.count(warehouse, request_id)
            await self._settlement.settle(warehouse)
        self._wakeups.notify(ingestion_topic(request_id))
        return await self.get(caller, request_id)

    async def retry(self, caller: Principal, request_id: str) -> Ingestion:
        """Run again what failed or was cancelled. Raises WrongStateError for any other.

        Remote jobs are armed again one by one; those that are open keep it open as before.
        """
        ingestion = await self.get(caller, request_id)
        async with self._store.begin() as connection:
            reopened = await reopen(connection, self._jobs, ingestion)
        self._wakeups.notify(ingestion_topic(request_id))
        self._jobs.announce()
        return reopened

    async def active(self) -> int:
        """Ingestions of all tenants that have not ended."""
        async with self._store.read() as connection:
            return await ingestion_rows.count_active(connection)
