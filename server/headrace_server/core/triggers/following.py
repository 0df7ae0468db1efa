"""Follows files and runs for triggers, beside the worker."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from headrace_server.core.background import in_background
from headrace_server.core.triggers.files import FileFires
from headrace_server.core.triggers.settling import ExecutionSettler
from headrace_server.db.wakeups import RUN_ENDS, STORED_FILES, Wakeups

#: seconds between two looks that nothing calls for: a wake-up may be lost
_SLOW_POLL = 2.0
#: looks may be many while runs end
_SHORTEST_PAUSE = 0.02

_log = structlog.get_logger(__name__)


class TriggerFollower:
    """Fires triggers of files and settles executions, whichever server is first."""

    def __init__(self, wakeups: Wakeups, files: FileFires, settler: ExecutionSettler) -> None:
        self._wakeups = wakeups
        self._files = files
        self._settler = settler

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow until the block ends."""
        async with in_background(self._run(), "trigger-follower"):
            yield

    async def _run(self) -> None:
        async with self._wakeups.subscribe(STORED_FILES, RUN_ENDS) as changes:
            while True:
                await self._try(self._settler.settle)
                await self._try(self._files.follow)
                await asyncio.sleep(_SHORTEST_PAUSE)
                await changes.wait(_SLOW_POLL)

    async def _try(self, work: Callable[[], Awaitable[object]]) -> None:
        try:
            await work()
        except Exception:  # noqa: BLE001  # what is left over waits for the next look
            _log.exception("triggers.follower_failed")
