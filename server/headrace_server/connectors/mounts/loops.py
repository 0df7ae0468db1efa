"""A loop in a thread of its own: what it waits for, or hangs in, holds nobody else up."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from headrace_server.connectors.mounts.progress import Progress, watched

T = TypeVar("T")


class LoopThread:
    """Runs coroutines in a loop that is started when it is first wanted.

    The thread is a daemon, so that it does not keep the process alive.
    """

    def __init__(self, seconds: float) -> None:
        """Take the seconds after which a call that took no step is given up."""
        self._seconds = seconds
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self, call: Callable[[Progress], Coroutine[Any, Any, T]]) -> T:
        """Return what the call does, to a caller in another loop.

        Raises what it raises, and TimeoutError where it hangs.
        """
        progress = Progress()
        future = asyncio.run_coroutine_threadsafe(call(progress), self._started())
        return await watched(asyncio.wrap_future(future), progress, self._seconds)

    def call(self, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return what the call does, to a thread that waits. Raises the same."""

        async def run() -> T:
            return await call()

        future = asyncio.run_coroutine_threadsafe(run(), self._started())
        try:
            return future.result(self._seconds)
        except TimeoutError:
            future.cancel()
            raise

    async def stop(self) -> None:
        """End the thread; what still runs in it is cancelled."""
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is not None:
            loop.call_soon_threadsafe(loop.stop)

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=_run, args=[self._loop], daemon=True).start()
            return self._loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()
