"""A core with a worker on each engine, and marts over a table that is loaded."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent import futures
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from headrace_server.app import Core, open_core
from headrace_server.composition import foundation
from headrace_server.config import Config
from headrace_server.core.ingestion.receiving import Delivery
from headrace_server.model.contract import Column, ColumnType, Contract, Table
from headrace_server.model.datamart import Datamart, NewDatamart, Refresh
from headrace_server.model.job import Priority
from headrace_server.model.page import PageRequest
from headrace_server.model.tenant import Principal, Scope
from headrace_server.running import running_worker

CALLER = Principal("default", frozenset(Scope), None)
PALLETS = Table("pallets", (Column("id", ColumnType.INTEGER),), ("id",))


@dataclass(frozen=True)
class Yard:
    """The default tenant's datamarts and loads."""

    core: Core

    async def load(self, *ids: int) -> None:
        """Load pallets and wait for the end."""

        async def body() -> AsyncIterator[bytes]:
            for number in ids:
                yield json.dumps({"id": number}).encode() + b"\n"

        delivery = Delivery("", f"pallets_{ids[0]}.ndjson", "", Priority.MEDIUM, "")
        services = self.core.services
        received = await services.receiver.receive(CALLER, delivery, body())
        request_id = received.ingestion.request_id
        async with asyncio.timeout(30):
            while not (found := await services.ingestions.get(CALLER, request_id)).terminal:
                await asyncio.sleep(0.02)
        assert found.status.name == "COMPLETED", found.details

    async def create(self, name: str, query: str, **how: Any) -> Datamart:
        return await self.core.services.mart_definitions.create(
            CALLER, NewDatamart("analytics", name, query, **how)
        )

    async def mart(self, name: str) -> Datamart:
        return (await self.core.services.datamarts.get(CALLER, "analytics", name)).mart

    async def refresh(self, name: str, **how: Any) -> Refresh:
        """Refresh a mart and wait for the end."""
        refreshes = self.core.services.refreshes
        started = await refreshes.start(CALLER, "analytics", name, **how)
        return await refreshes.wait(CALLER, started, 30)

    async def history(self, name: str) -> list[Refresh]:
        refreshes = self.core.services.refreshes
        return list((await refreshes.list(CALLER, "analytics", name, PageRequest())).items)

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = []
        async for piece in self.core.services.queries.run(CALLER, sql, most_rows=100, seconds=30):
            found += piece.rows
        return found

    async def until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(30):
            while not await holds():
                await asyncio.sleep(0.02)


@pytest.fixture
async def idle_yard(
    migrated_url: str,
    tmp_path: Path,
    lent_parsers: Callable[..., futures.Executor],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Yard]:
    """A core that nobody works in."""
    monkeypatch.setattr(foundation, "process_pool", lent_parsers)
    url = "" if migrated_url.startswith("sqlite") else migrated_url
    config = Config(data_dir=tmp_path, database_url=url, parsers=1, metrics_address="")
    async with open_core(config) as core:
        await core.services.contracts.register(CALLER, Contract("yard", (PALLETS,)))
        yield Yard(core)


@pytest.fixture
async def yard(idle_yard: Yard) -> AsyncIterator[Yard]:
    """A core with a worker, and three pallets."""
    async with running_worker(idle_yard.core):
        await idle_yard.load(1, 2, 3)
        yield idle_yard
