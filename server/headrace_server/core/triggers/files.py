"""Files that fire triggers: each version once, when it has stayed the same long enough."""

import re
from collections.abc import Sequence
from fnmatch import translate

from headrace_server.core.schedules.schedules import Schedules
from headrace_server.core.storage.records import AT_ONCE
from headrace_server.core.triggers.firing import Fire, Firing
from headrace_server.core.triggers.loops import CHAIN, led_to_file
from headrace_server.core.triggers.outcomes import Outcomes
from headrace_server.db import stored_files as file_rows
from headrace_server.db import trigger_arrivals as arrival_rows
from headrace_server.db import triggers as trigger_rows
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.stored_files import hash_of
from headrace_server.model.storage import FileStatus, StoredFile
from headrace_server.model.trigger import Trigger, TriggerStatus

#: triggers that are asked for at once
_TRIGGERS = 100
#: files that fire in one transaction
_MOST_FIRES = 20
#: statuses of files that nobody knows to be whole
_UNSETTLED = frozenset({FileStatus.DETECTED, FileStatus.GONE})
#: statuses of files that may have changed since they were taken
_TAKEN = frozenset(
    {
        FileStatus.IMPORTING,
        FileStatus.IMPORTED,
        FileStatus.IMPORTED_WITH_ERRORS,
        FileStatus.FAILED,
    }
)


class FileFires:
    """Follows the changes of files, from the revision up to which each trigger has looked."""

    def __init__(
        self, store: ControlStore, schedules: Schedules, firing: Firing, outcomes: Outcomes
    ) -> None:
        self._store = store
        self._schedules = schedules
        self._firing = firing
        self._outcomes = outcomes

    async def follow(self) -> int:
        """Fire the triggers whose files have come, of all tenants; how many files that were."""
        async with self._store.read() as connection:
            behind = await trigger_rows.behind_files(connection, _TRIGGERS)
        fired = 0
        for tenant_id, trigger_id in behind:
            while (count := await self._follow(tenant_id, trigger_id)) is not None:
                fired += count
        return fired

    async def _follow(self, tenant_id: str, trigger_id: str) -> int | None:
        """Look at the next changes for one trigger; None where it has seen all."""
        async with self._store.begin() as connection:
            trigger = await self._outcomes.lock(connection, tenant_id, trigger_id)
            if trigger is None or trigger.status is TriggerStatus.PAUSED:
                return None
            newest = await file_rows.revision_of(connection, tenant_id)
            if newest == trigger.files_revision:
                return None
            files, until = await self._changed(connection, trigger, newest)
            fired = await self._fire(connection, trigger, files)
            # Where there are more, those that fired by now are known when these are read again.
            if fired < _MOST_FIRES:
                await trigger_rows.update(connection, trigger_id, files_revision=until)
        if fired:
            self._firing.announce()
        return fired

    async def _changed(
        self, connection: Connection, trigger: Trigger, newest: int
    ) -> tuple[Sequence[StoredFile], int]:
        """Read files that have changed, and up to which revision those are all."""
        limit = 2 * AT_ONCE
        after = min(trigger.files_revision, newest)  # a store that was restored is behind
        watch_id = trigger.watch_id or ""
        files = await file_rows.changed_after(
            connection, trigger.tenant_id, watch_id, after, newest, limit
        )
        if len(files) < limit:
            return files, newest
        # One revision never has so many files that nothing is left without the last.
        last = files[-1].revision
        return [file for file in files if file.revision < last], last - 1

    async def _fire(
        self, connection: Connection, trigger: Trigger, files: Sequence[StoredFile]
    ) -> int:
        pattern = re.compile(translate(trigger.settings.file_pattern.lower() or "*"))
        fired = 0
        for file in files:
            version = _whole_version(file)
            name = file.file_path.rpartition("/")[2].lower()
            if version is None or not pattern.match(name):
                continue
            path_hash = hash_of(file.file_path)
            if await arrival_rows.take_file(connection, trigger.trigger_id, path_hash, version):
                await self._fire_for(connection, trigger, file)
                fired += 1
            if fired == _MOST_FIRES:
                break
        return fired

    async def _fire_for(self, connection: Connection, trigger: Trigger, file: StoredFile) -> None:
        now = await self._schedules.now(connection)
        chain = await led_to_file(connection, trigger.tenant_id, file.file_path, file.modified_at)
        event = {
            "file": file.file_path,
            "size_bytes": file.size,
            "modified_at": file.modified_at.isoformat(),
            CHAIN: chain,
        }
        await self._firing.fire(connection, trigger, Fire(now, now, event))


def _whole_version(file: StoredFile) -> str | None:
    """Return what tells the version of a file that is whole; None where none is known to be."""
    if file.status in _UNSETTLED:
        return None
    if file.status in _TAKEN and file.taken_fingerprint is not None:
        return file.taken_fingerprint
    return file.fingerprint
