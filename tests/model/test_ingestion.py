import itertools
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace_server.model.ingestion import (
    REPLAYABLE,
    RETRYABLE,
    TRANSITIONS,
    Ingestion,
    Kind,
    Status,
)
from headrace_server.model.job import Priority

_LEGAL = {
    "PENDING": {
        "IN_PROGRESS",
        "COMPLETED",
        "COMPLETED_WITH_ERRORS",
        "FAILED",
        "CANCELLED",
    },
    "IN_PROGRESS": {
        "IN_PROGRESS",
        "COMPLETED",
        "COMPLETED_WITH_ERRORS",
        "FAILED",
        "CANCELLED",
    },
    "COMPLETED_WITH_ERRORS": {"COMPLETED_WITH_ERRORS", "COMPLETED"},
    "COMPLETED": set[str](),
    "FAILED": set[str](),
    "CANCELLED": {"CANCELLED"},
}
_INGESTION = Ingestion(
    request_id="r",
    tenant_id="default",
    kind=Kind.FILES,
    status=Status.IN_PROGRESS,
    priority=Priority.MEDIUM,
    total_units=1,
    processed_units=0,
    failed_units=0,
    rows_loaded=0,
    rows_rejected=0,
    rows_parked=0,
    bytes_total=0,
    bytes_processed=0,
    details=None,
    revision=1,
    replays=0,
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    started_at=None,
    completed_at=None,
)


@pytest.mark.parametrize(("old", "new"), [*itertools.product(Status, Status)])
def test_every_transition_is_legal_or_not(old: Status, new: Status) -> None:
    assert (new in TRANSITIONS[old]) == (new.value in _LEGAL[old.value])


def test_what_has_ended_never_runs_again_by_itself() -> None:
    ended = {status for status in Status if status.terminal}
    assert {status for status in Status if not status.terminal} == {
        Status.PENDING,
        Status.IN_PROGRESS,
    }
    for status in ended:
        assert TRANSITIONS[status] <= ended


def test_only_what_has_ended_is_retried_or_replayed() -> None:
    assert all(status.terminal for status in RETRYABLE | REPLAYABLE)
    assert Status.COMPLETED not in RETRYABLE | REPLAYABLE


@given(
    st.sampled_from(Status),
    st.integers(0, 2**63),
    st.integers(0, 2**63),
)
def test_progress_is_100_only_at_an_end_that_loaded(status: Status, total: int, done: int) -> None:
    ingestion = replace(_INGESTION, status=status, bytes_total=total, bytes_processed=done)
    loaded = status in {Status.COMPLETED, Status.COMPLETED_WITH_ERRORS}
    assert 0 <= ingestion.progress <= 100
    assert (ingestion.progress == 100) is loaded


@pytest.mark.parametrize(
    ("total", "done", "percent"), [(0, 0, 0), (200, 1, 0), (200, 100, 50), (200, 199, 99)]
)
def test_progress_is_the_part_of_the_bytes_rounded_down(
    total: int, done: int, percent: int
) -> None:
    assert replace(_INGESTION, bytes_total=total, bytes_processed=done).progress == percent
