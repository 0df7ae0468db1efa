"""The copy that an import is loaded from: its file may change or vanish meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from headrace_server.core.limits import Limits
from headrace_server.core.storage.mounts import Mounts, in_words
from headrace_server.core.storage.records import FileRecords
from headrace_server.files.disk import on_disk, sha256_of
from headrace_server.files.spool import Spool
from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.file_import import FileImport
from headrace_server.model.storage import FileInfo


class Fetched(NamedTuple):
    """A copy that one attempt made."""

    path: Path
    #: the file as it was taken
    taken: FileInfo


Fetch = Callable[[], Awaitable[Fetched]]
"""Returns the copy of one attempt, however often it is called."""


class ImportSources:
    """Copies files of mounts into the spool."""

    def __init__(self, mounts: Mounts, files: FileRecords, spool: Spool, limits: Limits) -> None:
        self._mounts = mounts
        self._files = files
        self._spool = spool
        self._limits = limits

    @asynccontextmanager
    async def fetching(self, record: FileImport, attempt: int) -> AsyncIterator[Fetch]:
        """Offer a copy as `fetch` makes it; of a file never understood it is begun at once.

        What is still under way at the end of the block, or was not kept, is given up.
        """
        tasks: list[asyncio.Task[Fetched]] = []

        def fetch() -> asyncio.Task[Fetched]:
            if not tasks:
                tasks.append(asyncio.create_task(self.fetch(record, attempt)))
            return tasks[0]

        if record.plan is None:
            fetch()
        try:
            yield fetch
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.to_thread(_part(self.path(record, attempt)).unlink, missing_ok=True)

    async def fetch(self, record: FileImport, attempt: int) -> Fetched:
        """Copy the file as it is now, apart from the copies of other attempts.

        Raises NotFoundError where it is gone, InvalidFieldError where it cannot be read for good,
        StorageUnavailableError where trying again may help.
        """
        path = _part(self.path(record, attempt))
        with on_disk("copying a file"):
            await asyncio.to_thread(path.unlink, missing_ok=True)
        with in_words(record.file_path):
            async with self._mounts.at(record.ingestion.tenant_id, record.file_path) as mounted:
                store, inner = mounted
                taken = await store.fetch(inner, path, most_bytes=self._limits.upload_bytes)
        return Fetched(path, taken)

    async def keep(self, record: FileImport, attempt: int, fetched: Fetched) -> Path:
        """Have the import loaded from a copy; the caller has raised the fence of the attempt."""
        request_id = record.ingestion.request_id
        with on_disk("keeping a copy"):
            path = await asyncio.to_thread(fetched.path.replace, self.path(record, attempt))
            await asyncio.to_thread(self._spool.drop_import_copies, request_id, before=attempt)
        await self._note(record, fetched.taken)
        return path

    async def _note(self, record: FileImport, taken: FileInfo) -> None:
        """Tell the file of a watch what was taken of it."""
        ingestion = record.ingestion
        if record.watch_id is not None:
            await self._files.took(
                ingestion.tenant_id,
                record.watch_id,
                ingestion.request_id,
                record.file_path,
                taken.fingerprint,
            )

    async def fetch_again(self, record: FileImport, attempt: int, sha256: str) -> Path:
        """Return the copy that some rows were loaded from already, made anew if it is lost.

        Raises InvalidFieldError where the file is no longer the same, and what `fetch` raises.
        """
        for path in self._spool.import_copies(record.ingestion.request_id):
            if await _has(path, sha256):
                return path
        fetched = await self.fetch(record, attempt)
        if await _has(fetched.path, sha256):
            return await self.keep(record, attempt, fetched)
        # Nothing is taken of a file that is another: its watch has it imported anew.
        raise InvalidFieldError.of(
            "file_path",
            "the file was changed after a part of it had been loaded; what is loaded stays, import "
            "it again",
        )

    def path(self, record: FileImport, attempt: int) -> Path:
        """Where the copy of an attempt lies, if it is there."""
        return self._spool.import_copy(record.ingestion.request_id, attempt)

    def drop(self, request_id: str) -> None:
        """Delete the copies of an import; repeatable."""
        self._spool.drop_import(request_id)


def _part(copy: Path) -> Path:
    """Where a copy is made."""
    return copy.with_name(f"{copy.name}.part")


async def _has(path: Path, sha256: str) -> bool:
    with on_disk("reading a copy"):
        return await asyncio.to_thread(path.exists) and (
            await asyncio.to_thread(sha256_of, path) == sha256
        )
