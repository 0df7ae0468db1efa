"""Catches up with what one load did to the parked rows of others."""

from collections.abc import Sequence

from headrace_server.core.ingestion.counting import counted
from headrace_server.core.mappings.outcomes import recounted
from headrace_server.db import ingestions as ingestion_rows
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.wakeups import Wakeups, ingestion_topic
from headrace_server.model.ingestion import Ingestion, Kind, Status
from headrace_server.model.warehouse import FileTally
from headrace_server.warehouse.base import Warehouse
from headrace_server.warehouse.registry import Warehouses


class Settlement:
    """Brings the counts of ended ingestions up to date with their warehouse."""

    def __init__(self, store: ControlStore, warehouses: Warehouses, wakeups: Wakeups) -> None:
        self._store = store
        self._warehouses = warehouses
        self._wakeups = wakeups

    async def settle_all(self) -> None:
        """Settle what processes left that were killed before they came to it."""
        async with self._store.read() as connection:
            tenants = await ingestion_rows.tenants_with_parked_rows(connection)
        for tenant_id in tenants:
            async with self._warehouses.use(tenant_id) as warehouse:
                await self.settle(warehouse)

    async def settle(self, warehouse: Warehouse) -> None:
        """Settle every ingestion whose parked rows were released or superseded by another.

        One that still runs is left: it counts itself and settles after its own end.
        """
        for request_id, token in (await warehouse.settlements()).items():
            if await self.count(warehouse, request_id):
                await warehouse.settle(request_id, token)
                self._wakeups.notify(ingestion_topic(request_id))

    async def count(self, warehouse: Warehouse, request_id: str) -> bool:
        """Count one ended ingestion anew; False while it runs."""
        while True:
            async with self._store.read() as connection:
                ingestion = await ingestion_rows.find_in_any_tenant(connection, request_id)
            if ingestion is None or ingestion.status is Status.COMPLETED:
                return True
            if not ingestion.status.terminal:
                return False
            tallies = await warehouse.tally(request_id)
            async with self._store.begin() as connection:
                if await _recounted(connection, ingestion, tallies):
                    return True


async def _recounted(
    connection: Connection, ingestion: Ingestion, tallies: Sequence[FileTally]
) -> Ingestion | None:
    if ingestion.kind is Kind.MAPPINGS:
        return await recounted(connection, ingestion, tallies)
    return await counted(
        connection,
        ingestion.request_id,
        tallies,
        ingestion.status,
        revision=ingestion.revision,
    )
