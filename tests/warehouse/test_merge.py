"""One chunk, one transaction."""

from typing import TYPE_CHECKING

import pytest

from headrace_server.model.errors import StaleAttemptError

if TYPE_CHECKING:
    from warehouse.conftest import Loader


async def test_loads_in_dependency_order(loader: "Loader") -> None:
    await loader.load("customers", [(1, 30), (2, 40)])
    entry = await loader.load("orders", [(1, 100, 1), (2, 200, None)], file_no=1)
    assert (entry.rows_read, entry.rows_loaded, entry.rows_parked) == (2, 2, 0)
    assert await loader.rows("orders") == [(1, 100, 1), (2, 200, None)]


async def test_releases_transitively(loader: "Loader") -> None:
    items = await loader.load("items", [(1, 5, 1), (2, 6, 1), (3, 7, 9)], file_no=2)
    orders = await loader.load("orders", [(1, 100, 1)], file_no=1)
    assert (items.rows_parked, orders.rows_parked) == (3, 1)
    assert await loader.rows("items") == []
    await loader.load("customers", [(1, 30)])
    assert await loader.rows("orders") == [(1, 100, 1)]
    assert await loader.rows("items") == [(1, 5, 1), (2, 6, 1)]
    assert await loader.tally() == {0: (1, 1, 0, 0), 1: (1, 1, 0, 0), 2: (3, 2, 0, 1)}


async def test_the_latest_line_wins(loader: "Loader") -> None:
    entry = await loader.load("customers", [(1, 30), (2, 1), (1, 31)])
    assert (entry.rows_loaded, entry.rows_superseded) == (3, 1)
    assert await loader.rows("customers") == [(1, 31), (2, 1)]


async def test_a_retried_chunk_changes_nothing(loader: "Loader") -> None:
    first = await loader.load("customers", [(1, 30)])
    await loader.load("customers", [(1, 31)], chunk=1)
    assert await loader.load("customers", [(1, 30)]) == first
    assert await loader.rows("customers") == [(1, 31)]


async def test_older_attempts_are_refused(loader: "Loader") -> None:
    await loader.warehouse.fence("ing", 2)
    with pytest.raises(StaleAttemptError, match="attempt 1 .* attempt 2"):
        await loader.load("customers", [(1, 30)], attempt=1)
    assert await loader.rows("customers") == []
