"""Waiting for the end of what others do."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from headrace_server.db.wakeups import Wakeups

T = TypeVar("T")

#: seconds between two looks that nothing calls for: a wake-up may be lost
_SLOW_POLL = 1.0


async def wait_for_end(
    wakeups: Wakeups,
    topic: str,
    read: Callable[[], Awaitable[T]],
    ended: Callable[[T], bool],
    seconds: float,
) -> T:
    """Return what is read when it has ended, or after so many seconds."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    async with wakeups.subscribe(topic) as changes:
        while True:
            found = await read()
            left = until - loop.time()
            if ended(found) or left <= 0:
                return found
            await changes.wait(min(left, _SLOW_POLL))
