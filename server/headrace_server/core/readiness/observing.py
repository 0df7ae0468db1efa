"""Datasets kept up with what is loaded: each table is profiled after its loads, then scored."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import structlog

from headrace_server.core.background import in_background
from headrace_server.core.readiness.datasets import Datasets
from headrace_server.core.readiness.drift import observation_of
from headrace_server.core.readiness.facts import unique_keys
from headrace_server.db import dataset_loads
from headrace_server.db.engine import ControlStore
from headrace_server.db.wakeups import LOADED_TABLES, Wakeups
from headrace_server.model.contract import ancestors_of
from headrace_server.model.dataset import Dataset, Declaration
from headrace_server.model.errors import NotFoundError
from headrace_server.model.observation import Observation, TableProfile
from headrace_server.model.tenant import Principal
from headrace_server.model.warehouse import Catalog
from headrace_server.warehouse.registry import Warehouses

_log = structlog.get_logger(__name__)

#: rows that are looked at after a load, and when somebody asks
ROWS_AFTER_LOAD = 20_000
ROWS_ON_REQUEST = 1_000_000
#: most of the time that observing takes, however small and many the loads are
_SHARE = 0.08
#: how long a table stays with the process that took it
_CLAIM = timedelta(minutes=1)
#: seconds between two looks for tables that others left
_SLOW_POLL = 30.0
#: seconds between a load's end and the look at its tables
_AFTER_LOAD = 0.1
#: seconds after a fault, which the next table may meet too
_AFTER_FAULT = 1.0


class Observer:
    """Profiles tables and scores what was seen."""

    def __init__(
        self,
        store: ControlStore,
        warehouses: Warehouses,
        datasets: Datasets,
        wakeups: Wakeups,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._warehouses = warehouses
        self._datasets = datasets
        self._wakeups = wakeups
        self._clock = clock

    async def observe(self, caller: Principal, name: str) -> Dataset:
        """Profile the table of a dataset, or one that is no dataset yet, and score it.

        Raises NotFoundError where the warehouse has no such table.
        """
        try:
            declaration = (await self._datasets.get(caller, name)).declaration
        except NotFoundError:
            if "." not in name:
                raise
            declaration = Declaration(name)
        profile = await self._profile(caller.tenant_id, declaration, ROWS_ON_REQUEST)
        full_name = declaration.full_name
        return await self._record(caller.tenant_id, full_name, profile, recorded=True)

    async def load_ended(self, tenant_id: str, tables: Collection[str], catalog: Catalog) -> None:
        """Note that rows came into tables, and maybe into those that waited; raises nothing."""
        try:
            names = [
                table.name if "." in table.name else f"public.{table.name}"
                for table in catalog.values()
                if table.name in tables or not ancestors_of(table, catalog).isdisjoint(tables)
            ]
            if names:
                async with self._store.begin() as connection:
                    await dataset_loads.add(connection, tenant_id, names, self._clock())
        except Exception:  # noqa: BLE001  # a load does not fail for want of a score
            _log.exception("readiness.cannot_note_load", tenant_id=tenant_id)
        self._wakeups.notify(LOADED_TABLES)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Observe what is loaded until the block ends."""
        async with in_background(self._run(), "observer"):
            yield

    async def _run(self) -> None:
        async with self._wakeups.subscribe(LOADED_TABLES) as loads:
            while True:
                started = time.monotonic()
                worked = await self._try_next()
                # Loads that come meanwhile are observed together.
                await asyncio.sleep((time.monotonic() - started) * (1 / _SHARE - 1))
                if worked is None:
                    await asyncio.sleep(_AFTER_FAULT)
                elif not worked:
                    await loads.wait(_SLOW_POLL)
                    # Whoever woke us has more to do yet: to end the load, and to answer.
                    await asyncio.sleep(_AFTER_LOAD)

    async def _try_next(self) -> bool | None:
        """Do what `observe_next` does; None where it failed."""
        try:
            return await self.observe_next()
        except Exception:  # noqa: BLE001  # it is tried again when the claim has run out
            _log.exception("readiness.cannot_observe")
            return None

    async def observe_next(self) -> bool:
        """Observe the table that was loaded longest ago; False where none waits."""
        now = self._clock()
        async with self._store.begin() as connection:
            claimed = await dataset_loads.claim(connection, now, now + _CLAIM)
        if claimed is None:
            return False
        tenant_id, full_name, _ = claimed
        try:
            await self._observe_loaded(tenant_id, full_name)
        except NotFoundError:
            _log.info("readiness.table_is_gone", tenant_id=tenant_id, table=full_name)
        async with self._store.begin() as connection:
            await dataset_loads.done(connection, *claimed)
        return True

    async def _observe_loaded(self, tenant_id: str, full_name: str) -> None:
        dataset = await self._datasets.find(tenant_id, full_name)
        declaration = dataset.declaration if dataset else Declaration(full_name)
        profile = await self._profile(tenant_id, declaration, ROWS_AFTER_LOAD)
        # A contract's tables are made together: one that nothing was loaded into is no dataset.
        if dataset or profile.updated_at:
            await self._record(tenant_id, full_name, profile)

    async def _profile(self, tenant_id: str, declaration: Declaration, most: int) -> TableProfile:
        schema, _, name = declaration.full_name.rpartition(".")
        keys = unique_keys(declaration)
        async with self._warehouses.use(tenant_id) as warehouse:
            return await warehouse.profile(schema, name, most=most, keys=keys)

    async def _record(
        self, tenant_id: str, full_name: str, profile: TableProfile, *, recorded: bool = False
    ) -> Dataset:
        def see(before: Observation | None) -> Observation:
            return observation_of(profile, before, self._clock())

        return await self._datasets.observed(tenant_id, full_name, see, recorded=recorded)
