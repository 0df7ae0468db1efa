"""A migrated control store on each engine."""

from collections.abc import AsyncIterator

import pytest

from headrace_server.db.engine import ControlStore
from headrace_server.db.migrations import migrate


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[ControlStore]:
    """A migrated store without tenants, once for each engine."""
    store = ControlStore.open(database_url)
    await migrate(store)
    yield store
    await store.close()
