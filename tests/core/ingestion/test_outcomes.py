from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace_server.core.ingestion import outcomes
from headrace_server.model.ingestion import IngestionFile, Status
from headrace_server.model.warehouse import FileTally

FILE = IngestionFile("r", 0, "a.ndjson", "orders", "u", Status.IN_PROGRESS, 10, 10, 0, 0, 0, None)


@pytest.mark.parametrize(
    ("loaded", "rejected", "parked", "error", "status"),
    [
        (5, 0, 0, None, Status.COMPLETED),
        (0, 0, 0, None, Status.COMPLETED),
        (5, 1, 0, None, Status.COMPLETED_WITH_ERRORS),
        (5, 0, 1, None, Status.COMPLETED_WITH_ERRORS),
        (0, 0, 1, None, Status.COMPLETED_WITH_ERRORS),
        (0, 2, 1, None, Status.COMPLETED_WITH_ERRORS),
        (0, 2, 0, None, Status.FAILED),
        (0, 0, 0, "broken", Status.FAILED),
        (3, 0, 0, "broken", Status.COMPLETED_WITH_ERRORS),
    ],
)
def test_file_ends_by_what_became_of_its_rows(
    loaded: int, rejected: int, parked: int, error: str | None, status: Status
) -> None:
    file = replace(FILE, rows_loaded=loaded, rows_rejected=rejected, rows_parked=parked)
    assert outcomes.ended(replace(file, error=error)).status is status


ENDS = (Status.COMPLETED, Status.COMPLETED_WITH_ERRORS, Status.FAILED)


@given(st.lists(st.sampled_from(ENDS), min_size=1, max_size=5))
def test_ingestion_is_clean_or_failed_only_when_every_file_is(statuses: list[Status]) -> None:
    end = outcomes.outcome(replace(FILE, status=status) for status in statuses)
    assert (end is Status.COMPLETED) == all(status is Status.COMPLETED for status in statuses)
    assert (end is Status.FAILED) == all(status is Status.FAILED for status in statuses)


def test_details_say_what_a_caller_should_know() -> None:
    clean = replace(FILE, status=Status.COMPLETED, rows_loaded=3)
    assert outcomes.details([clean]) is None
    kept = replace(clean, rows_rejected=2, rows_parked=1)
    assert outcomes.details([kept]) == "2 rows are rejected; 1 row waits for a parent"
    empty = replace(clean, rows_loaded=0)
    assert outcomes.details([clean, empty]) == "a.ndjson holds no row"
    failed = replace(FILE, status=Status.FAILED, rows_rejected=4)
    assert "a.ndjson: all 4 rows were rejected" in (outcomes.details([failed]) or "")
    broken = replace(FILE, status=Status.FAILED, error="not gzip")
    assert outcomes.details([broken]) == "a.ndjson: not gzip"


def test_tally_replaces_counts_and_none_leaves_them() -> None:
    tally = FileTally(0, 6, 3, 2, 1, 9)
    counted = outcomes.with_tally(FILE, tally)
    assert (counted.rows_loaded, counted.rows_rejected, counted.rows_parked) == (3, 2, 1)
    assert counted.bytes_processed == 9
    assert outcomes.with_tally(counted, None) == counted


def test_every_end_has_an_outcome() -> None:
    for pair in product(ENDS, repeat=2):
        assert outcomes.outcome(replace(FILE, status=status) for status in pair).terminal


def test_file_that_was_not_read_to_its_end_never_completes() -> None:
    half = replace(FILE, bytes_processed=5, rows_loaded=3)
    assert outcomes.ended(half).status is Status.FAILED
    assert outcomes.ended(half).failure == "only 5 of 10 bytes were read"
