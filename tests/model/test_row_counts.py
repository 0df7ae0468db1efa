import pytest

from headrace_server.model.row_counts import (
    all_rejected_text,
    left_out_texts,
    rows_text,
    truncated_text,
)


def test_one_row_is_told_as_one() -> None:
    assert [rows_text(n) for n in (0, 1, 2, 1234)] == ["0 rows", "1 row", "2 rows", "1,234 rows"]
    assert all_rejected_text(1) == "its only row was rejected"
    assert all_rejected_text(3) == "all 3 rows were rejected"


@pytest.mark.parametrize(
    ("rejected", "parked", "said"),
    [
        (0, 0, []),
        (1, 0, ["1 row is rejected"]),
        (0, 1, ["1 row waits for a parent"]),
        (2, 3, ["2 rows are rejected", "3 rows wait for a parent"]),
    ],
)
def test_rows_left_out(rejected: int, parked: int, said: list[str]) -> None:
    assert left_out_texts(rejected, parked) == said


def test_fewer_than_there_are() -> None:
    assert truncated_text(1, None) == "only 1 row was asked for; there are more"
    assert truncated_text(2, 3) == "only 2 rows were asked for; there are 3"
