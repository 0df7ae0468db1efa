"""An import's turn, where one of those into its table replaces all rows."""

from headrace_server.db import file_imports as import_rows
from headrace_server.db.engine import ControlStore
from headrace_server.db.wakeups import Wakeups, ingestion_topic
from headrace_server.model.file_import import FileImport

_POLL_SECONDS = 1.0


class EarlierImports:
    """Keeps the rows of one file together: those before a replacement go, those after it stay.

    As with `ParentLoads`, nobody waits for an import that has not begun, or that waits for its next
    attempt: it may wait for the slot of whoever would wait for it.
    """

    def __init__(self, store: ControlStore, wakeups: Wakeups) -> None:
        self._store = store
        self._wakeups = wakeups

    async def ended(self, record: FileImport, *, replaces: bool) -> None:
        """Return when no import of the same table that was accepted before runs any more.

        One that does not replace rows itself waits for those only that do.
        """
        while running := await self._running(record, replaces=replaces):
            async with self._wakeups.subscribe(ingestion_topic(running)) as changes:
                if running == await self._running(record, replaces=replaces):
                    await changes.wait(_POLL_SECONDS)

    async def _running(self, record: FileImport, *, replaces: bool) -> str | None:
        async with self._store.read() as connection:
            return await import_rows.running_before(connection, record, only_replacing=not replaces)
