"""Blocking calls in threads, each waited for as long as it gets on."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from headrace_server.connectors.threads import start

T = TypeVar("T")


class GivenUpError(Exception):
    """Nobody waits for the call any more."""


class Progress:
    """Told by a call, piece by piece, that it gets on."""

    def __init__(self) -> None:
        self._moved_at = time.monotonic()
        self._given_up = False

    def step(self) -> None:
        """Say that something was done. Raises GivenUpError where nobody waits any more."""
        if self._given_up:
            raise GivenUpError
        self._moved_at = time.monotonic()

    def give_up(self) -> None:
        """Have the call end at its next step."""
        self._given_up = True

    @property
    def still(self) -> float:
        """Seconds since the last step."""
        return time.monotonic() - self._moved_at


class WatchedThreads:
    """Runs calls that may take long, or hang: those that get on are waited for."""

    def __init__(self, at_once: int, seconds: float) -> None:
        """Take the seconds after which a call that took no step is given up."""
        self._places = asyncio.Semaphore(at_once)
        self._seconds = seconds
        self._running: set[Progress] = set()

    async def run(self, call: Callable[[Progress], T]) -> T:
        """Return what the call does. Raises what it raises, and TimeoutError where it hangs.

        A call whose caller is cancelled ends at its next step.
        """
        await self._place()
        progress = Progress()
        self._running.add(progress)

        def ended() -> None:
            self._running.discard(progress)
            self._places.release()

        return await watched(start(lambda: call(progress), ended), progress, self._seconds)

    async def _place(self) -> None:
        """Wait for a place, as long as any call that has one gets on."""
        while True:
            try:
                async with asyncio.timeout(self._seconds):
                    await self._places.acquire()
            except TimeoutError:
                # A place that was free this moment is its next one's, who has not begun yet.
                if self._running and all(e.still >= self._seconds for e in self._running):
                    raise
            else:
                return


async def watched(future: asyncio.Future[T], progress: Progress, seconds: float) -> T:
    """Wait for a call as long as it gets on; it is given up when this ends without it.

    Raises what it raises, and TimeoutError where it took no step for so many seconds.
    """
    try:
        while not future.done():
            left = seconds - progress.still
            if left <= 0:
                raise TimeoutError
            await asyncio.wait([future], timeout=left)
        return future.result()
    finally:
        progress.give_up()
        future.cancel()
