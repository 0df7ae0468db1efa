"""One chunk, one transaction."""

from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import DBAPIError

from headrace_server.model.errors import StaleAttemptError, StorageUnavailableError, WrongStateError

if TYPE_CHECKING:
    from warehouse.conftest import Integers, Loader, LoaderOf


async def test_loads_in_dependency_order(loader: "Loader") -> None:
    await loader.load("customers", [(1, 30), (2, 40)])
    entry = await loader.load("orders", [(1, 100, 1), (2, 200, None)], file_no=1)
    assert (entry.rows_read, entry.rows_loaded, entry.rows_parked) == (2, 2, 0)
    assert await loader.rows("orders") == [(1, 100, 1), (2, 200, None)]


async def test_an_entry_tells_what_the_chunk_was(loader: "Loader") -> None:
    entry = await loader.load(
        "orders", [(1, 1, 1), (2, 2, None), (2, 3, None)], file_no=4, chunk=7, attempt=3,
        first_line=11, rejects=[14, 15],
    )  # fmt: skip
    assert (entry.first_line, entry.byte_offset, entry.byte_length) == (11, 1100, 1000)
    assert (entry.rows_read, entry.rows_loaded, entry.rows_rejected) == (5, 2, 2)
    assert (entry.rows_parked, entry.rows_superseded, entry.attempt) == (1, 1, 3)
    assert await loader.warehouse.committed("ing") == [entry]


async def test_the_latest_line_wins(loader: "Loader") -> None:
    entry = await loader.load("customers", [(1, 30), (2, 1), (1, 31)])
    assert (entry.rows_loaded, entry.rows_superseded) == (3, 1)
    entry = await loader.load("customers", [(2, 2), (3, 3), (2, 4)], chunk=1)
    assert (entry.rows_loaded, entry.rows_superseded) == (3, 1)
    assert await loader.rows("customers") == [(1, 31), (2, 4), (3, 3)]


async def test_no_name_of_a_column_hides_the_order_of_lines(
    loader_of: "LoaderOf", integers: "Integers"
) -> None:
    loader = loader_of({"t": integers("t", "rowid", "oid", "_rowid_")})
    await loader.load("t", [(1, 9, 9, 9), (2, 5, 5, 5), (1, 3, 3, 3)])
    assert await loader.rows("t") == [(1, 3, 3, 3), (2, 5, 5, 5)]


async def test_the_latest_line_wins_even_if_it_must_be_parked(loader: "Loader") -> None:
    await loader.load("customers", [(1, 30)])
    entry = await loader.load("orders", [(1, 100, 1), (1, 200, 7)], file_no=1)
    assert (entry.rows_loaded, entry.rows_parked, entry.rows_superseded) == (1, 1, 1)
    assert await loader.rows("orders") == []
    assert await loader.tally() == {0: (1, 1, 0, 0), 1: (2, 1, 0, 1)}


async def test_rows_that_are_all_key_load_again(
    loader_of: "LoaderOf", integers: "Integers"
) -> None:
    loader = loader_of({"tags": integers("tags")})
    await loader.load("tags", [(1,), (2,), (1,)])
    entry = await loader.load("tags", [(2,), (3,), (3,)], chunk=1)
    assert (entry.rows_loaded, entry.rows_superseded) == (3, 1)
    assert await loader.count("tags") == 3


async def test_a_retried_chunk_changes_nothing(loader: "Loader") -> None:
    first = await loader.load("customers", [(1, 30)], rejects=[2])
    await loader.load("customers", [(1, 31)], chunk=1)
    assert await loader.load("customers", [(1, 30)], rejects=[2]) == first
    assert await loader.load("customers", [(1, 30)], rejects=[2], attempt=2) == first
    assert await loader.rows("customers") == [(1, 31)]
    assert await loader.tally() == {0: (3, 2, 1, 0)}


async def test_an_older_attempt_is_refused(loader: "Loader") -> None:
    await loader.warehouse.fence("ing", 2)
    with pytest.raises(StaleAttemptError, match=r"attempt 1 .* attempt 2"):
        await loader.load("customers", [(1, 30)], attempt=1)
    assert await loader.rows("customers") == []
    with pytest.raises(StaleAttemptError):
        await loader.warehouse.fence("ing", 1)


