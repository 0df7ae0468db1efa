"""Runs the mappings of a request: many at once, written down in batches."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from headrace_server.core.mappings.carrying import Carrier
from headrace_server.core.mappings.records import MappingRecords
from headrace_server.core.mappings.table_loads import TableLoads, writes_tables
from headrace_server.model.errors import StaleAttemptError
from headrace_server.model.ingestion import Ingestion
from headrace_server.model.job import Job
from headrace_server.model.mapping import MappingOutcome, PendingMapping

Begin = Callable[[Job], Awaitable[Ingestion | None]]
"""Notes that a job's ingestion is in progress; None where it has ended, and the job with it."""

#: mappings that are read ahead at a time
_AHEAD = 500
#: outcomes that wait to be written down at most, in batches and in all
_BATCHES, _OUTCOMES = 2, 2000
#: seconds between two transactions: what ends meanwhile shares the next one
_PAUSE = 0.05


@dataclass(slots=True)
class _Run:
    """One attempt at the mappings of one request."""

    job: Job
    #: as it was written down last
    ingestion: Ingestion
    #: mappings to carry; None, once for each carrier, after the last
    waiting: asyncio.Queue[PendingMapping | None]
    #: outcomes that are not written down
    ended: list[MappingOutcome] = field(default_factory=list)
    #: set while a batch, or the end, waits to be written down
    news: asyncio.Event = field(default_factory=asyncio.Event)
    #: set while carriers may go on
    room: asyncio.Event = field(default_factory=asyncio.Event)
    #: set once all carriers and the reader are done
    over: asyncio.Event = field(default_factory=asyncio.Event)


class MappingRunner:
    """The runner of jobs of kind `run_mappings`."""

    def __init__(
        self,
        begin: Begin,
        records: MappingRecords,
        carrier: Carrier,
        loads: TableLoads,
        *,
        batch: int,
        concurrency: int,
    ) -> None:
        """Write down `batch` outcomes at least at a time, and carry `concurrency` at once."""
        self._begin = begin
        self._records = records
        self._carrier = carrier
        self._loads = loads
        self._batch = batch
        self._concurrency = concurrency

    async def run(self, job: Job) -> None:
        """Carry what is pending of the job's request and end both. Raises StaleAttemptError."""
        ingestion = await self._begin(job)
        if ingestion is None:
            return
        if not writes_tables(job):
            await self._run(job, ingestion)
            return
        await self._loads.begin(job)
        try:
            await self._run(job, ingestion)
        except StaleAttemptError:
            # A mapping may have been written after the cancellation was counted.
            await self._loads.count(job)
            raise
        await self._loads.settle(job)

    async def _run(self, job: Job, ingestion: Ingestion) -> None:
        run = _Run(job, ingestion, asyncio.Queue(self._concurrency))
        run.room.set()
        tasks = [asyncio.create_task(self._read(run))]
        tasks += [asyncio.create_task(self._carry(run)) for _ in range(self._concurrency)]
        ending = asyncio.create_task(_tell_the_end(run, tasks))
        try:
            await self._write_down(run, tasks)
        finally:
            for task in (*tasks, ending):
                task.cancel()
            await asyncio.gather(*tasks, ending, return_exceptions=True)

    async def _read(self, run: _Run) -> None:
        """Queue the pending mappings, a page at a time."""
        after, full = -1, True
        while full:
            page = await self._records.pending(run.ingestion.request_id, after, _AHEAD)
            for pending in page:
                await run.waiting.put(pending)
                after = pending.position
            full = len(page) == _AHEAD
        for _ in range(self._concurrency):
            await run.waiting.put(None)

    async def _carry(self, run: _Run) -> None:
        """Carry one mapping after the other until none is left."""
        tenant_id, request_id = run.ingestion.tenant_id, run.ingestion.request_id
        while (pending := await run.waiting.get()) is not None:
            run.ended.append(
                await self._carrier.carry(tenant_id, request_id, pending, run.job.attempt)
            )
            if len(run.ended) >= self._batch:
                run.news.set()
            if len(run.ended) >= max(_OUTCOMES, _BATCHES * self._batch):
                run.room.clear()
            await run.room.wait()

    async def _write_down(self, run: _Run, tasks: Iterable[asyncio.Task[None]]) -> None:
        """Write down whole batches as they end, and the rest with the end of the request."""
        last = False
        while not last:
            await run.news.wait()
            run.news.clear()
            last = run.over.is_set()
            if last:
                _raise_faults(tasks)
            size = len(run.ended)
            outcomes = run.ended[: size if last else size - size % self._batch]
            del run.ended[: len(outcomes)]
            run.room.set()
            if outcomes or last:
                rows = await self._loads.rows(run.job) if last and writes_tables(run.job) else None
                run.ingestion = await self._records.record(
                    run.job, run.ingestion, outcomes, last=last, rows=rows
                )
            with suppress(TimeoutError):
                async with asyncio.timeout(_PAUSE):
                    await run.over.wait()


async def _tell_the_end(run: _Run, tasks: list[asyncio.Task[None]]) -> None:
    """Say so once all tasks have ended, or one has failed."""
    await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    run.over.set()
    run.news.set()


def _raise_faults(tasks: Iterable[asyncio.Task[None]]) -> None:
    for task in tasks:
        if task.done():
            task.result()
