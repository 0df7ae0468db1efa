"""A migrated control store on each engine, and processes that parse."""

from collections.abc import AsyncIterator, Callable, Iterator
from concurrent import futures
from typing import Any

import pytest

from headrace_server.core.ingestion.parsing import process_pool
from headrace_server.db.engine import ControlStore


@pytest.fixture
async def store(migrated_url: str) -> AsyncIterator[ControlStore]:
    """A migrated store without tenants, once for each engine."""
    store = ControlStore.open(migrated_url)
    yield store
    await store.close()


class _LentPool(futures.Executor):
    """Runs tasks on a pool that outlives it."""

    def __init__(self, pool: futures.Executor) -> None:
        self._pool = pool
        self._tasks: list[futures.Future[Any]] = []

    def submit(self, *task: Any, **named: Any) -> futures.Future[Any]:
        self._tasks.append(self._pool.submit(*task, **named))
        return self._tasks[-1]

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for its tasks, and leave the processes to the next."""
        if cancel_futures:
            for task in self._tasks:
                task.cancel()
        if wait:
            futures.wait(self._tasks)


@pytest.fixture(scope="session")
def parser_processes() -> Iterator[futures.Executor]:
    """A pool of one process, which takes longer to start than most tests take."""
    with process_pool(1) as pool:
        yield pool


@pytest.fixture
def lent_parsers(parser_processes: futures.Executor) -> Callable[..., futures.Executor]:
    """Gives a core its parsers, which are those of the cores before it."""
    return lambda *_: _LentPool(parser_processes)
