"""Exports as their callers see them: asked for, waited for, watched, cancelled, swept away."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Callable
from datetime import datetime, timedelta

from headrace_server.core.exports.queries import SourceQueries
from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.limits import Limits
from headrace_server.core.pages import page_of, position_of
from headrace_server.core.waiting import wait_for_end
from headrace_server.core.watching import Watches
from headrace_server.db import exports as export_rows
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.wakeups import Wakeups
from headrace_server.files.exporting.names import file_name
from headrace_server.files.spool import Spool
from headrace_server.model.errors import (
    InvalidFieldError,
    NotFoundError,
    QuotaExceededError,
    WrongStateError,
)
from headrace_server.model.export import (
    OPEN_EXPORTS,
    Export,
    ExportFormat,
    ExportRequest,
    ExportStatus,
    SourceType,
)
from headrace_server.model.job import Clocks, NewJob
from headrace_server.model.page import Page, PageRequest
from headrace_server.model.tenant import Principal
from headrace_server.warehouse.registry import Warehouses

#: kind of the job that exports; its payload names the export
EXPORT = "export"
#: exports of a tenant that may wait or run
MOST_OPEN = 20
#: what one attempt may take at most
_ATTEMPT = timedelta(hours=2)
#: how long an export that has not ended is known
_KNOWN = timedelta(days=7)
_RETRY_AFTER = 5.0
_SWEPT_AT_ONCE = 100


def export_topic(export_id: str) -> str:
    """Topic of an export's changes."""
    return f"export:{export_id}"


