"""A queue by the real clock, with short leases, on each engine."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from headrace_server.core.jobs.queue import Jobs
from headrace_server.db.engine import ControlStore
from headrace_server.db.tenants import insert
from headrace_server.db.wakeups import Wakeups, open_wakeups
from headrace_server.model.tenant import Tenant, TenantStatus


@pytest.fixture
async def store(migrated_url: str) -> AsyncIterator[ControlStore]:
    """A migrated store with the tenant `acme`."""
    store = ControlStore.open(migrated_url)
    async with store.begin() as connection:
        await insert(
            connection,
            Tenant("acme", "Acme", TenantStatus.ACTIVE, datetime(2026, 1, 1, tzinfo=UTC)),
        )
    yield store
    await store.close()


@pytest.fixture
async def wakeups(migrated_url: str) -> AsyncIterator[Wakeups]:
    wakeups = open_wakeups(migrated_url)
    await wakeups.start()
    yield wakeups
    await wakeups.close()


@pytest.fixture
def jobs(store: ControlStore, wakeups: Wakeups) -> Jobs:
    return Jobs(store, wakeups, jitter=lambda: 0.0)
