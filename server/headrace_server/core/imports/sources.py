"""The copy that an import is loaded from: its file may change or vanish meanwhile."""

import asyncio
from pathlib import Path

from headrace_server.core.limits import Limits
from headrace_server.core.storage.mounts import Mounts, in_words
from headrace_server.core.storage.records import FileRecords
from headrace_server.files.disk import on_disk, sha256_of
from headrace_server.files.spool import Spool
from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.file_import import FileImport
from headrace_server.model.storage import FileInfo


class ImportSources:
    """Copies files of mounts into the spool."""

    def __init__(self, mounts: Mounts, files: FileRecords, spool: Spool, limits: Limits) -> None:
        self._mounts = mounts
        self._files = files
        self._spool = spool
        self._limits = limits

    async def fetch(self, record: FileImport) -> Path:
        """Copy the file as it is now, in the place of an earlier copy.

        Raises NotFoundError where it is gone, InvalidFieldError where it cannot be read for good,
        StorageUnavailableError where trying again may help.
        """
        path, taken = await self._copy(record)
        await self._note(record, taken)
        return path

    async def _copy(self, record: FileImport) -> tuple[Path, FileInfo]:
        request_id, tenant_id = record.ingestion.request_id, record.ingestion.tenant_id
        path = self._spool.import_source(request_id)
        with on_disk("copying a file"):
            await asyncio.to_thread(path.unlink, missing_ok=True)
        with in_words(record.file_path):
            async with self._mounts.at(tenant_id, record.file_path) as (store, inner):
                taken = await store.fetch(inner, path, most_bytes=self._limits.upload_bytes)
        return path, taken

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

    async def fetch_again(self, record: FileImport, sha256: str) -> Path:
        """Return the copy that some rows were loaded from already, made anew if it is lost.

        Raises InvalidFieldError where the file is no longer the same, and what `fetch` raises.
        """
        path = self._spool.import_source(record.ingestion.request_id)
        if await _has(path, sha256):
            return path
        path, taken = await self._copy(record)
        if await _has(path, sha256):
            await self._note(record, taken)
            return path
        # Nothing is taken of a file that is another: its watch has it imported anew.
        raise InvalidFieldError.of(
            "file_path",
            "the file was changed after a part of it had been loaded; what is loaded stays, import "
            "it again",
        )

    def path(self, request_id: str) -> Path:
        """Where the copy lies, if it is there."""
        return self._spool.import_source(request_id)

    def drop(self, request_id: str) -> None:
        """Delete the copy; repeatable."""
        self._spool.drop_import(request_id)


async def _has(path: Path, sha256: str) -> bool:
    with on_disk("reading a copy"):
        return await asyncio.to_thread(path.exists) and (
            await asyncio.to_thread(sha256_of, path) == sha256
        )
