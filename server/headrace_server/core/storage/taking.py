"""Files that wait become imports: in their order, a bounded number at once."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import structlog

from headrace_server.core.contracts.registry import Contracts
from headrace_server.core.imports.accepting import FileImports, target_of
from headrace_server.core.ingestion.reopening import reopen
from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.storage.notifications import Notifications
from headrace_server.core.storage.records import Change, FileRecords
from headrace_server.core.storage.scanning import plain
from headrace_server.db import folder_watches as watch_rows
from headrace_server.db import ingestions as ingestion_rows
from headrace_server.db import stored_files as file_rows
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.stored_files import STATUS_OF
from headrace_server.model.errors import HeadraceError, StorageUnavailableError, WrongStateError
from headrace_server.model.file_import import NewImport
from headrace_server.model.ingestion import Status
from headrace_server.model.storage import FileStatus, FolderWatch, OnOverwrite, StoredFile

#: files of one watch that are imported at once
MOST_IMPORTS = 100

#: waiting files that are looked at for some whose tables are free
_LOOKED_AT = 500

#: what files are whose import came to a good end
_LOADED = (FileStatus.IMPORTED, FileStatus.IMPORTED_WITH_ERRORS)

_log = structlog.get_logger(__name__)


class Taker:
    """Hands files that wait over to their import."""

    def __init__(
        self,
        store: ControlStore,
        imports: FileImports,
        contracts: Contracts,
        jobs: Jobs,
        records: FileRecords,
        notifications: Notifications,
    ) -> None:
        self._store = store
        self._imports = imports
        self._contracts = contracts
        self._jobs = jobs
        self._records = records
        self._notifications = notifications

    async def take(self, watch: FolderWatch) -> int:
        """Have the oldest waiting file of each table imported, as far as there is room; how many.

        Of one table one file is imported at a time, so that they come into it in their order.
        """
        async with self._store.read() as connection:
            waiting = await file_rows.waiting(connection, watch.watch_id, _LOOKED_AT)
            under_way = await file_rows.importing(connection, watch.watch_id)
            last = await file_rows.import_statuses(
                connection, watch.tenant_id, [each.import_id for each in waiting if each.import_id]
            )
        taken = 0
        for file in await self._next(watch, waiting, under_way):
            taken += await self._take(watch, file, last)
        if taken:
            self._jobs.announce()
        return taken

    async def _next(
        self, watch: FolderWatch, waiting: Sequence[StoredFile], under_way: Sequence[str]
    ) -> list[StoredFile]:
        catalog = await self._contracts.catalog(watch.tenant_id)
        named = watch.config.target_table
        busy = {target_of(path, named, catalog) for path in under_way}
        chosen: list[StoredFile] = []
        for file in waiting:
            target = target_of(file.file_path, named, catalog)
            if target not in busy and len(chosen) + len(under_way) < MOST_IMPORTS:
                busy.add(target)
                chosen.append(file)
        return chosen

    async def _take(self, watch: FolderWatch, file: StoredFile, last: Mapping[str, Status]) -> bool:
        """Accept one import in the transaction that says so of its file; whether it was."""
        status = last.get(file.import_id or "")
        before = None if status is None else STATUS_OF[status]
        if before is FileStatus.IMPORTING:
            return False  # somebody has it run again: one at a time
        unchanged = file.fingerprint == file.taken_fingerprint
        if unchanged and before in _LOADED:
            await self._leave(watch, file, before)
            return False
        if unchanged and before is FileStatus.FAILED and file.rows_imported:
            return await self._go_on(watch, file)
        version = file.version + (1 if _is_next(watch, before) else 0)
        try:
            await self._accept(watch, file, version)
        except StorageUnavailableError:
            raise
        except HeadraceError as error:
            await self._refuse(watch, file, error.message)
            return False
        return True

    async def _leave(self, watch: FolderWatch, file: StoredFile, status: FileStatus) -> None:
        """Let a file be that was asked for again, but whose import came to a good end itself."""
        async with self._records.changing(watch.tenant_id) as writing:
            await writing.write([Change(file, replace(file, status=status, error=None))])

    async def _go_on(self, watch: FolderWatch, file: StoredFile) -> bool:
        """Run an import again that had loaded a part of the file: another would load it twice."""
        try:
            async with self._records.changing(watch.tenant_id) as writing:
                connection = writing.connection
                import_id = file.import_id or ""
                ingestion = await ingestion_rows.find(connection, watch.tenant_id, import_id)
                if ingestion is None or not await self._is_as_read(connection, watch, file):
                    return False
                await reopen(connection, self._jobs, ingestion)
                goes_on = replace(file, status=FileStatus.IMPORTING, error=None)
                await writing.write([Change(file, goes_on)])
        except WrongStateError:
            return False  # somebody else does so at this moment
        return True

    async def _is_as_read(
        self, connection: Connection, watch: FolderWatch, file: StoredFile
    ) -> bool:
        """Whether neither the file nor its watch was changed since they were read."""
        now = await watch_rows.find(connection, watch.tenant_id, watch.watch_id)
        if now is None or plain(now) != plain(watch):
            return False
        return await file_rows.is_at(connection, file)

    async def _accept(self, watch: FolderWatch, file: StoredFile, version: int) -> None:
        new = NewImport(
            file.file_path,
            watch.config.target_table,
            watch.config.options,
            watch_id=watch.watch_id,
            version=version,
        )
        async with self._records.changing(watch.tenant_id) as writing:
            if not await self._is_as_read(writing.connection, watch, file):
                return
            import_id = await self._imports.accept(writing.connection, watch.tenant_id, new)
            taken = replace(
                file,
                status=FileStatus.IMPORTING,
                import_id=import_id,
                taken_fingerprint=file.fingerprint,
                imports=file.imports + 1,
                version=version,
                rows_imported=0,
                error=None,
            )
            await writing.write([Change(file, taken)])

    async def _refuse(self, watch: FolderWatch, file: StoredFile, error: str) -> None:
        _log.info("storage.import_refused", watch_id=watch.watch_id, error=error)
        failed = replace(
            file,
            status=FileStatus.FAILED,
            # The import before says nothing of this failure.
            import_id=None,
            taken_fingerprint=None,
            error=error,
        )
        async with self._records.changing(watch.tenant_id) as writing:
            if await file_rows.is_at(writing.connection, file):
                await writing.write([Change(file, failed)])
                await self._notifications.enqueue(writing.connection, watch.config, [failed])


def _is_next(watch: FolderWatch, before: FileStatus | None) -> bool:
    """Whether a file that was imported before goes into a table of its own."""
    return before in _LOADED and watch.on_overwrite is OnOverwrite.NEW_VERSION