async def test_a_merge_records_its_attempt(loader: "Loader") -> None:
    await loader.load("customers", [(1, 30)], attempt=5)
    with pytest.raises(StaleAttemptError):
        await loader.load("customers", [(2, 30)], attempt=4, chunk=1)
    await loader.load("customers", [(2, 31)], attempt=4, ingestion="another")
    assert await loader.rows("customers") == [(1, 30), (2, 31)]


async def test_a_failure_in_mid_merge_leaves_nothing(loader: "Loader") -> None:
    await loader.load("items", [(1, 5, 1)], file_no=1)
    good = loader.stage("orders", [(1, 100, None)], rejects=[2])
    await loader.break_ledger()
    with pytest.raises(DBAPIError):
        await loader.warehouse.merge(good, loader.catalog)
    await loader.mend_ledger()
    assert await loader.rows("orders") == await loader.rows("items") == []
    assert await loader.parked("items") == 1
    assert await loader.tally() == {1: (1, 0, 0, 1)}
    await loader.warehouse.merge(good, loader.catalog)
    assert await loader.rows("items") == [(1, 5, 1)]


async def test_a_chunk_that_is_not_there_is_said_so(loader: "Loader") -> None:
    chunk = loader.stage("customers", [(1, 30)])
    loader.discard(chunk)
    with pytest.raises(StorageUnavailableError, match="staged"):
        await loader.warehouse.merge(chunk, loader.catalog)
    assert (await loader.load("customers", [(1, 30)])).rows_loaded == 1


async def test_replayed_rejects_are_exchanged(loader: "Loader") -> None:
    await loader.load("customers", [(1, 30)], rejects=[2, 3, 4])
    ids = [row.reject_id async for row in loader.warehouse.rejects_by_id("ing", None)]
    await loader.load("customers", [(2, 31)], run=1, first_line=2, rejects=[3], replays=ids[:2])
    assert await loader.rows("customers") == [(1, 30), (2, 31)]
    assert await loader.tally() == {0: (4, 2, 2, 0)}
    lines = [row.line async for row in loader.warehouse.rejects_by_id("ing", None)]
    assert lines == [3, 4]


async def test_a_replayed_row_may_be_parked_and_released(loader: "Loader") -> None:
    await loader.load("orders", [], rejects=[1, 2])
    ids = [row.reject_id async for row in loader.warehouse.rejects_by_id("ing", None)]
    await loader.load("orders", [(1, 1, 9), (2, 2, None)], run=1, replays=ids)
    assert await loader.tally() == {0: (2, 1, 0, 1)}
    await loader.load("customers", [(9, 1)], file_no=1)
    assert await loader.tally() == {0: (2, 2, 0, 0), 1: (1, 1, 0, 0)}


async def test_a_reject_is_replayed_once(loader: "Loader") -> None:
    await loader.load("customers", [], rejects=[1])
    ids = [row.reject_id async for row in loader.warehouse.rejects_by_id("ing", None)]
    await loader.load("customers", [(1, 30)], run=1, replays=ids)
    with pytest.raises(WrongStateError, match="no longer there"):
        await loader.load("customers", [(1, 31)], run=2, replays=ids)
    assert await loader.rows("customers") == [(1, 30)]
    assert await loader.tally() == {0: (1, 1, 0, 0)}


async def test_another_ingestions_rejects_are_not_replayed(loader: "Loader") -> None:
    await loader.load("customers", [], rejects=[1])
    ids = [row.reject_id async for row in loader.warehouse.rejects_by_id("ing", None)]
    with pytest.raises(WrongStateError):
        await loader.load("customers", [(1, 1)], ingestion="other", run=1, replays=ids)


async def test_the_ledger_is_paged(loader: "Loader") -> None:
    entries = [await loader.load("customers", [(n, n)], chunk=n) for n in range(3)]
    entries += [await loader.load("customers", [(9, n)], file_no=1, chunk=n) for n in range(2)]
    page = await loader.warehouse.ledger_page("ing", None, 4)
    assert page == entries[:4]
    assert await loader.warehouse.ledger_page("ing", page[-1].key, 4) == entries[4:]


async def test_an_unknown_ingestion_has_nothing(loader: "Loader") -> None:
    assert await loader.warehouse.committed("x") == []
    assert await loader.warehouse.tally("x") == []
    assert await loader.warehouse.settlements() == {}
