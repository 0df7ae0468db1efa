"""Blocking calls in threads, so many at once, waited for so long."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


class BoundedThreads:
    """Runs calls that may hang: one that does keeps its place, but nobody waiting."""

    def __init__(self, at_once: int, seconds: float) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._seconds = seconds

    async def run(self, call: Callable[[], T]) -> T:
        """Return what the call does. Raises what it raises, and TimeoutError after the seconds."""
        async with asyncio.timeout(self._seconds):
            await self._places.acquire()
            return await start(call, self._places.release)


def start(call: Callable[[], T], ended: Callable[[], None]) -> asyncio.Future[T]:
    """Start a call in a thread of its own; `ended` is called on the loop when it has returned.

    The thread is a daemon, so that it does not keep the process alive.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(settle: Callable[[Any], None], what: Any) -> None:
        ended()
        if not done.done():
            settle(what)

    def work() -> None:
        settle: Callable[[Any], None] = done.set_result
        what: Any
        try:
            what = call()
        except Exception as error:  # noqa: BLE001  # whoever waits raises it
            settle, what = done.set_exception, error
        with suppress(RuntimeError):  # the loop has closed: nobody waits any more
            loop.call_soon_threadsafe(tell, settle, what)

    threading.Thread(target=work, daemon=True).start()
    return done
