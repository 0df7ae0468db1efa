from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from headrace_server.model.job import Clocks, NewJob, Priority, retry_delay


def test_priorities_are_head_starts_over_medium() -> None:
    assert Priority.HIGH.value > Priority.MEDIUM.value > Priority.LOW.value
    assert Priority.MEDIUM.value == timedelta(0)
    assert Priority.HIGH.value == -Priority.LOW.value == timedelta(minutes=10)


def test_retries_wait_twice_as_long_each_time() -> None:
    waits = [retry_delay(failures).total_seconds() for failures in range(1, 11)]
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]


@given(st.integers(1, 30))
def test_waits_never_shrink_and_are_bounded(failures: int) -> None:
    assert retry_delay(failures) <= retry_delay(failures + 1) <= timedelta(minutes=5)


def test_an_attempt_outlasts_its_lease() -> None:
    clocks = NewJob("load_files", "default", {}).clocks
    assert clocks == Clocks()
    assert clocks.lease < clocks.attempt
    assert clocks.total is None
