import asyncio
from datetime import datetime

import pytest
from sqlalchemy.exc import IntegrityError

from headrace_server.db import contracts
from headrace_server.db.contracts import ContractRow
from headrace_server.db.engine import ControlStore


def _row(name: str, version: int, now: datetime) -> ContractRow:
    return ContractRow(name, version, {"tables": [{"name": "ü", "version": version}]}, now)


async def test_versions_are_kept_and_the_newest_are_listed(
    store: ControlStore, now: datetime
) -> None:
    rows = [_row("b", 1, now), _row("a", 1, now), _row("b", 2, now), _row("b", 10, now)]
    async with store.begin() as connection:
        for row in rows:
            await contracts.insert(connection, "acme", row)
        await contracts.insert(connection, "globex", _row("c", 1, now))
        assert await contracts.list_newest(connection, "acme") == [rows[1], rows[3]]
        assert await contracts.find(connection, "acme", "b", 2) == rows[2]
        assert await contracts.find(connection, "acme", "b", 3) is None
        assert await contracts.find(connection, "globex", "b", 2) is None
        assert await contracts.count(connection, "acme") == 4
        assert await contracts.count(connection, "initech") == 0


async def test_a_version_is_inserted_once(store: ControlStore, now: datetime) -> None:
    async with store.begin() as connection:
        await contracts.insert(connection, "acme", _row("a", 1, now))
    with pytest.raises(IntegrityError):
        async with store.begin() as connection:
            await contracts.insert(connection, "acme", _row("a", 1, now))


async def test_registrations_of_a_tenant_take_turns(store: ControlStore, now: datetime) -> None:
    async def register() -> None:
        async with store.begin() as connection:
            await contracts.lock(connection, "acme")
            newest = await contracts.count(connection, "acme")
            await contracts.insert(connection, "acme", _row("a", newest + 1, now))

    await asyncio.gather(*(register() for _ in range(10)))
    async with store.read() as connection:
        assert await contracts.count(connection, "acme") == 10
