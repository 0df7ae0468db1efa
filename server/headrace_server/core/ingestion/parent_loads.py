"""A load's turn: after the loads of its parents' tables that came before it and run now."""

from headrace_server.db import ingestions as ingestion_rows
from headrace_server.db.engine import ControlStore
from headrace_server.db.wakeups import Wakeups, ingestion_topic
from headrace_server.model.contract import ancestors_of
from headrace_server.model.ingestion import Ingestion
from headrace_server.model.warehouse import Catalog

_POLL_SECONDS = 1.0


class ParentLoads:
    """Spares rows the parking where their parents are just being loaded.

    Only a help: rows whose parents are missing all the same are parked. Nobody waits for a load
    that has not begun, so that waiting loads cannot keep those they wait for from beginning.
    """

    def __init__(self, store: ControlStore, wakeups: Wakeups) -> None:
        self._store = store
        self._wakeups = wakeups

    async def ended(self, ingestion: Ingestion, data_type: str, catalog: Catalog) -> None:
        """Return when no earlier load of a parent's table, direct or not, runs any more."""
        ancestors = ancestors_of(catalog[data_type], catalog)
        while running := await self._running(ingestion, ancestors):
            async with self._wakeups.subscribe(ingestion_topic(running)) as changes:
                if running == await self._running(ingestion, ancestors):
                    await changes.wait(_POLL_SECONDS)

    async def _running(self, ingestion: Ingestion, data_types: frozenset[str]) -> str | None:
        if not data_types:
            return None
        async with self._store.read() as connection:
            return await ingestion_rows.running_before(connection, ingestion, data_types)
