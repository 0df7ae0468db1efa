"""Changes of folders of this machine, told by its kernel."""

import asyncio
from pathlib import Path
from typing import Self

import structlog
from watchfiles import awatch

from headrace_server.db.wakeups import Subscription

#: milliseconds: of quiet after which changes are told, and at most from the first on
_STEP = 50
_DEBOUNCE = 400
#: milliseconds after which a watcher that has nothing to tell sees that it shall end
_TIMEOUT = 1000

_log = structlog.get_logger(__name__)


class LocalChanges:
    """Wakes somebody whenever anything changes in a folder; losing a change costs a poll."""

    def __init__(self, woken: Subscription) -> None:
        self._woken = woken
        self._folder: Path | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def follow(self, folder: Path | None, *, recursive: bool) -> None:
        """Watch this folder from now on, if it is one; an error of the watching begins it anew."""
        if folder == self._folder and (self._task is None or not self._task.done()):
            return
        if self._task is not None:
            self._task.cancel()
        self._folder = folder
        self._task = None
        if folder is not None:
            self._task = asyncio.create_task(self._watch(folder, recursive=recursive))

    async def _watch(self, folder: Path, *, recursive: bool) -> None:
        changes = awatch(
            folder,
            watch_filter=None,
            debounce=_DEBOUNCE,
            step=_STEP,
            rust_timeout=_TIMEOUT,
            recursive=recursive,
            ignore_permission_denied=True,
        )
        try:
            async for _ in changes:
                self._woken.wake()
        except (OSError, RuntimeError) as error:
            # Such as too many folders: the poll remains.
            _log.warning("storage.cannot_follow", error=str(error))
