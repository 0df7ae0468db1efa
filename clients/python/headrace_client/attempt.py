"""One attempt at a job: converted while its lease is kept, then handed in."""

import asyncio
import inspect
import math
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC
from enum import Enum
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from headrace.v1.remote_job_pb2 import ClaimedJob

from headrace_client.client import Client
from headrace_client.errors import HeadraceError, WrongStateError
from headrace_client.held_job import BlockingJob, Job, JobStoppedError, Result
from headrace_client.retry import Retry

Converted = Result | str | None
AsyncConverter = Callable[[Job], Awaitable[Converted]]
"""Converts a job; a text is the content. What it raises is a failed attempt."""
BlockingConverter = Callable[[BlockingJob], Converted]
"""The same in a thread of its own."""
Converter = AsyncConverter | BlockingConverter

#: bytes of a content that goes with the result itself; a longer one is uploaded
_SENT_BYTES = 1 << 20
#: characters of an error message that the server takes
_MESSAGE_CHARACTERS = 10_000
#: bounds of the seconds between heartbeats, whatever the lease
_SHORTEST_BEAT, _LONGEST_BEAT = 0.1, 60.0
#: seconds that are left to the work, and then to the last call, of an attempt that is given up
_FAREWELL = 2.0


class Outcome(Enum):
    """How an attempt ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    #: it was cancelled, or is no longer this worker's
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class AttemptEnd:
    """How an attempt ended, as the worker tells it."""

    #: the job
    job_id: str
    #: its content type
    content_type: str
    #: number of the attempt, from 1
    attempt: int
    #: how it ended
    outcome: Outcome
    #: seconds that it took
    seconds: float
    #: what went wrong; empty where nothing did
    message: str = ""


def is_final(error: HeadraceError) -> bool:
    """Whether the same call is of no use later; a server in trouble may recover."""
    troubled = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}
    return not error.transient and error.code not in troubled


class Attempt:
    """One attempt at a job that was claimed.

    `clock_ahead` is by how many seconds the server's clock is ahead of ours.
    """

    def __init__(
        self,
        client: Client,
        worker_id: str,
        claimed: ClaimedJob,
        converter: Converter,
        clock_ahead: float,
    ) -> None:
        self._client = client
        self._worker_id = worker_id
        self._converter = converter
        self._clock_ahead = clock_ahead
        self._job = Job(client, worker_id, claimed)
        self._beat = self._third_of(claimed.lease_expires_at)
        self._began = time.monotonic()
        self._submitting = False

    async def run(self) -> AttemptEnd:
        """See the attempt through; when cancelled, give the job back."""
        work = asyncio.create_task(self._convert_and_submit())
        keeper = asyncio.create_task(self._keep())
        try:
            await asyncio.wait({work, keeper}, return_when=asyncio.FIRST_COMPLETED)
            # A result on its way makes the server call the job ended; only its answer tells how.
            if not work.done() and not self._submitting:
                work.cancel()
            await asyncio.wait({work})
            return (
                self._end(Outcome.STOPPED, keeper.result()) if work.cancelled() else work.result()
            )
        except asyncio.CancelledError:
            await self._give_up(work)
            raise
        finally:
            keeper.cancel()

    async def _convert_and_submit(self) -> AttemptEnd:
        try:
            result = await self._convert()
        except JobStoppedError as error:
            return self._end(Outcome.STOPPED, str(error))
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return await self._submit_failure(_told(error))
        except Exception as error:  # noqa: BLE001  # whatever the function raises fails the attempt
            return await self._submit_failure(_told(error))
        try:
            result = await self._light(result)
            self._submitting = True
            await self._submit(result)
        except WrongStateError as error:
            return self._end(Outcome.STOPPED, error.message)
        except Exception as error:  # noqa: BLE001  # such as of a result that cannot be sent at all
            return await self._submit_failure(f"the result was refused: {_told(error)}")
        return self._end(Outcome.COMPLETED)

    async def _convert(self) -> Result:
        # Which of the two kinds it is decides at run time which kind of job it takes.
        convert: Callable[[Any], Any] = self._converter
        if inspect.iscoroutinefunction(convert):
            made = await convert(self._job)
        else:
            job = BlockingJob(self._job, asyncio.get_running_loop())
            made = await _in_thread(lambda: convert(job), job)
        return _result_of(made)

    async def _light(self, result: Result) -> Result:
        """Upload a content that is large, while the lease is kept."""
        if result.content is None or len(result.content) <= _SENT_BYTES // 4:
            return result
        content = result.content.encode()
        if len(content) <= _SENT_BYTES:
            return result
        with tempfile.TemporaryDirectory(prefix="headrace-result-") as folder:
            path = Path(folder, "content")
            await asyncio.to_thread(path.write_bytes, content)
            return replace(result, content=None, upload_token=await self._job.upload(path))

    async def _submit(self, result: Result) -> None:
        # Once: a repetition is known by being the same.
        retry, seconds = Retry(math.inf), self._seconds()
        while True:
            try:
                await self._client.submit_result(
                    self._job.job_id,
                    self._job.attempt,
                    success=True,
                    content=result.content,
                    upload_token=result.upload_token,
                    metadata=result.metadata or None,
                    processing_time=seconds,
                )
            except HeadraceError as error:
                if error.code is grpc.StatusCode.RESOURCE_EXHAUSTED and not error.reason:
                    raise  # metadata larger than a message may be
                await retry.pause(error)
            else:
                return

    async def _submit_failure(self, message: str) -> AttemptEnd:
        self._submitting = True
        retry = Retry(math.inf)
        while True:
            try:
                await self._fail(message)
                return self._end(Outcome.FAILED, message)
            except HeadraceError as error:
                if is_final(error):
                    return self._end(Outcome.STOPPED, f"{message}; {error.message}")
                await retry.wait(error)

    async def _fail(self, message: str) -> None:
        await self._client.submit_result(
            self._job.job_id,
            self._job.attempt,
            success=False,
            error_message=message,
            processing_time=self._seconds(),
        )

    async def _give_up(self, work: asyncio.Task[AttemptEnd]) -> None:
        work.cancel()
        await asyncio.wait({work}, timeout=_FAREWELL)
        with suppress(HeadraceError):  # then the lease runs out
            await self._client.release_job(self._job.job_id, self._job.attempt, timeout=_FAREWELL)

    async def _keep(self) -> str:
        """Extend the lease until the job is no longer ours; return why."""
        retry = Retry(math.inf)
        while True:
            await asyncio.sleep(self._beat)
            try:
                answer = await self._client.heartbeat_job(
                    self._job.job_id,
                    self._worker_id,
                    self._job.attempt,
                    timeout=max(self._beat, 1.0),
                )
            except HeadraceError as error:
                if is_final(error):
                    return error.message
                await retry.wait(error)
                continue
            if answer.cancelled:
                return "the job was cancelled"
            retry.progressed()
            self._beat = self._third_of(answer.lease_expires_at)

    def _third_of(self, lease_expires_at: Timestamp) -> float:
        expires = lease_expires_at.ToDatetime(UTC).timestamp()
        left = expires - (time.time() + self._clock_ahead)
        return min(max(left / 3, _SHORTEST_BEAT), _LONGEST_BEAT)

    def _seconds(self) -> float:
        return time.monotonic() - self._began

    def _end(self, outcome: Outcome, message: str = "") -> AttemptEnd:
        job = self._job
        return AttemptEnd(
            job.job_id, job.content_type, job.attempt, outcome, self._seconds(), message
        )


def _result_of(converted: object) -> Result:
    if isinstance(converted, Result):
        return converted
    if converted is None or isinstance(converted, str):
        return Result(converted)
    raise TypeError(f"a function returns a Result, a text or None, not {type(converted).__name__}")


def _told(error: BaseException) -> str:
    """Return what an error says, as a text that the server takes."""
    text = str(error)
    name = type(error).__name__
    told = text if isinstance(error, HeadraceError) else ": ".join(filter(None, (name, text)))
    storable = told.replace("\0", "").encode(errors="replace").decode()
    return storable[-_MESSAGE_CHARACTERS:]


async def _in_thread(function: Callable[[], object], job: BlockingJob) -> object:
    """Run a function in a thread that does not keep the process alive.

    When cancelled it tells the function so by `job`, and waits for it: no thread can be ended.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[tuple[object, BaseException | None]] = loop.create_future()

    def settle(value: object, error: BaseException | None) -> None:
        if not ended.done():
            ended.set_result((value, error))

    def run() -> None:
        value, error = None, None
        try:
            value = function()
        except BaseException as raised:  # noqa: BLE001  # raised again where it is waited for
            error = raised
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(settle, value, error)

    threading.Thread(target=run, daemon=True, name=f"job {job.job_id}").start()
    try:
        value, error = await asyncio.shield(ended)
    except asyncio.CancelledError:
        job.stopped = True
        await asyncio.wait({ended})
        raise
    if error is not None:
        raise error
    return value
