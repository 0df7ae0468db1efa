"""The streams that are open, so that they can be ended from outside with an error."""

import asyncio
from dataclasses import dataclass
from typing import Any

import structlog

from headrace_server.db.wakeups import API_KEYS, Wakeups
from headrace_server.model.errors import HeadraceError, UnauthenticatedError
from headrace_server.rpc.call import Call
from headrace_server.rpc.interceptors.chain import Handler
from headrace_server.rpc.methods import Method
from headrace_server.rpc.status_codes import ShuttingDownError

#: A wake-up may be lost; then a revoked key lives this much longer.
RECHECK_SECONDS = 5.0


@dataclass(eq=False, slots=True)
class OpenStream:
    """One stream and the task that serves it."""

    call: Call
    task: asyncio.Task[Any]
    #: what it is ended with; None while it runs
    ended_by: HeadraceError | None = None

    def end(self, error: HeadraceError) -> None:
        """End the stream with the error, once."""
        if self.ended_by is None:
            self.ended_by = error
            self.task.cancel()


class OpenStreams:
    """Ends streams whose key was revoked, and all of them when the server stops."""

    def __init__(self) -> None:
        self._streams: set[OpenStream] = set()
        self._stopping = False

    def wrap(self, method: Method, handler: Handler) -> Handler:
        if not method.streaming:
            return handler

        async def open_stream(call: Call, request: Any) -> Any:
            if self._stopping and method.server_streaming:
                raise _shutting_down()
            task = asyncio.current_task()
            assert task is not None  # noqa: S101  # grpc serves every call in a task
            stream = OpenStream(call, task)
            self._streams.add(stream)
            try:
                return await handler(call, request)
            except asyncio.CancelledError:
                if stream.ended_by is None:
                    raise
                task.uncancel()
                raise stream.ended_by from None
            finally:
                self._streams.discard(stream)

        return open_stream

    def stop(self) -> None:
        """Tell every server stream that the server stops; uploads may go on within the grace."""
        self._stopping = True
        for stream in tuple(self._streams):
            if stream.call.method.server_streaming:
                stream.end(_shutting_down())

    async def follow(self, wakeups: Wakeups) -> None:
        """Check the callers of all streams again after each change of keys, and regularly."""
        async with wakeups.subscribe(API_KEYS) as changes:
            while True:
                await changes.wait(RECHECK_SECONDS)
                await self.recheck()

    async def recheck(self) -> None:
        """End the streams whose callers would not be let in now."""
        for stream in tuple(self._streams):
            await _recheck(stream)


async def _recheck(stream: OpenStream) -> None:
    if stream.call.still_allowed is None:
        return
    try:
        allowed = await stream.call.still_allowed()
    except Exception:  # noqa: BLE001  # a database that is away revokes nobody
        structlog.get_logger("headrace.streams").exception("recheck failed")
        return
    if not allowed:
        stream.end(UnauthenticatedError("the key that opened this stream is no longer valid"))


def _shutting_down() -> ShuttingDownError:
    return ShuttingDownError("the server stops: open the stream again")
