"""A process that sleeps in a merge does not hold up those who come after it."""

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import pytest

from headrace_server.model.errors import StorageUnavailableError
from headrace_server.warehouse import engines, postgres_connections
from headrace_server.warehouse.bookkeeping import raise_fence

if TYPE_CHECKING:
    from warehouse.conftest import FamilyLoader, OpenWarehouse


async def test_a_newer_attempt_ends_the_merge_of_a_sleeping_one(
    postgres_url: str,
    open_warehouse: "OpenWarehouse",
    family_loader: "FamilyLoader",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engines, "_GRACE_SECONDS", 0.05)
    sleeping, awake = open_warehouse(postgres_url), open_warehouse(postgres_url)
    loader = family_loader(awake)
    await loader.load("customers", [(1, 30)], chunk=0)
    chunk = loader.stage("customers", [(2, 30)], chunk=1)

    async def oversleep() -> None:
        async with sleeping._write(chunk) as connection:
            await raise_fence(connection, sleeping._words, "ing", 1)
            async with asyncio.timeout(30):
                await awake.fence("ing", 2)
            await raise_fence(connection, sleeping._words, "ing", 1)

    with pytest.raises(StorageUnavailableError):
        await oversleep()
    await loader.load("customers", [(2, 31)], chunk=1, attempt=2)
    assert await loader.rows("customers") == [(1, 30), (2, 31)]
    for warehouse in (sleeping, awake):
        await warehouse.close()


async def test_a_session_that_sleeps_in_a_transaction_is_ended(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = postgres_connections._SETTINGS | {"idle_in_transaction_session_timeout": "20ms"}
    monkeypatch.setattr(postgres_connections, "_SETTINGS", settings)
    connection = await postgres_connections.connect(postgres_url)
    transaction = connection.transaction()
    await transaction.start()
    closed = asyncio.Event()
    connection.add_termination_listener(lambda _: closed.set())
    async with asyncio.timeout(30):
        await closed.wait()
    with pytest.raises(asyncpg.InterfaceError):
        await transaction.commit()
