"""A worker: it asks for jobs, keeps them while functions convert them, and hands in results."""

import asyncio
import logging
import os
import platform
import signal
import threading
import time
import uuid
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC
from typing import Any, TypeVar

from headrace.v1.remote_job_pb2 import ClaimedJob

from headrace_client.attempt import Attempt, AttemptEnd, Converter, is_final
from headrace_client.client import Client
from headrace_client.errors import HeadraceError
from headrace_client.retry import Retry

logger = logging.getLogger(__name__)

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
#: seconds that attempts have, once they are given up, to say so to the server
_FAREWELL = 5.0
#: seconds that a poll has to be answered after the worker was asked to stop: what is on its way
#: would be lost with it, and its jobs would wait for the end of their lease
_LAST_ANSWER = 0.5

_ConverterT = TypeVar("_ConverterT", bound=Converter)
_T = TypeVar("_T")


def _forget(_end: AttemptEnd) -> None:
    """Take the end of an attempt that nobody asked for."""


class Worker:
    """Converts jobs of the content types for which it has functions.

        worker = Worker(client, concurrency=4)

        @worker.handles("document")
        async def convert(job: Job) -> str:
            return (await job.read()).decode().upper()

        await worker.run()

    A function takes a Job and returns the content, a Result or None; a plain function runs in a
    thread of its own and takes a BlockingJob. What it raises is a failed attempt; the server gives
    the job again until its attempts are spent. A function whose job was cancelled, or given to
    another worker, is cancelled. What the worker does not finish before its end it gives back, and
    that spends no attempt.

    `worker_id` must be unique among the workers that run; `concurrency` is the most jobs at a time,
    `wait_seconds` how long the server holds a poll open, `drain_seconds` how long jobs may go on
    after `drain`; `on_end` is told of each attempt.
    """

    def __init__(
        self,
        client: Client,
        *,
        worker_id: str = "",
        concurrency: int = 1,
        wait_seconds: int = 20,
        drain_seconds: float = 20.0,
        on_end: Callable[[AttemptEnd], None] = _forget,
    ) -> None:
        self.worker_id = worker_id or f"{platform.node()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._client = client
        self._concurrency = concurrency
        self._wait_seconds = wait_seconds
        self._drain_seconds = drain_seconds
        self._on_end = on_end
        self._converters: dict[str, Converter] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._draining = asyncio.Event()
        self._clock_ahead: float | None = None

    def handles(self, *content_types: str) -> Callable[[_ConverterT], _ConverterT]:
        """Register a function for content types. Raises ValueError for one that has one."""

        def register(converter: _ConverterT) -> _ConverterT:
            for content_type in content_types:
                if content_type in self._converters:
                    raise ValueError(f"{content_type!r} has a function already")
                self._converters[content_type] = converter
            return converter

        return register

    async def run(self, *, until_empty: bool = False) -> None:
        """Work until `drain`, SIGTERM or SIGINT; a second signal gives back what still runs.

        With `until_empty` it also ends when no job waits. A server that is away is waited for.
        Raises HeadraceError when the server refuses to give jobs at all, ValueError without any
        function.
        """
        if not self._converters:
            raise ValueError("a worker needs a function: @worker.handles(content_type)")
        with self._signals():
            try:
                await self._work(until_empty=until_empty)
            finally:
                await self._finish()

    def drain(self) -> None:
        """Ask for no more jobs; `run` ends when those that run have ended. In the loop only."""
        self._draining.set()

    async def _work(self, *, until_empty: bool) -> None:
        wait_seconds = 0 if until_empty else self._wait_seconds
        while not self._draining.is_set():
            free = self._concurrency - len(self._running)
            jobs = None
            if free:
                jobs = await self._unless_draining(self._poll(free, wait_seconds), _LAST_ANSWER)
            if self._draining.is_set():
                await asyncio.gather(*map(self._release, jobs or ()))
                return
            for job in jobs or ():
                self._start(job)
            if until_empty and jobs == [] and not self._running:
                return
            if self._running and (not free or (until_empty and not jobs)):
                await self._unless_draining(_one_ended({*self._running}))

    async def _poll(self, free: int, wait_seconds: int) -> list[ClaimedJob]:
        retry, away = Retry(0), False
        while True:
            try:
                if self._clock_ahead is None:
                    self._clock_ahead = await self._measured_clock()
                jobs = await self._client.poll_jobs(
                    self.worker_id,
                    list(self._converters),
                    max_jobs=min(free, 1000),
                    wait_seconds=wait_seconds,
                )
            except HeadraceError as error:
                if is_final(error):
                    raise
                if not away:
                    logger.warning("%s gives no jobs: %s", self._client.address, error.message)
                away = True
                await retry.wait(error)
                continue
            if away:
                logger.warning("%s gives jobs again", self._client.address)
            return jobs

    async def _release(self, job: ClaimedJob) -> None:
        with suppress(HeadraceError):  # then the lease runs out
            await self._client.release_job(job.job_id, job.attempt, timeout=_FAREWELL)

    async def _measured_clock(self) -> float:
        health = await self._client.get_health()
        return health.timestamp.ToDatetime(UTC).timestamp() - time.time()

    def _start(self, job: ClaimedJob) -> None:
        converter = self._converters[job.content_type]
        attempt = Attempt(self._client, self.worker_id, job, converter, self._clock_ahead or 0.0)
        task = asyncio.create_task(self._see_through(attempt))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _see_through(self, attempt: Attempt) -> None:
        self._on_end(await attempt.run())

    async def _unless_draining(
        self, work: Coroutine[Any, Any, _T], grace: float = 0.0
    ) -> _T | None:
        """Return what `work` returns.

        Cancel it, and return None, so many seconds after the worker was asked to drain.
        """
        task = asyncio.create_task(work)
        drain = asyncio.create_task(self._draining.wait())
        try:
            await asyncio.wait({task, drain}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({task}, timeout=grace)
        finally:
            for each in (task, drain):
                each.cancel()
            await asyncio.wait({task, drain})
        return None if task.cancelled() else task.result()

    async def _finish(self) -> None:
        if self._running:
            await asyncio.wait(self._running, timeout=self._drain_seconds)
        if self._running:
            self._give_up()
            await asyncio.wait(self._running, timeout=_FAREWELL)

    def _give_up(self) -> None:
        for task in self._running:
            task.cancel()

    def _on_signal(self) -> None:
        if self._draining.is_set():
            self._give_up()
        self.drain()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        with suppress(NotImplementedError):  # Windows
            for number in _SIGNALS:
                loop.add_signal_handler(number, self._on_signal)
        try:
            yield
        finally:
            with suppress(NotImplementedError):
                for number in _SIGNALS:
                    loop.remove_signal_handler(number)


async def _one_ended(tasks: set[asyncio.Task[None]]) -> None:
    # The set is a copy: the worker's own may be empty by the time that this runs.
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
