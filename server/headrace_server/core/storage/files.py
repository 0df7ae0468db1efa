"""The files of watched folders: listed, tried again, followed."""

from collections.abc import AsyncGenerator, Container, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from weakref import WeakValueDictionary

from headrace_server.core.pages import decode_token, page_of
from headrace_server.core.storage.paths import normal_path
from headrace_server.core.storage.records import AT_ONCE, Change, FileRecords
from headrace_server.core.watching import Watches
from headrace_server.db import folder_watches as watch_rows
from headrace_server.db import stored_files as file_rows
from headrace_server.db.engine import ControlStore
from headrace_server.db.wakeups import FOLDER_WATCHES, Wakeups, storage_topic
from headrace_server.model.errors import NotFoundError, WrongStateError
from headrace_server.model.page import Page, PageRequest
from headrace_server.model.storage import FileStatus, StoredFile
from headrace_server.model.tenant import Principal

#: statuses of files that may be tried again
RETRYABLE = frozenset({FileStatus.FAILED, FileStatus.IGNORED})


@dataclass(frozen=True, slots=True)
class FileFilter:
    """Which files are asked for."""

    #: empty for any
    watch_id: str = ""
    #: None for any
    status: FileStatus | None = None


@dataclass(frozen=True, slots=True)
class FilesPage:
    """One page of a list of files."""

    page: Page[StoredFile]
    #: files on all pages
    total: int


@dataclass(frozen=True, slots=True)
class FilesChange:
    """What changed since the message before."""

    revision: int
    #: as they stand now; empty in heartbeats
    files: tuple[StoredFile, ...]


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """The newest revision of a tenant's files, and the files that it changed."""

    revision: int
    #: the revision after which no other files have changed
    since: int
    files: tuple[StoredFile, ...] = ()
    #: files never end
    terminal: bool = False


class Files:
    """The files of all tenants' watched folders."""

    def __init__(
        self, store: ControlStore, records: FileRecords, watches: Watches, wakeups: Wakeups
    ) -> None:
        self._store = store
        self._records = records
        self._watches = watches
        self._wakeups = wakeups
        self._kept: WeakValueDictionary[str, _Kept] = WeakValueDictionary()

    async def list(self, caller: Principal, wanted: FileFilter, page: PageRequest) -> FilesPage:
        """Return a page of the files, by path, and how many there are. Raises InvalidFieldError."""
        after = None
        if page.token:
            path, watch = decode_token(page.token, str, str)
            after = (str(path), str(watch))
        tenant_id, asked = caller.tenant_id, (wanted.watch_id, wanted.status)
        async with self._store.read() as connection:
            rows = await file_rows.page(connection, tenant_id, *asked, after, page.limit + 1)
            total = await file_rows.count(connection, tenant_id, *asked)
        listed = page_of(rows, page.limit, lambda last: [last.file_path, last.watch_id])
        return FilesPage(listed, total)

    async def retry(self, caller: Principal, file_path: str) -> StoredFile:
        """Have a file imported again that failed or was ignored, in each watch that noticed it.

        Raises NotFoundError, WrongStateError where it stands otherwise, InvalidFieldError.
        """
        path = normal_path(file_path, "file_path")
        async with self._records.changing(caller.tenant_id) as writing:
            found = await file_rows.at_path(writing.connection, caller.tenant_id, path)
            watched = await watch_rows.configs(writing.connection, [f.watch_id for f in found])
            _refuse_retry(path, found, watched)
            again = [
                Change(file, replace(file, status=FileStatus.PENDING, error=None))
                for file in found
                if file.status in RETRYABLE and file.watch_id in watched
            ]
            await writing.write(again)
        self._wakeups.notify(FOLDER_WATCHES)
        return replace(again[0].after, revision=writing.revision)

    async def stream(
        self, caller: Principal, after_revision: int, watch_id: str = ""
    ) -> AsyncGenerator[FilesChange, None]:
        """Yield the files that changed after a revision, then each change; never ends.

        With a watch only its files. Raises QuotaExceededError for one stream too many.
        """
        tenant_id = caller.tenant_id
        kept = self._kept.setdefault(tenant_id, _Kept(self._store, tenant_id))
        seen, first, topic = after_revision, True, storage_topic(tenant_id)
        async with aclosing(self._watches.stream(tenant_id, topic, kept.read, -1)) as snapshots:
            async for snapshot in snapshots:
                if first and seen > snapshot.revision:
                    # Of another store, or of this one before it was restored.
                    seen = 0
                first = False
                while (change := await self._next(tenant_id, watch_id, snapshot, seen)).files:
                    seen = change.revision
                    yield change
                    if seen >= snapshot.revision:
                        break
                else:
                    seen = max(seen, snapshot.revision)
                    yield FilesChange(seen, ())

    async def _next(
        self, tenant_id: str, watch_id: str, snapshot: _Snapshot, seen: int
    ) -> FilesChange:
        """Return the next files after a revision, as many as are bearable; none at the end."""
        if seen >= snapshot.revision:
            return FilesChange(snapshot.revision, ())
        if snapshot.since <= seen:
            files = [f for f in snapshot.files if f.revision > seen]
            wanted = tuple(f for f in files if watch_id in {"", f.watch_id})
            return FilesChange(snapshot.revision, wanted)
        async with self._store.read() as connection:
            found = await file_rows.changed_after(
                connection, tenant_id, watch_id, seen, snapshot.revision, 2 * AT_ONCE
            )
        return _whole_revisions(found, snapshot.revision)


def _whole_revisions(found: Sequence[StoredFile], newest: int) -> FilesChange:
    """Leave out the last revision of a read that was cut: its other files would be missed.

    One revision never has so many files that nothing is left.
    """
    if len(found) < 2 * AT_ONCE:
        return FilesChange(newest, tuple(found))
    last = found[-1].revision
    whole = tuple(file for file in found if file.revision < last)
    return FilesChange(whole[-1].revision, whole)


class _Kept:
    """The newest snapshot of a tenant, as long as anybody watches."""

    def __init__(self, store: ControlStore, tenant_id: str) -> None:
        self._store = store
        self._tenant_id = tenant_id
        self._newest: _Snapshot | None = None

    async def read(self) -> _Snapshot:
        """Read what changed since the last time; too much of it is left to each watcher."""
        before = self._newest
        async with self._store.read() as connection:
            revision = await file_rows.revision_of(connection, self._tenant_id)
            if before is None or revision < before.revision:
                self._newest = _Snapshot(revision, revision)
            elif revision > before.revision:
                files = await file_rows.changed_after(
                    connection, self._tenant_id, "", before.revision, revision, AT_ONCE + 1
                )
                few = len(files) <= AT_ONCE
                self._newest = _Snapshot(
                    revision, before.revision if few else revision, tuple(files) if few else ()
                )
        # Two may read at once; each result is whole by itself.
        return self._newest or _Snapshot(revision, revision)


def _refuse_retry(path: str, found: Sequence[StoredFile], watched: Container[str]) -> None:
    """Raise where no file of a path can be tried again."""
    if not found:
        raise NotFoundError("file", path)
    retryable = [file for file in found if file.status in RETRYABLE]
    if not retryable:
        status = found[0].status.value
        raise WrongStateError(
            f"the file is {status}: only what is FAILED or IGNORED can be tried again",
            status=status,
        )
    if all(file.watch_id not in watched for file in retryable):
        raise WrongStateError("its folder is no longer watched: watch it again, or import the file")
