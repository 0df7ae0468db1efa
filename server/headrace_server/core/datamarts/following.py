"""Datamarts that follow the tables they read: refreshed after loads, each once, in order.

Nothing is handed over where loads end, so that nothing is lost there. What came into the sources of
a datamart is compared with what had come when it was last refreshed for it: a wake-up says when to
look, and a slow poll looks where it was lost. Loads that come while a refresh is under way cause
one more, together.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any

import structlog

from headrace_server.core.background import in_background
from headrace_server.core.contracts.registry import Contracts
from headrace_server.core.datamarts.lineage import Lineage
from headrace_server.core.datamarts.refreshes import Refreshes
from headrace_server.db import datamart_refreshes as refresh_rows
from headrace_server.db import datamarts as mart_rows
from headrace_server.db import ingestions as ingestion_rows
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.wakeups import DATAMARTS, LOADED_TABLES, Wakeups
from headrace_server.model.contract import ancestors_of
from headrace_server.model.datamart import Cause, Datamart, Refresh, RefreshStrategy, Relation
from headrace_server.model.warehouse import Catalog
from headrace_server.warehouse.base import Warehouse
from headrace_server.warehouse.marts import ledger_name
from headrace_server.warehouse.registry import Warehouses

#: seconds between two looks: where nothing calls for one, and where loads are waited for
_SLOW_POLL, _SOON = 30.0, 0.3
#: seconds in which loads that end are taken together
_GATHERING = 0.2
#: seconds that a datamart waits for loads into its tables to end
_PATIENCE = 60.0
_AFTER_FAULT = 1.0
#: seconds in which a tenant is left alone whose datamarts could not be looked at
_REST = 5.0

_log = structlog.get_logger(__name__)


class MartFollower:
    """Begins the refreshes that loads make due, of all tenants; any number of servers may do so."""

    def __init__(
        self,
        store: ControlStore,
        contracts: Contracts,
        refreshes: Refreshes,
        warehouses: Warehouses,
        wakeups: Wakeups,
    ) -> None:
        self._store = store
        self._contracts = contracts
        self._refreshes = refreshes
        self._warehouses = warehouses
        self._wakeups = wakeups
        #: since when a datamart has waited for loads, by its id
        self._waiting: dict[str, float] = {}
        #: until when a tenant is left alone
        self._resting: dict[str, float] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow until the block ends."""
        async with in_background(self._run(), "mart-follower"):
            yield

    async def _run(self) -> None:
        async with self._wakeups.subscribe(LOADED_TABLES, DATAMARTS) as changes:
            while True:
                try:
                    waiting = await self.follow_all()
                except Exception:  # noqa: BLE001  # the next look tries again
                    _log.exception("datamarts.cannot_follow")
                    await asyncio.sleep(_AFTER_FAULT)
                    continue
                await changes.wait(_SOON if waiting else _SLOW_POLL)
                await asyncio.sleep(_GATHERING)

    async def follow_all(self) -> bool:
        """Begin what is due; whether some of it waits for loads to end."""
        async with self._store.read() as connection:
            tenants = await mart_rows.tenants_with_followers(connection)
        return any([await self._follow_unless_resting(tenant_id) for tenant_id in tenants])

    async def _follow_unless_resting(self, tenant_id: str) -> bool:
        """`_follow`; what goes wrong with one tenant is nothing to the others."""
        if self._resting.get(tenant_id, 0) > time.monotonic():
            return True
        self._resting.pop(tenant_id, None)
        try:
            return await self._follow(tenant_id)
        except Exception:  # noqa: BLE001  # a later look tries again
            _log.exception("datamarts.cannot_follow", tenant_id=tenant_id)
            self._resting[tenant_id] = time.monotonic() + _REST
            return True

    async def _follow(self, tenant_id: str) -> bool:
        async with self._store.read() as connection:
            marts = await mart_rows.of_tenant(connection, tenant_id)
        lineage = Lineage(marts)
        followers = [
            mart for mart in lineage.in_order(marts) if mart.strategy is RefreshStrategy.ON_COMMIT
        ]
        catalog = await self._contracts.catalog(tenant_id)
        watched = {mart.datamart_id: _watched(mart, lineage, catalog) for mart in followers}
        async with self._warehouses.use(tenant_id) as warehouse:
            arrivals = await warehouse.marts.arrivals(set().union(*watched.values()))
            loading = await self._loading(tenant_id, warehouse)
        latest = {mart.datamart_id: mart.latest_refresh_id for mart in marts}
        waits = False
        for mart in followers:
            upstream = lineage.upstream(mart)
            names = set(map(ledger_name, watched[mart.datamart_id]))
            seen = {
                "tables": {name: arrivals[name] for name in sorted(names)},
                "datamarts": {each.datamart_id: latest[each.datamart_id] for each in upstream},
            }
            if seen == mart.seen:
                continue
            if self._has_to_wait(mart, names, loading):
                waits = True
                continue
            refresh = await self._begin(mart, seen, upstream)
            if refresh is not None:
                latest[mart.datamart_id] = refresh.refresh_id
        return waits

    async def _loading(self, tenant_id: str, warehouse: Warehouse) -> set[str]:
        """The tables that loads which are under way have brought rows for."""
        async with self._store.read() as connection:
            running = await ingestion_rows.in_progress(connection, tenant_id)
        found = [await warehouse.loaded_tables(request_id) for request_id in running]
        return set().union(*found)

    def _has_to_wait(self, mart: Datamart, tables: Collection[str], loading: set[str]) -> bool:
        """Whether loads into its tables go on, and it has not waited long."""
        if loading.isdisjoint(tables):
            self._waiting.pop(mart.datamart_id, None)
            return False
        now = time.monotonic()
        if now - self._waiting.setdefault(mart.datamart_id, now) < _PATIENCE:
            return True
        del self._waiting[mart.datamart_id]
        return False

    async def _begin(
        self, mart: Datamart, seen: Mapping[str, Any], upstream: Collection[Datamart]
    ) -> Refresh | None:
        """Begin a refresh after those of what it reads; None where one is open, or was begun."""
        ids = [each.datamart_id for each in upstream]
        async with self._store.begin() as connection:
            # None of them begins nor ends a refresh before the commit.
            await mart_rows.lock_all(connection, [*ids, mart.datamart_id])
            after = await self._open(connection, ids)
            locked = await mart_rows.lock(connection, mart.datamart_id)
            if locked is None or locked.seen == seen or locked.seen != mart.seen:
                return None
            if await refresh_rows.find_open(connection, mart.datamart_id):
                # Its end is a wake-up.
                return None
            refresh = await self._refreshes.begin(
                connection, mart.datamart_id, Cause.COMMIT, after=after
            )
            await mart_rows.update(connection, mart.datamart_id, seen=dict(seen))
        self._refreshes.announce(refresh)
        return refresh

    async def _open(self, connection: Connection, datamart_ids: Collection[str]) -> list[str]:
        """The refreshes of datamarts that are under way."""
        found = [await refresh_rows.find_open(connection, each) for each in datamart_ids]
        return [refresh.refresh_id for refresh in found if refresh is not None]


def _watched(mart: Datamart, lineage: Lineage, catalog: Catalog) -> set[Relation]:
    """The tables whose loads change what a datamart reads: rows that waited come with parents."""
    tables = lineage.tables(mart)
    for schema, name in list(tables):
        if schema == "public" and name in catalog:
            tables |= {("public", parent) for parent in ancestors_of(catalog[name], catalog)}
    return tables
