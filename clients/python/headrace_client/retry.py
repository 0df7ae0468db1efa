"""When to try again: exponential back-off with jitter, and an end to patience."""

import asyncio
import random
import time

from headrace_client.errors import HeadraceError

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0


class Retry:
    """Pauses between attempts of one piece of work.

    `patience` is how many seconds without progress are put up with.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._failures = 0
        self._progressed_at = time.monotonic()

    def progressed(self) -> None:
        """Note that the work has come further: patience and pauses start anew."""
        self._failures = 0
        self._progressed_at = time.monotonic()

    async def pause(self, error: HeadraceError) -> None:
        """Sleep before the next attempt. Raises `error` where another one is of no use."""
        if not error.transient or time.monotonic() - self._progressed_at > self._patience:
            raise error
        await self.wait(error)

    async def wait(self, error: HeadraceError) -> None:
        """Sleep before the next attempt, whatever the error."""
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**self._failures)
        self._failures += 1
        # Jitter spreads many clients' return after a restart; it guards nothing.
        pause = random.uniform(longest / 2, longest)  # noqa: S311  # see above
        await asyncio.sleep(max(pause, error.retry_after or 0))
