"""The watcher: each server looks at the folders that no other looks at, and sees files through."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import structlog

from headrace_server.connectors.base import ConnectorError
from headrace_server.core.storage.local_changes import LocalChanges
from headrace_server.core.storage.looking import Looks
from headrace_server.core.storage.mounts import Mounts
from headrace_server.core.storage.scanning import Look, Scanner, WatchLostError, plain
from headrace_server.core.storage.settling import Settler
from headrace_server.core.storage.taking import Taker
from headrace_server.db import folder_watches as watch_rows
from headrace_server.db import stored_files as file_rows
from headrace_server.db.engine import ControlStore
from headrace_server.db.wakeups import FOLDER_WATCHES, IMPORTS, Subscription, Wakeups
from headrace_server.model.errors import HeadraceError
from headrace_server.model.storage import FolderWatch

#: how long a watch stays with a server that is not heard of
LEASE = timedelta(seconds=15)

#: seconds between two rounds that nothing else begins
_ROUND_SECONDS = 2.0
#: rounds may be many while imports end
_SHORTEST_PAUSE = 0.05
_TAKEN_AT_ONCE = 50
_LONGEST_BACKOFF = timedelta(minutes=5)

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Held:
    """A watch that this server looks at."""

    watch: FolderWatch
    task: "asyncio.Task[None] | None" = None
    #: looks that failed one after the other, and why the last one did
    failures: int = 0
    error: str | None = None
    #: wakes its task before the next look is due
    woken: Subscription = field(default_factory=Subscription)


class Watcher:
    """Holds watches by leases, looks at their folders, and takes and settles their files."""

    def __init__(
        self,
        store: ControlStore,
        mounts: Mounts,
        wakeups: Wakeups,
        scanner: Scanner,
        taker: Taker,
        settler: Settler,
        clock: Callable[[], datetime],
        watcher_id: str,
    ) -> None:
        self._store = store
        self._mounts = mounts
        self._wakeups = wakeups
        self._scanner = scanner
        self._taker = taker
        self._settler = settler
        self._clock = clock
        self._watcher_id = watcher_id
        self._held: dict[str, _Held] = {}
        self._looks = Looks()
        self._kept_until: datetime | None = None
        #: looks that are not written down yet: when, and why one failed
        self._looked: dict[str, tuple[datetime, str | None]] = {}
        #: wakes whoever begins the next round
        self._due = Subscription()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch until the block ends; then the watches go to other servers at once."""
        tasks = [
            asyncio.create_task(self._run(), name="folder-watcher"),
            asyncio.create_task(self._keep_closing(), name="mount-closer"),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._drop(list(self._held))
            with suppress(Exception):  # else they go when their leases have run out
                await self._record_looks()
                async with self._store.begin() as connection:
                    await watch_rows.let_go(connection, self._watcher_id)

    async def _run(self) -> None:
        async with self._wakeups.subscribe(IMPORTS, FOLDER_WATCHES) as self._due:
            while True:
                await self._try(self._round)
                await asyncio.sleep(_SHORTEST_PAUSE)
                await self._due.wait(_ROUND_SECONDS)

    async def _try(self, work: Callable[[], Awaitable[object]]) -> None:
        try:
            await work()
        except Exception:  # noqa: BLE001  # what is left over waits for the next round
            _log.exception("storage.watcher_failed")

    async def _round(self) -> None:
        await self.hold()
        await self._record_looks()
        await self._settler.settle()
        await self._take_waiting()

    async def _keep_closing(self) -> None:
        """Close what is idle, beside the rounds: a share that hangs does so here as well."""
        while True:
            await asyncio.sleep(_ROUND_SECONDS)
            await self._try(self._mounts.close_idle)

    async def hold(self) -> None:
        """Keep the watches that are held, take those that are free, and drop what is lost."""
        now = self._clock()
        async with self._store.read() as connection:
            free = await watch_rows.any_free(connection, now)
            mine = await watch_rows.all_held(connection, self._watcher_id, now)
        if free or (mine and self._renews(now)):
            until = now + LEASE
            async with self._store.begin() as connection:
                await watch_rows.take(connection, self._watcher_id, now, until, _TAKEN_AT_ONCE)
                mine = await watch_rows.keep(connection, self._watcher_id, now, until)
            self._kept_until = until
        await self._follow({watch.watch_id: watch for watch in mine})

    def _renews(self, now: datetime) -> bool:
        return self._kept_until is None or self._kept_until - now < LEASE * 2 / 3

    async def _follow(self, mine: dict[str, FolderWatch]) -> None:
        """Look at the folders of these watches and no others."""
        await self._drop(
            [
                watch_id
                for watch_id, held in self._held.items()
                if watch_id not in mine
                or plain(mine[watch_id]) != plain(held.watch)
                or (held.task is not None and held.task.done())
            ]
        )
        for watch_id, watch in mine.items():
            if watch_id not in self._held:
                held = self._held[watch_id] = _Held(watch)
                held.task = asyncio.create_task(self._keep_looking(held), name=f"watch-{watch_id}")

    async def _drop(self, watch_ids: list[str]) -> None:
        tasks = [held.task for each in watch_ids if (held := self._held.pop(each)).task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _take_waiting(self) -> None:
        async with self._store.read() as connection:
            waiting = await file_rows.watches_waiting(connection, list(self._held))
        for watch_id in waiting:
            if watch_id in self._held:
                # What is wrong with one watch holds up no other.
                await self._try(partial(self._taker.take, self._held[watch_id].watch))

    async def _keep_looking(self, held: _Held) -> None:
        async with LocalChanges(held.woken) as local:
            while True:
                async with self._looks.place(held.watch.tenant_id):
                    look = await self._look(held)
                local.follow(look.on_disk if look else None, recursive=held.watch.recursive)
                await held.woken.wait(self._pause(held, look).total_seconds())

    async def _look(self, held: _Held) -> Look | None:
        """Look at a folder and note how that went; None where it could not be read."""
        watch, error, look = held.watch, None, None
        try:
            look = await self._scanner.look(watch)
            held.failures = 0
        except (ConnectorError, HeadraceError) as failure:
            error = failure.message if isinstance(failure, HeadraceError) else str(failure)
            held.failures += 1
        except WatchLostError:
            return None
        except Exception:  # noqa: BLE001  # it is looked at again
            _log.exception("storage.look_failed", watch_id=watch.watch_id)
            error = "a fault of the server; its log tells more"
            held.failures += 1
        self._looked[watch.watch_id] = (self._clock(), error)
        if error != held.error or (look is not None and look.waiting):
            self._due.wake()
        held.error = error
        return look

    async def _record_looks(self) -> None:
        """Write down the looks since the last time, of all folders at once."""
        looked, self._looked = self._looked, {}
        if looked:
            async with self._store.begin() as connection:
                await watch_rows.record_looks(connection, self._watcher_id, self._clock(), looked)

    def _pause(self, held: _Held, look: Look | None) -> timedelta:
        """How long until the next look: shorter where a file may be whole before."""
        poll = held.watch.poll
        if held.failures:
            return max(poll, min(poll * (1 << min(held.failures, 20)), _LONGEST_BACKOFF))
        if look is None or look.next_stable is None:
            return poll
        return min(poll, max(look.next_stable - self._clock(), timedelta(milliseconds=20)))
