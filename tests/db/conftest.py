"""A migrated control store on each engine."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from headrace_server.db import tables
from headrace_server.db.engine import ControlStore
from headrace_server.db.migrations import migrate

NOW = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[ControlStore]:
    """A migrated store, once for each engine, with the tenants `acme` and `globex`."""
    store = ControlStore.open(database_url)
    await migrate(store)
    async with store.begin() as connection:
        await connection.execute(
            tables.tenants.insert(),
            [
                {"tenant_id": name, "display_name": name, "status": "ACTIVE", "created_at": NOW}
                for name in ("acme", "globex")
            ],
        )
    yield store
    await store.close()
