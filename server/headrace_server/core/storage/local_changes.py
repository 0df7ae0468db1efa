"""Changes of folders of this machine, told by its kernel."""

import asyncio
from pathlib import Path
from typing import Self

import structlog
from watchfiles import Change, awatch

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
        #: those that were told to end, and still wait for their thread
        self._ending: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._leave()
        await asyncio.gather(*self._ending, return_exceptions=True)

    def follow(self, folder: Path | None, *, recursive: bool) -> None:
        """Watch this folder from now on, if it is one; one that was deleted and made, anew."""
        if folder == self._folder:
            return
        self._leave()
        self._folder = folder
        if folder is not None:
            self._task = asyncio.create_task(self._watch(folder, recursive=recursive))

    def _leave(self) -> None:
        if self._task is not None:
            self._ending.add(self._task)
            self._task.add_done_callback(self._ending.discard)
            self._task.cancel()
            self._task = None

    async def _watch(self, folder: Path, *, recursive: bool) -> None:
        changes = awatch(
            folder,
            watch_filter=None,
            debounce=_DEBOUNCE,
            step=_STEP,
            rust_timeout=_TIMEOUT,
            recursive=recursive,
        )
        try:
            async for told in changes:
                self._woken.wake()
                if (Change.deleted, str(folder)) in told:
                    self._folder = None
                    return
        except (OSError, RuntimeError) as error:
            # Such as too many folders: the poll remains.
            _log.warning("storage.cannot_follow", error=str(error))
