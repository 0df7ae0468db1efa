"""A server in memory for each test."""

from collections.abc import Iterator

import pytest

from .fake.server import FakeServer
from .fake.state import State


@pytest.fixture
def server() -> Iterator[FakeServer]:
    fake = FakeServer()
    yield fake
    fake.state.running.set()
    fake.state.receiving.set()
    fake.stop()


@pytest.fixture
def state(server: FakeServer) -> State:
    return server.state
