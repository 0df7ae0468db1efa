"""What imports say of their files once they have ended, and whenever that changes."""

from collections.abc import Sequence
from dataclasses import replace

from headrace_server.core.storage.notifications import Notifications
from headrace_server.core.storage.records import AT_ONCE, Change, FileRecords, Writing
from headrace_server.db import folder_watches as watch_rows
from headrace_server.db import stored_files as file_rows
from headrace_server.db.engine import ControlStore
from headrace_server.db.stored_files import STATUS_OF, Ended
from headrace_server.model.ingestion import Status
from headrace_server.model.storage import FileStatus, StoredFile


class Settler:
    """Keeps files up with their imports."""

    def __init__(
        self, store: ControlStore, records: FileRecords, notifications: Notifications
    ) -> None:
        self._store = store
        self._records = records
        self._notifications = notifications

    async def settle(self) -> int:
        """Have every file say what its newest import does, of all tenants; how many changed."""
        async with self._store.read() as connection:
            tenants = await file_rows.tenants_behind(connection)
        settled = 0
        for tenant_id in tenants:
            while changed := await self._settle(tenant_id):
                settled += changed
        return settled

    async def _settle(self, tenant_id: str) -> int:
        async with self._records.changing(tenant_id) as writing:
            behind = await file_rows.behind(writing.connection, tenant_id, AT_ONCE)
            changes = [Change(each.file, _after(each)) for each in behind]
            await writing.write(changes)
            await self._notify(writing, changes)
        return len(changes)

    async def _notify(self, writing: Writing, changes: Sequence[Change]) -> None:
        ended = [
            each.after
            for each in changes
            if each.after.status is not FileStatus.IMPORTING
            and (each.before is None or each.after.status is not each.before.status)
        ]
        configs = await watch_rows.configs(
            writing.connection, sorted({file.watch_id for file in ended})
        )
        for watch_id, config in configs.items():
            files = [file for file in ended if file.watch_id == watch_id]
            await self._notifications.enqueue(writing.connection, config, files)


def _after(ended: Ended) -> StoredFile:
    status = STATUS_OF[ended.import_status]
    return replace(
        ended.file,
        status=status,
        rows_imported=ended.rows_loaded,
        error=_error(ended, status),
    )


def _error(ended: Ended, status: FileStatus) -> str | None:
    if ended.import_status is Status.CANCELLED:
        return ended.details or "the import was cancelled"
    failed = status in {FileStatus.FAILED, FileStatus.IMPORTED_WITH_ERRORS}
    return ended.details if failed else None
