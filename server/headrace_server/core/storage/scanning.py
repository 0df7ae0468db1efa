"""A look at a watched folder, and what it changes of what is known of its files."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from headrace_server.connectors.base import ConnectorError
from headrace_server.core.storage.mounts import Mounts
from headrace_server.core.storage.noticing import Counting, gone, noticed, seen
from headrace_server.core.storage.paths import below
from headrace_server.core.storage.records import Change, FileRecords, batches
from headrace_server.db import folder_watches as watch_rows
from headrace_server.db import stored_files as file_rows
from headrace_server.db.engine import ControlStore
from headrace_server.db.stored_files import hash_of
from headrace_server.model.ingestion import Status
from headrace_server.model.storage import FileInfo, FileStatus, FolderWatch, StoredFile

#: files of a watched folder at most
MOST_FILES = 200_000


class WatchLostError(Exception):
    """The watch was stopped or changed, or another server looks at its folder now."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a look at a folder went."""

    #: whether files wait for their import that did not before
    waiting: bool
    #: when the first file will have stayed the same long enough of those that may still grow
    next_stable: datetime | None
    #: where it lies on a disk of this machine that tells of changes
    on_disk: Path | None


@dataclass(frozen=True, slots=True)
class _Listing:
    """The files of a folder that count."""

    #: path of the tenant's and what its store says, by the hash of the path
    files: Mapping[str, tuple[str, FileInfo]]
    on_disk: Path | None

    @property
    def digest(self) -> bytes:
        """The same for equal listings."""
        whole = hashlib.blake2b()
        for path_hash, (_, info) in self.files.items():
            whole.update(f"{path_hash}{info.fingerprint}\0".encode())
        return whole.digest()


class Scanner:
    """Looks at folders on behalf of one server."""

    def __init__(
        self,
        store: ControlStore,
        mounts: Mounts,
        records: FileRecords,
        clock: Callable[[], datetime],
        watcher_id: str,
    ) -> None:
        """Take the name under which the server holds its watches."""
        self._store = store
        self._mounts = mounts
        self._records = records
        self._clock = clock
        self._watcher_id = watcher_id
        #: of each watch, what the last look saw that found nothing to do
        self._quiet: dict[str, object] = {}

    async def look(self, watch: FolderWatch) -> Look:
        """Look at a folder and write down what has changed.

        Raises ConnectorError and HeadraceError where it cannot be read, and WatchLostError.
        """
        listing = await self._list(watch)
        now = self._clock()
        async with self._store.read() as connection:
            revision = await file_rows.revision_of(connection, watch.tenant_id)
        sight = (listing.digest, revision, plain(watch))
        if self._quiet.get(watch.watch_id) == sight:
            return Look(waiting=False, next_stable=None, on_disk=listing.on_disk)
        known = await self._known(watch, listing)
        changes = await self._changes(watch, listing, known, now)
        for batch in batches(changes):
            await self._write(watch, batch)
        after = {**known, **{hash_of(each.after.file_path): each.after for each in changes}}
        growing = [f.stable_since for f in after.values() if f.status is FileStatus.DETECTED]
        self._quiet.pop(watch.watch_id, None)
        if not changes and not growing:
            self._quiet[watch.watch_id] = sight
        return Look(
            waiting=any(each.after.status is FileStatus.PENDING for each in changes),
            next_stable=min(growing) + watch.stable if growing else None,
            on_disk=listing.on_disk,
        )

    async def _list(self, watch: FolderWatch) -> _Listing:
        async with self._mounts.at(watch.tenant_id, watch.folder_path) as (store, inner):
            listed = await store.list(inner, recursive=watch.recursive)
            on_disk = store.folder_on_disk(inner)
        # There may be many.
        found = await asyncio.to_thread(_counted, watch, inner, listed)
        if len(found) > MOST_FILES:
            raise ConnectorError(
                f"{len(found)} files of it count, and {MOST_FILES} may: watch folders below it"
            )
        return _Listing(found, on_disk)

    async def _known(self, watch: FolderWatch, listing: _Listing) -> dict[str, StoredFile]:
        """Read what is known of the files that are there, or were at the last look."""
        async with self._store.read() as connection:
            known = await file_rows.present(connection, watch.watch_id)
            new = [path_hash for path_hash in listing.files if path_hash not in known]
            for batch in batches(new):
                # Those that were gone; of a folder that files pass through they are too many.
                known |= await file_rows.found(connection, watch.watch_id, batch)
        return known

    async def _changes(
        self,
        watch: FolderWatch,
        listing: _Listing,
        known: Mapping[str, StoredFile],
        now: datetime,
    ) -> list[Change]:
        imports = await self._imports(watch, listing, known)
        changes = []
        for path_hash, (path, info) in listing.files.items():
            before = known.get(path_hash)
            if before is None:
                changes.append(Change(None, noticed(watch, path, info, now)))
            else:
                changes.append(Change(before, seen(watch, before, info, imports, now)))
        for path_hash, before in known.items():
            if path_hash not in listing.files:
                changes.append(Change(before, gone(before)))
        return [each for each in changes if each.before != each.after]

    async def _imports(
        self, watch: FolderWatch, listing: _Listing, known: Mapping[str, StoredFile]
    ) -> dict[str, Status]:
        """Read where the newest imports stand of files that may begin anew."""
        asked = [
            file.import_id
            for path_hash, file in known.items()
            if file.import_id is not None
            and path_hash in listing.files
            and (
                file.status in {FileStatus.DETECTED, FileStatus.GONE}
                or file.taken_fingerprint != listing.files[path_hash][1].fingerprint
            )
        ]
        found: dict[str, Status] = {}
        async with self._store.read() as connection:
            for batch in batches(asked):
                found |= await file_rows.import_statuses(connection, watch.tenant_id, batch)
        return found

    async def _write(self, watch: FolderWatch, changes: Sequence[Change]) -> None:
        async with self._records.changing(watch.tenant_id) as writing:
            connection = writing.connection
            held = await watch_rows.held(
                connection, self._watcher_id, watch.watch_id, self._clock()
            )
            if held is None or plain(held) != plain(watch):
                raise WatchLostError
            await writing.write(changes)
            added = sum(each.before is None for each in changes)
            if added:
                await watch_rows.count_detected(connection, watch.watch_id, added)


def _counted(
    watch: FolderWatch, inner: str, listed: Sequence[FileInfo]
) -> dict[str, tuple[str, FileInfo]]:
    """Those files of a listing that count, by the hash of their path."""
    counting, found = Counting(watch), {}
    for info in listed:
        path = f"{watch.folder_path}/{below(info.path, inner)}"
        if counting.counts(path):
            found[hash_of(path)] = (path, info)
    return found


def plain(watch: FolderWatch) -> FolderWatch:
    """Return what was asked of a watch, without what came of it."""
    return replace(watch, files_detected=0, looked_at=None, error=None)
