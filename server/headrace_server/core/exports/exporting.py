"""The runner of jobs that export."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from headrace_server.core.exports.exports import export_topic
from headrace_server.core.exports.queries import SourceQueries, in_field
from headrace_server.core.exports.writer import Writer, writing
from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.row_counting import rows_of
from headrace_server.db import exports as export_rows
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.wakeups import Wakeups
from headrace_server.files.disk import on_disk
from headrace_server.files.exporting.messages import (
    FilePlan,
    Rows,
    TableBegin,
    TableEnd,
    Values,
)
from headrace_server.files.spool import Spool
from headrace_server.model.errors import (
    InvalidFieldError,
    InvalidQueryError,
    NotFoundError,
    QueryTimeoutError,
    TooLargeError,
)
from headrace_server.model.export import (
    OPEN_EXPORTS,
    ChartType,
    Export,
    ExportRequest,
    ExportSource,
    ExportStatus,
    SectionType,
    Written,
)
from headrace_server.model.job import Job, JobStatus
from headrace_server.warehouse.base import Warehouse
from headrace_server.warehouse.guarding.query import GuardedQuery
from headrace_server.warehouse.registry import Warehouses

#: seconds of one query, which are those of writing its rows too
_QUERY_SECONDS = 3600.0
#: seconds of counting the rows that were not asked for
_COUNT_SECONDS = 20.0
_BATCH = 500
#: seconds between two words on how far it is
_PACE = 0.5


@dataclass(frozen=True, slots=True)
class _Table:
    """Rows that are to be written."""

    field: str
    heading: str
    source: ExportSource
    is_chart: bool = False
    chart_type: ChartType | None = None


class Exporting:
    """Reads what a job asks for, has it written, and ends the job with the export."""

    def __init__(
        self,
        store: ControlStore,
        jobs: Jobs,
        warehouses: Warehouses,
        queries: SourceQueries,
        spool: Spool,
        wakeups: Wakeups,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._warehouses = warehouses
        self._queries = queries
        self._spool = spool
        self._wakeups = wakeups
        self._clock = clock

    async def run(self, job: Job) -> None:
        """Export, and end the job with the export. Raises StaleAttemptError."""
        async with self._store.read() as connection:
            export = await export_rows.find_in_any_tenant(connection, job.payload["export_id"])
        if export is None or export.terminal:
            async with self._store.begin() as connection:
                await self._jobs.complete(connection, job.job_id, job.attempt)
            return
        await self._note(job, export, status=ExportStatus.IN_PROGRESS.value, rows=0,
                         started_at=export.started_at or self._clock())  # fmt: skip
        await asyncio.to_thread(self._make_room, export.export_id, job.attempt)
        kept = None
        try:
            if await self._export(job, export):
                kept = job.attempt
        finally:
            # With what attempts left behind that were killed.
            drop = partial(self._spool.drop_export_attempts, export.export_id, keep=kept)
            await asyncio.shield(asyncio.to_thread(drop))

    def _make_room(self, export_id: str, attempt: int) -> None:
        with on_disk("making room for an export"):
            self._spool.begin_export(export_id, attempt)

    async def _export(self, job: Job, export: Export) -> bool:
        """Write the file and end the export; whether there is a file to be kept."""
        try:
            written, total_rows = await self._write(job, export)
        except (NotFoundError, InvalidFieldError, TooLargeError, QueryTimeoutError) as error:
            # Such as a column that is not there: trying again would not help.
            await self._end(job, export, status=ExportStatus.FAILED, error=error.message)
            return False
        path = self._spool.export_file(export.export_id, job.attempt)
        stat = await asyncio.to_thread(path.stat)
        await self._end(
            job,
            export,
            status=ExportStatus.COMPLETED,
            rows=written.rows,
            total_rows=total_rows,
            truncated=written.truncated,
            sheets=list(written.sheets),
            warnings=list(written.warnings),
            file_bytes=stat.st_size,
            file_attempt=job.attempt,
            error=None,
        )
        return True

    async def _write(self, job: Job, export: Export) -> tuple[Written, int | None]:
        plan = FilePlan(
            self._spool.export_file(export.export_id, job.attempt),
            export.request.output,
            export.request.title,
            self._clock(),
        )
        progress = _Progress(self, job, export)
        totals: list[int | None] = []
        async with self._warehouses.use(export.tenant_id) as warehouse, writing(plan) as writer:
            for part in _parts(export.request):
                if isinstance(part, Values):
                    await writer.send(part)
                    continue
                field = f"{part.field}.{'query' if part.source.query else 'name'}"
                query = await self._queries.read(export.tenant_id, warehouse, part.source, field)
                try:
                    totals.append(await self._send(warehouse, query, part, writer, progress))
                except InvalidQueryError as error:
                    raise in_field(error, field) from error
            written = await writer.finish()
        return written, sum(filter(None, totals)) if None not in totals else None

    async def _send(
        self,
        warehouse: Warehouse,
        query: GuardedQuery,
        table: _Table,
        writer: Writer,
        progress: "_Progress",
    ) -> int | None:
        """Hand the rows of a query on; returns how many there are, as far as that is known."""
        most = progress.export.request.output.max_rows
        pieces = warehouse.query(query, most_rows=most, timeout=_QUERY_SECONDS, batch=_BATCH)
        count, truncated = 0, False
        async with aclosing(pieces):
            async for piece in pieces:
                if piece.columns:
                    origin = table.source.query or query.sql
                    await writer.send(
                        TableBegin(
                            table.heading, origin, piece.columns, table.is_chart, table.chart_type
                        )
                    )
                if piece.rows:
                    await writer.send(Rows(piece.rows))
                    count += len(piece.rows)
                    await progress.add(len(piece.rows))
                truncated = piece.truncated
        total = await _total(warehouse, query) if truncated else count
        await writer.send(TableEnd(truncated, total))
        return total

    async def note(self, job: Job, export: Export, **values: Any) -> None:
        """Tell how far it is. Raises StaleAttemptError."""
        await self._note(job, export, **values)

    async def _note(self, job: Job, export: Export, **values: Any) -> None:
        async with self._store.begin() as connection:
            await self._jobs.hold(connection, job.job_id, job.attempt)
            await export_rows.change(connection, export.export_id, OPEN_EXPORTS, **values)
        self._wakeups.notify(export_topic(export.export_id))

    async def _end(self, job: Job, export: Export, *, status: ExportStatus, **values: Any) -> None:
        async with self._store.begin() as connection:
            await self._jobs.complete(connection, job.job_id, job.attempt)
            await export_rows.change(
                connection,
                export.export_id,
                OPEN_EXPORTS,
                **export_rows.ended(export, status, self._clock()),
                **values,
            )
        self._wakeups.notify(export_topic(export.export_id))

    async def failed(self, connection: Connection, job: Job) -> list[str]:
        """Record a failed attempt in the transaction that counts it; returns what to notify."""
        export_id = job.payload["export_id"]
        values: dict[str, Any] = {"error": job.failure}
        export = await export_rows.find_in_any_tenant(connection, export_id)
        if export is not None and job.status is not JobStatus.PENDING:
            values |= export_rows.ended(export, ExportStatus.FAILED, self._clock())
        await export_rows.change(connection, export_id, OPEN_EXPORTS, **values)
        return [export_topic(export_id)]


class _Progress:
    """Tells now and then how many rows are on their way."""

    def __init__(self, exporting: Exporting, job: Job, export: Export) -> None:
        self._exporting = exporting
        self._job = job
        self.export = export
        self._rows = 0
        self._next_at = time.monotonic() + _PACE

    async def add(self, rows: int) -> None:
        """Count rows. Raises StaleAttemptError."""
        self._rows += rows
        if time.monotonic() >= self._next_at:
            await self._exporting.note(self._job, self.export, rows=self._rows)
            self._next_at = time.monotonic() + _PACE


def _parts(request: ExportRequest) -> Iterator[_Table | Values]:
    """What is to be written, in order."""
    if request.source is not None:
        heading = request.output.sheet_name or request.source.name or "Data"
        yield _Table("data_source", heading, request.source)
    for number, section in enumerate(request.sections):
        if section.type is SectionType.SUMMARY:
            yield Values(section.name, section.data)
        elif section.source is not None:
            is_chart = section.type is SectionType.CHART
            place = f"sections[{number}]"
            yield _Table(place, section.name, section.source, is_chart, section.chart_type)


async def _total(warehouse: Warehouse, query: GuardedQuery) -> int | None:
    """How many rows a query has; None where counting them takes too long."""
    with suppress(InvalidFieldError, QueryTimeoutError):
        return await rows_of(warehouse, query.sql, _COUNT_SECONDS)
    return None
