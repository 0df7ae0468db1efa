"""Opened places of files, kept as long as they are used now and then."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from headrace_server.connectors.mounts.base import FileStore

_log = structlog.get_logger(__name__)

#: places kept open at once that nobody uses just now
MOST_KEPT = 64
#: seconds without use after which a place is closed
IDLE_SECONDS = 300.0


@dataclass(slots=True)
class _Kept:
    store: FileStore
    #: of what was opened: another one is another place
    version: object
    users: int = 0
    used_at: float = 0.0
    #: whether it is closed when its last user leaves
    dropped: bool = False


class KeptStores:
    """File stores by the id of their mount, least recently used first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    @asynccontextmanager
    async def use(
        self, mount_id: str, version: object, open_: Callable[[], FileStore]
    ) -> AsyncIterator[FileStore]:
        """Give the store of that version, opened where it is not; others of the mount go."""
        while (kept := self._kept.get(mount_id)) is not None and kept.version != version:
            await self.drop(mount_id)
        if kept is None:
            kept = self._kept[mount_id] = _Kept(open_(), version)
        self._kept.move_to_end(mount_id)
        kept.users += 1
        try:
            yield kept.store
        finally:
            kept.users -= 1
            kept.used_at = self._clock()
            await self._close_unused(kept)

    async def drop(self, mount_id: str) -> None:
        """Close the store of a mount, at once or when its last user leaves."""
        kept = self._kept.pop(mount_id, None)
        if kept is not None:
            kept.dropped = True
            await self._close_unused(kept)

    async def close_idle(self) -> None:
        """Close what nobody used for long, and what is too many."""
        before = self._clock() - IDLE_SECONDS
        unused = [(each, kept) for each, kept in self._kept.items() if not kept.users]
        surplus = len(self._kept) - MOST_KEPT
        await self._drop_all(
            mount_id
            for place, (mount_id, kept) in enumerate(unused)
            if place < surplus or kept.used_at <= before
        )

    async def close(self) -> None:
        """Close all of them."""
        await self._drop_all(list(self._kept))

    async def _drop_all(self, mount_ids: Iterable[str]) -> None:
        """Close them side by side: one that hangs holds up no other."""
        await asyncio.gather(*map(self.drop, mount_ids))

    async def _close_unused(self, kept: _Kept) -> None:
        if kept.users == 0 and kept.dropped:
            try:
                await kept.store.close()
            except Exception:  # noqa: BLE001  # nobody waits for it, and it is gone either way
                _log.exception("storage.cannot_close")
