"""A migrated control store on each engine."""

from collections.abc import AsyncIterator

import pytest

from headrace_server.db.engine import ControlStore


@pytest.fixture
async def store(migrated_url: str) -> AsyncIterator[ControlStore]:
    """A migrated store without tenants, once for each engine."""
    store = ControlStore.open(migrated_url)
    yield store
    await store.close()
