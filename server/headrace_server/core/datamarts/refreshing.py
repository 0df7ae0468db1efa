"""The runner of jobs that refresh datamarts."""

import time
from collections.abc import Callable
from datetime import datetime

import structlog

from headrace_server.core.datamarts.endings import Endings, refresh_topic
from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.row_counting import rows_of
from headrace_server.db import datamart_refreshes as refresh_rows
from headrace_server.db import datamarts as mart_rows
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.wakeups import Wakeups
from headrace_server.model.datamart import (
    OPEN_REFRESHES,
    BuiltRows,
    Datamart,
    MartType,
    Refresh,
    RefreshStatus,
    Version,
)
from headrace_server.model.errors import (
    AlreadyExistsError,
    HeadraceError,
    InvalidQueryError,
    QueryTimeoutError,
    WrongStateError,
)
from headrace_server.model.job import Job, JobStatus
from headrace_server.warehouse.base import Warehouse
from headrace_server.warehouse.marts import select_all
from headrace_server.warehouse.registry import Warehouses

#: seconds that the query of a datamart may take
_MOST_SECONDS = 3600
#: seconds between two words on how far it is
_TELLING = 0.5
#: attempts that a refresh has at most, those that were given back among them
_ATTEMPTS = 1000

_log = structlog.get_logger(__name__)


class Refreshing:
    """Refreshes the datamart that a job asks for, and writes down how that went."""

    def __init__(
        self,
        store: ControlStore,
        jobs: Jobs,
        endings: Endings,
        warehouses: Warehouses,
        wakeups: Wakeups,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._endings = endings
        self._warehouses = warehouses
        self._wakeups = wakeups
        self._clock = clock

    async def run(self, job: Job) -> None:
        """Refresh, and end the job with the refresh. Raises StaleAttemptError."""
        begun = await self._begin(job)
        if begun is None:
            return
        refresh, mart = begun
        try:
            async with self._warehouses.use(mart.tenant_id) as warehouse:
                built = await self._build(job, refresh, mart, warehouse)
                if await self._is_newest(mart):
                    await warehouse.marts.point(mart)
        except QueryTimeoutError as error:
            seconds = error.metadata["timeout_seconds"]
            await self._fail(job, refresh, f"the query ran longer than {seconds} s")
        except (InvalidQueryError, AlreadyExistsError, WrongStateError) as error:
            # Trying again would not help.
            await self._fail(job, refresh, error.message)
        else:
            await self._complete(job, refresh, mart, built)
            if mart.version is not None:
                await self._show_newest(mart, mart.version)

    async def _begin(self, job: Job) -> tuple[Refresh, Datamart] | None:
        """Note that a refresh is under way; where it has ended, end the job instead."""
        async with self._store.begin() as connection:
            await self._jobs.hold(connection, job.job_id, job.attempt)
            refresh = await refresh_rows.find_in_any_tenant(connection, job.payload["refresh_id"])
            mart = await self._mart_of(connection, refresh)
            if refresh is None or mart is None or refresh.terminal:
                await self._jobs.complete(connection, job.job_id, job.attempt)
                return None
            await refresh_rows.update(
                connection,
                refresh.refresh_id,
                OPEN_REFRESHES,
                status=RefreshStatus.RUNNING.value,
                started_at=refresh.started_at or self._clock(),
                rows_written=0,
            )
        self._wakeups.notify(refresh_topic(refresh.refresh_id))
        return refresh, mart

    async def _mart_of(self, connection: Connection, refresh: Refresh | None) -> Datamart | None:
        if refresh is None:
            return None
        return await mart_rows.find_in_any_tenant(connection, refresh.datamart_id)

    async def _build(
        self, job: Job, refresh: Refresh, mart: Datamart, warehouse: Warehouse
    ) -> BuiltRows:
        told = time.monotonic()

        async def report(rows: int) -> None:
            nonlocal told
            if time.monotonic() - told > _TELLING:
                told = time.monotonic()
                await self._tell(job, refresh, rows)

        query = await warehouse.guarded(mart.query)
        if mart.type is MartType.VIEW:
            await warehouse.marts.create(mart, query)
            return BuiltRows(await rows_of(warehouse, select_all(mart.relation), _MOST_SECONDS), 0)
        return await warehouse.marts.refresh(
            mart,
            query,
            refresh.number * _ATTEMPTS + min(job.attempt, _ATTEMPTS - 1),
            concurrent=refresh.concurrent,
            seconds=_MOST_SECONDS,
            report=report,
        )

    async def _is_newest(self, mart: Datamart) -> bool:
        """Whether its rows are those of the newest version, and there are versions."""
        if mart.version is None:
            return False
        shown = await self._shown(mart, mart.version)
        return shown is None or shown.created_at <= mart.created_at

    async def _shown(self, mart: Datamart, version: Version) -> Datamart | None:
        """The version that the name of a datamart's versions is to stand for."""
        async with self._store.read() as connection:
            return await mart_rows.find(
                connection, mart.tenant_id, mart.schema, version.versioned_name
            )

    async def _show_newest(self, mart: Datamart, version: Version) -> None:
        """Have the name stand for the newest version, also where another ended beside this one."""
        shown, pointed = await self._shown(mart, version), None
        while shown is not None and shown.datamart_id != pointed:
            try:
                async with self._warehouses.use(mart.tenant_id) as warehouse:
                    await warehouse.marts.point(shown)
            except HeadraceError as error:
                _log.warning("datamarts.cannot_show", datamart=shown.name, error=error.message)
                return
            pointed, shown = shown.datamart_id, await self._shown(mart, version)

    async def _tell(self, job: Job, refresh: Refresh, rows: int) -> None:
        """Tell how far it is. Raises StaleAttemptError."""
        async with self._store.begin() as connection:
            await self._jobs.hold(connection, job.job_id, job.attempt)
            await refresh_rows.update(
                connection, refresh.refresh_id, OPEN_REFRESHES, rows_written=rows
            )
        self._wakeups.notify(refresh_topic(refresh.refresh_id))

    async def _complete(self, job: Job, refresh: Refresh, mart: Datamart, built: BuiltRows) -> None:
        now = self._clock()
        async with self._store.begin() as connection:
            await self._jobs.complete(connection, job.job_id, job.attempt)
            topics = await self._endings.end(
                connection, refresh, RefreshStatus.COMPLETED, now, built=built
            )
            if mart.version is not None:
                await self._endings.supersede(connection, mart, now)
        self._notify(topics)

    async def _fail(self, job: Job, refresh: Refresh, error: str) -> None:
        async with self._store.begin() as connection:
            await self._jobs.complete(connection, job.job_id, job.attempt)
            topics = await self._endings.end(
                connection, refresh, RefreshStatus.FAILED, self._clock(), error=error
            )
        self._notify(topics)

    def _notify(self, topics: list[str]) -> None:
        for topic in topics:
            self._wakeups.notify(topic)

    async def failed(self, connection: Connection, job: Job) -> list[str]:
        """Record a failed attempt in the transaction that counts it; returns what to notify."""
        refresh_id = job.payload["refresh_id"]
        if job.status is JobStatus.PENDING:
            await refresh_rows.update(
                connection,
                refresh_id,
                OPEN_REFRESHES,
                status=RefreshStatus.PENDING.value,
                error=job.failure,
            )
            return [refresh_topic(refresh_id)]
        refresh = await refresh_rows.find_in_any_tenant(connection, refresh_id)
        if refresh is None:
            return []
        error = job.failure
        return await self._endings.end(
            connection, refresh, RefreshStatus.FAILED, self._clock(), error=error
        )
