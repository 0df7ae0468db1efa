"""What time makes superfluous, removed now and then."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import structlog

from headrace_server.core.background import in_background
from headrace_server.core.datamarts.datamarts import Datamarts
from headrace_server.core.exports.exports import Exports
from headrace_server.core.idempotency import Idempotency
from headrace_server.core.ingestion.settling import Settlement
from headrace_server.core.ingestion.uploads import Uploads
from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.limits import Limits
from headrace_server.core.pipelines.runs import Runs
from headrace_server.core.readiness.datasets import Datasets
from headrace_server.core.remote_jobs.requests import RemoteJobs
from headrace_server.db import ingestions as ingestion_rows
from headrace_server.db import trigger_arrivals as arrival_rows
from headrace_server.db import watch_tokens as token_rows
from headrace_server.db.engine import ControlStore
from headrace_server.files.spool import Spool
from headrace_server.model.errors import StaleAttemptError
from headrace_server.model.ingestion import Status
from headrace_server.warehouse.registry import Warehouses

_log = structlog.get_logger(__name__)

_EVERY = timedelta(minutes=1)
# Longer than it takes a retry, reopening an ingestion, to put something into its folder.
_QUIET = timedelta(hours=1)


class Housekeeping:
    """Drops expired sessions, idempotency keys and watch tokens, and bytes kept long enough."""

    def __init__(
        self,
        store: ControlStore,
        spool: Spool,
        uploads: Uploads,
        settlement: Settlement,
        idempotency: Idempotency,
        jobs: Jobs,
        remote_jobs: RemoteJobs,
        datasets: Datasets,
        datamarts: Datamarts,
        runs: Runs,
        exports: Exports,
        warehouses: Warehouses,
        limits: Limits,
        clock: Callable[[], datetime],
        every: timedelta = _EVERY,
    ) -> None:
        self._store = store
        self._spool = spool
        self._uploads = uploads
        self._settlement = settlement
        self._idempotency = idempotency
        self._jobs = jobs
        self._remote_jobs = remote_jobs
        self._datasets = datasets
        self._datamarts = datamarts
        self._exports = exports
        self._runs = runs
        self._warehouses = warehouses
        self._kept_bytes_life = limits.kept_bytes_life
        self._clock = clock
        self._every = every.total_seconds()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Sweep now and then until the block ends."""
        async with in_background(self._run(), "housekeeping"):
            yield

    async def _run(self) -> None:
        while True:
            await self._try(self._reap)
            await self._try(self._settlement.settle_all)
            await self._try(self._rescore)
            await self._try(self.sweep)
            await asyncio.sleep(self._every)

    async def _try(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception:  # noqa: BLE001  # what is left over waits for the next round
            _log.exception("housekeeping.failed")

    async def _reap(self) -> None:
        # Where no worker does so more often: remote workers come to a server that has none.
        await self._jobs.reap()

    async def _rescore(self) -> None:
        await self._datasets.rescore_due()

    async def sweep(self) -> None:
        """Remove everything that is due."""
        await self._uploads.sweep()
        await self._uploads.sweep_loaded()
        await self._idempotency.sweep()
        await self._remote_jobs.sweep()
        await self._runs.sweep()
        await self._exports.sweep()
        async with self._store.begin() as connection:
            await token_rows.delete_expired(connection, self._clock())
            await arrival_rows.forget_messages(connection, self._clock())
        await self._drop_left_loads()
        await self._drop_imports()
        await self._datamarts.drop_expired()

    async def _drop_left_loads(self) -> None:
        """Free what loads left on their way that were cancelled, or died before their end."""
        for request_id in await asyncio.to_thread(self._spool.quiet_loads, self._clock() - _QUIET):
            async with self._store.read() as connection:
                ingestion = await ingestion_rows.find_in_any_tenant(connection, request_id)
            if ingestion is None or ingestion.status.terminal:
                await asyncio.to_thread(self._spool.drop_load, request_id)
                await asyncio.to_thread(self._spool.drop_all_replays, request_id)

    async def _drop_imports(self) -> None:
        """Free copies and drafts of imports that were kept for a retry long enough."""
        since = self._clock() - self._kept_bytes_life
        for request_id in await asyncio.to_thread(self._spool.quiet_imports, since):
            async with self._store.read() as connection:
                # In this order: an attempt that begins between the two is seen by the status.
                attempt = await ingestion_rows.attempt(connection, request_id)
                ingestion = await ingestion_rows.find_in_any_tenant(connection, request_id)
            if ingestion is not None and not ingestion.status.terminal:
                continue
            if ingestion is not None:
                # Who cancels fences off the attempt that ran, with the number of the next.
                attempt += ingestion.status is Status.CANCELLED
                try:
                    async with self._warehouses.use(ingestion.tenant_id) as warehouse:
                        await warehouse.drop_draft(request_id, attempt)
                except StaleAttemptError:  # it was retried just now
                    continue
            # Last: by the copy it is found again if this was cut off.
            await asyncio.to_thread(self._spool.drop_import, request_id)
