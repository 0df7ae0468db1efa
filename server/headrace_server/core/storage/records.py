"""Changes of the files of watched folders: those of one transaction have one revision."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from headrace_server.db import stored_files as file_rows
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.wakeups import STORED_FILES, Wakeups, storage_topic
from headrace_server.model.storage import StoredFile

#: files that are written, or asked for, at once
AT_ONCE = 500

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Change:
    """A file as it was read, and as it shall be."""

    #: None where nobody knew it
    before: StoredFile | None
    after: StoredFile


@dataclass(slots=True)
class Writing:
    """A transaction in which nobody else changes files of the tenant."""

    connection: Connection
    tenant_id: str
    #: that the files get
    revision: int
    written: bool = False

    async def write(self, changes: Sequence[Change]) -> None:
        """Write files, but for those that somebody else has changed since they were read."""
        new, known = [], []
        for change in changes:
            file = replace(change.after, revision=self.revision)
            if change.before is None:
                new.append(file)
            else:
                known.append((change.before.revision, file))
        if new:
            await file_rows.insert(self.connection, new)
        if known:
            await file_rows.update(self.connection, known)
        self.written = self.written or bool(changes)


class FileRecords:
    """Writes what becomes of files."""

    def __init__(self, store: ControlStore, wakeups: Wakeups) -> None:
        self._store = store
        self._wakeups = wakeups

    @asynccontextmanager
    async def changing(self, tenant_id: str) -> AsyncIterator[Writing]:
        """Begin a transaction on a tenant's files; watchers are woken after its commit."""
        async with self._store.begin() as connection:
            revision = await file_rows.lock(connection, tenant_id) + 1
            writing = Writing(connection, tenant_id, revision)
            yield writing
            if writing.written:
                await file_rows.set_revision(connection, tenant_id, revision)
        if writing.written:
            self._wakeups.notify(storage_topic(tenant_id))
            self._wakeups.notify(STORED_FILES)

    async def took(
        self, tenant_id: str, watch_id: str, import_id: str, file_path: str, fingerprint: str
    ) -> None:
        """Note what an import really took: the file may have changed since it was accepted."""
        async with self.changing(tenant_id) as writing:
            found = await file_rows.at_path(writing.connection, tenant_id, file_path)
            await writing.write(
                [
                    Change(file, replace(file, taken_fingerprint=fingerprint))
                    for file in found
                    if (file.watch_id, file.import_id) == (watch_id, import_id)
                    and file.taken_fingerprint != fingerprint
                ]
            )


def batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield the items in parts that one statement takes."""
    for start in range(0, len(items), AT_ONCE):
        yield items[start : start + AT_ONCE]