class Exports:
    """Exports of the tenant that calls."""

    def __init__(
        self,
        store: ControlStore,
        jobs: Jobs,
        warehouses: Warehouses,
        queries: SourceQueries,
        spool: Spool,
        watches: Watches,
        wakeups: Wakeups,
        limits: Limits,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._warehouses = warehouses
        self._queries = queries
        self._spool = spool
        self._watches = watches
        self._wakeups = wakeups
        self._limits = limits
        self._clock = clock

    async def start(
        self, caller: Principal, request: ExportRequest, *, export_id: str | None = None
    ) -> Export:
        """Have something exported; returns the export, PENDING.

        Given an `export_id` for the second time it returns the export of the first. Raises
        NotFoundError for a datamart or table that is not there, InvalidQueryError for a query that
        does more than read, InvalidFieldError for a report that is no workbook, QuotaExceededError
        for one export too many.
        """
        await self._check(caller, request)
        export = _new(export_id or str(uuid.uuid4()), caller.tenant_id, request, self._clock())
        async with self._store.begin() as connection:
            is_new = await export_rows.insert(connection, export)
            if is_new:
                await self._check_open(connection, export)
                job = await self._jobs.enqueue(connection, self._job(export))
                await export_rows.set_job(connection, export.export_id, job.job_id)
        if not is_new:
            return await self.get(caller, export.export_id)
        self._jobs.announce()
        return export

    def _job(self, export: Export) -> NewJob:
        return NewJob(
            EXPORT,
            export.tenant_id,
            {"export_id": export.export_id},
            clocks=Clocks(lease=self._limits.lease, attempt=_ATTEMPT),
        )

    async def _check(self, caller: Principal, request: ExportRequest) -> None:
        if request.sections and request.output.format is not ExportFormat.XLSX:
            raise InvalidFieldError.of("output_config.format", "must be XLSX for a report")
        if request.output.gzip and request.output.format is not ExportFormat.CSV:
            raise InvalidFieldError.of("output_config.compression", "is for CSV only")
        sources = [("data_source", request.source)] + [
            (f"sections[{number}]", section.source)
            for number, section in enumerate(request.sections)
        ]
        async with self._warehouses.use(caller.tenant_id) as warehouse:
            for field, source in sources:
                if source is not None:
                    part = "query" if source.type is SourceType.QUERY else "name"
                    await self._queries.read(caller.tenant_id, warehouse, source, f"{field}.{part}")

    async def _check_open(self, connection: Connection, export: Export) -> None:
        if await export_rows.count_open(connection, export.tenant_id) > MOST_OPEN:
            raise QuotaExceededError(
                f"{MOST_OPEN} exports of this tenant are under way; wait for one to end",
                limit="exports",
                retry_after=_RETRY_AFTER,
            )

    async def get(self, caller: Principal, export_id: str) -> Export:
        """Return an export as it stands. Raises NotFoundError, also once it has expired."""
        export, _ = await self._find(caller, export_id)
        return export

    async def _find(self, caller: Principal, export_id: str) -> tuple[Export, str]:
        async with self._store.read() as connection:
            found = await export_rows.find(connection, caller.tenant_id, export_id, self._clock())
        if found is None:
            raise NotFoundError("export", export_id)
        return found

    async def list(self, caller: Principal, request: PageRequest) -> Page[Export]:
        """A page of the exports that have not expired, newest first. Raises InvalidFieldError."""
        after = position_of(request.token)
        async with self._store.read() as connection:
            rows = await export_rows.page(
                connection, caller.tenant_id, self._clock(), after=after, limit=request.limit + 1
            )
        return page_of(rows, request.limit, lambda e: (e.created_at.isoformat(), e.export_id))

    async def wait(self, caller: Principal, export_id: str, seconds: float) -> Export:
        """Return an export when it has ended, or after so many seconds. Raises NotFoundError."""
        return await wait_for_end(
            self._wakeups,
            export_topic(export_id),
            lambda: self.get(caller, export_id),
            lambda found: found.terminal,
            seconds,
        )

    def watch(
        self, caller: Principal, export_id: str, after_revision: int
    ) -> AsyncGenerator[Export, None]:
        """Yield snapshots as `Watches.stream` does; it raises NotFoundError."""
        return self._watches.stream(
            caller.tenant_id,
            export_topic(export_id),
            lambda: self.get(caller, export_id),
            after_revision,
        )

    async def cancel(self, caller: Principal, export_id: str) -> Export:
        """End an export; one that has ended stays as it is. Raises NotFoundError."""
        export, job_id = await self._find(caller, export_id)
        if export.terminal:
            return export
        try:
            async with self._store.begin() as connection:
                await self._jobs.cancel(connection, caller.tenant_id, job_id)
                await export_rows.change(
                    connection,
                    export_id,
                    OPEN_EXPORTS,
                    **export_rows.ended(export, ExportStatus.CANCELLED, self._clock()),
                )
        except WrongStateError:
            # It ended at this moment.
            return await self.get(caller, export_id)
        self._jobs.announce_cancel(job_id)
        self._wakeups.notify(export_topic(export_id))
        # Its worker may be gone; one that runs deletes what it still writes.
        await asyncio.to_thread(self._spool.drop_export, export_id)
        return await self.get(caller, export_id)

    async def sweep(self) -> None:
        """Forget exports, of all tenants, whose time is over, and delete their files."""
        async with self._store.read() as connection:
            due = await export_rows.expired(connection, self._clock(), _SWEPT_AT_ONCE)
        for export_id in due:
            # The file first: by its export it is found again if this is cut off.
            await asyncio.to_thread(self._spool.drop_export, export_id)
            async with self._store.begin() as connection:
                await export_rows.delete(connection, export_id)


def _new(export_id: str, tenant_id: str, request: ExportRequest, now: datetime) -> Export:
    return Export(
        export_id=export_id,
        tenant_id=tenant_id,
        request=request,
        status=ExportStatus.PENDING,
        file_name=file_name(request.output.file_name or _called(request, now), request.output),
        revision=1,
        rows=0,
        total_rows=None,
        truncated=False,
        sheets=(),
        warnings=(),
        file_bytes=0,
        file_attempt=0,
        error=None,
        created_at=now,
        started_at=None,
        completed_at=None,
        expires_at=now + _KNOWN,
    )


def _called(request: ExportRequest, now: datetime) -> str:
    """What a file is called that nobody gave a name."""
    if request.source is None:
        return request.title
    return f"{request.source.name or 'export'}_{now:%Y_%m_%d}"
