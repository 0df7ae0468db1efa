"""A job that a worker holds, as the function that converts it sees it."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, TypeVar

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from headrace.v1.remote_job_pb2 import ClaimedJob

from headrace_client.client import Client
from headrace_client.errors import HeadraceError
from headrace_client.opening import opened
from headrace_client.retry import Retry

_T = TypeVar("_T")


class JobStoppedError(Exception):
    """The job is no longer this worker's: it was cancelled, or given to another."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a function makes of a job."""

    #: the converted content; None where there is none
    content: str | None = None
    #: what there is to say about it, as JSON
    metadata: Mapping[str, Any] = field(default_factory=dict)
    #: what `Job.upload` returned for a content that is a file
    upload_token: str | None = None


def json_fields(message: Message) -> dict[str, Any]:
    """Return a Struct as JSON."""
    fields: dict[str, Any] = MessageToDict(message)
    return fields


class Job:
    """A job that is held: what is asked for, its source file and its checkpoints.

    Attributes: `job_id`, `content_type`, `attempt` (from 1), `options` (what the creator asked
    for) and `last_checkpoint` (of an earlier attempt, or None).
    """

    def __init__(self, client: Client, worker_id: str, claimed: ClaimedJob) -> None:
        self._client = client
        self._worker_id = worker_id
        self._claimed = claimed
        self.job_id = claimed.job_id
        self.content_type = claimed.content_type
        self.attempt = claimed.attempt
        self.options = json_fields(claimed.task_options)
        self.last_checkpoint = (
            json_fields(claimed.checkpoint) if claimed.HasField("checkpoint") else None
        )

    async def checkpoint(self, **fields: Any) -> None:
        """Store how far the work has come, for the next attempt; extends the lease as well.

        At most 64 KiB of JSON. Raises JobStoppedError where the job was cancelled, HeadraceError
        where the server refuses or stays away.
        """
        retry = Retry(self._client.patience)
        while True:
            try:
                answer = await self._client.heartbeat_job(
                    self.job_id, self._worker_id, self.attempt, checkpoint=fields
                )
                break
            except HeadraceError as error:
                await retry.pause(error)
        if answer.cancelled:
            raise JobStoppedError("the job was cancelled")

    async def download(self, path: Path | str) -> Path:
        """Write the source file to `path` and return it; a download that is cut begins anew.

        Raises HeadraceError where the server refuses or stays away, and OSError.
        """
        path, retry = Path(path), Retry(self._client.patience)
        while True:
            try:
                async with opened(path, "wb") as file:
                    await self._copy_to(file)
            except HeadraceError as error:
                await retry.pause(error)
            else:
                return path

    async def read(self) -> bytes:
        """Return the source file; for small ones. Raises what `download` does."""
        retry = Retry(self._client.patience)
        while True:
            try:
                return b"".join([b async for b in self._client.download_source(self._claimed)])
            except HeadraceError as error:
                await retry.pause(error)

    async def upload(self, path: Path | str) -> str:
        """Upload a file of any kind or size as the content; return its token, for `Result`.

        Raises HeadraceError where the server refuses or stays away, and OSError.
        """
        upload = await self._client.upload_result(path, self.job_id, self.attempt)
        return upload.upload_token

    async def _copy_to(self, file: IO[bytes]) -> None:
        async with aclosing(self._client.download_source(self._claimed)) as blocks:
            async for block in blocks:
                await asyncio.to_thread(file.write, block)


class BlockingJob:
    """A Job for a plain function, which runs in a thread: the same, without await."""

    def __init__(self, job: Job, loop: asyncio.AbstractEventLoop) -> None:
        self._job = job
        self._loop = loop
        self.job_id = job.job_id
        self.content_type = job.content_type
        self.attempt = job.attempt
        self.options = job.options
        self.last_checkpoint = job.last_checkpoint
        #: set when the job is no longer this worker's; a long function should look at it
        self.stopped = False

    def checkpoint(self, **fields: Any) -> None:
        """Store how far the work has come; see Job."""
        self._wait(lambda: self._job.checkpoint(**fields))

    def download(self, path: Path | str) -> Path:
        """Write the source file to `path` and return it; see Job."""
        return self._wait(lambda: self._job.download(path))

    def read(self) -> bytes:
        """Return the source file; see Job."""
        return self._wait(self._job.read)

    def upload(self, path: Path | str) -> str:
        """Upload a file as the content; see Job."""
        return self._wait(lambda: self._job.upload(path))

    def _wait(self, make: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        if self.stopped:
            raise JobStoppedError("the job is no longer this worker's")
        return asyncio.run_coroutine_threadsafe(make(), self._loop).result()
