"""Watched folders of tenants: begun, listed, stopped."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from headrace_server.core.imports.accepting import check_options
from headrace_server.core.pages import decode_token, page_of
from headrace_server.core.storage.mounts import Mounts, in_words
from headrace_server.core.storage.paths import ancestors, normal_path
from headrace_server.db import folder_watches as watch_rows
from headrace_server.db import mounts as mount_rows
from headrace_server.db import stored_files as file_rows
from headrace_server.db.engine import ControlStore
from headrace_server.db.wakeups import FOLDER_WATCHES, Wakeups
from headrace_server.model.errors import NotFoundError, QuotaExceededError, WrongStateError
from headrace_server.model.page import Page, PageRequest
from headrace_server.model.storage import FolderWatch, ImportConfig, OnOverwrite
from headrace_server.model.tenant import Principal

#: watches that a tenant may have
MOST_WATCHES = 1000

_RETRY_AFTER = 60.0
#: what the ids of watches are made in: a folder's is the same whenever it is watched again
_NAMESPACE = uuid.UUID("6f1d5c0e-55f0-4d0b-9c0b-0f5b7d8a3a11")


@dataclass(frozen=True, slots=True)
class NewWatch:
    """A watch that is asked for."""

    #: path of the tenant's, below a mount
    folder_path: str
    #: names that count, as fnmatch reads them; all where there are none
    patterns: tuple[str, ...] = ()
    recursive: bool = False
    auto_import: bool = False
    config: ImportConfig = field(default_factory=ImportConfig)
    on_overwrite: OnOverwrite = OnOverwrite.REIMPORT
    #: how long size and time must stay the same
    stable: timedelta = timedelta(seconds=5)
    #: between two looks
    poll: timedelta = timedelta(seconds=5)


class FolderWatches:
    """Watched folders; the `Watcher` looks at them."""

    def __init__(
        self,
        store: ControlStore,
        mounts: Mounts,
        wakeups: Wakeups,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._mounts = mounts
        self._wakeups = wakeups
        self._clock = clock

    async def watch(self, caller: Principal, new: NewWatch) -> FolderWatch:
        """Watch a folder that can be read, instead of the watch of the same folder.

        What an earlier watch of the folder noticed stays known: nothing is imported twice. Raises
        NotFoundError where the folder is not there, or below no mount, StorageUnavailableError
        where its place does not answer, InvalidFieldError and QuotaExceededError.
        """
        folder = normal_path(new.folder_path, "folder_path")
        check_options(new.config.options)
        with in_words(folder, "folder_path", "folder"):
            async with self._mounts.at(caller.tenant_id, folder, "folder_path") as (store, inner):
                await store.list(inner, recursive=False)
        watch = _watch_of(caller.tenant_id, folder, new, self._clock())
        return await self._put(watch)

    async def ensure(self, caller: Principal, folder_path: str) -> FolderWatch:
        """Return the watch of a folder; where there is none, one that imports nothing.

        Raises as `watch` does.
        """
        folder = normal_path(folder_path, "folder_path")
        async with self._store.read() as connection:
            watch_id = _id_of(caller.tenant_id, folder)
            found = await watch_rows.find(connection, caller.tenant_id, watch_id)
        return found or await self.watch(caller, NewWatch(folder))

    async def _put(self, watch: FolderWatch) -> FolderWatch:
        tenant_id = watch.tenant_id
        async with self._store.begin() as connection:
            # As unmounting does, which must not overtake this.
            await file_rows.lock(connection, tenant_id)
            if await mount_rows.at(connection, tenant_id, ancestors(watch.folder_path)) is None:
                raise WrongStateError("the folder's mount was taken away meanwhile; mount it again")
            folders = await watch_rows.folders(connection, tenant_id)
            if watch.folder_path not in folders and len(folders) >= MOST_WATCHES:
                raise QuotaExceededError(
                    f"{MOST_WATCHES} folders are watched; stop a watch that is not needed",
                    limit="folder_watches",
                    retry_after=_RETRY_AFTER,
                )
            await watch_rows.put(connection, watch)
            written = await watch_rows.find(connection, tenant_id, watch.watch_id)
        self._wakeups.notify(FOLDER_WATCHES)
        return written or watch

    async def list(self, caller: Principal, page: PageRequest) -> Page[FolderWatch]:
        """Return a page of the watches, by folder. Raises InvalidFieldError."""
        (after,) = decode_token(page.token, str) if page.token else ("",)
        async with self._store.read() as connection:
            rows = await watch_rows.page(connection, caller.tenant_id, str(after), page.limit + 1)
        return page_of(rows, page.limit, lambda last: [last.folder_path])

    async def stop(self, caller: Principal, watch_id: str) -> None:
        """End a watch; what it noticed stays known. Raises NotFoundError."""
        async with self._store.begin() as connection:
            await file_rows.lock(connection, caller.tenant_id)
            if not await watch_rows.delete(connection, caller.tenant_id, watch_id):
                raise NotFoundError("watch", watch_id)
        self._wakeups.notify(FOLDER_WATCHES)


def _watch_of(tenant_id: str, folder: str, new: NewWatch, now: datetime) -> FolderWatch:
    return FolderWatch(
        watch_id=_id_of(tenant_id, folder),
        tenant_id=tenant_id,
        folder_path=folder,
        patterns=new.patterns,
        recursive=new.recursive,
        auto_import=new.auto_import,
        config=new.config,
        on_overwrite=new.on_overwrite,
        stable=new.stable,
        poll=new.poll,
        created_at=now,
        # It was read just now.
        looked_at=now,
    )


def _id_of(tenant_id: str, folder: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{tenant_id}\0{folder}"))
