"""Figures on columns, against what Python computes of all rows at once."""

# ruff: noqa: DTZ001  # a database has moments of no zone

import statistics
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace_server.files.exporting.tallies import MOST_DISTINCT, Tally


def tallied(*batches: list[Any], columns: int = 1) -> Tally:
    tally = Tally(columns)
    for values in batches:
        tally.add(values)
    return tally


@given(st.lists(st.lists(st.none() | st.integers(-(2**70), 2**70), max_size=5), max_size=4))
@settings(max_examples=50, deadline=None)
def test_whole_numbers(batches: list[list[int | None]]) -> None:
    tally = tallied(*batches)
    values = [value for batch in batches for value in batch if value is not None]
    assert (tally.sum, tally.numbers, tally.distinct) == (
        sum(values), len(values), len(set(values)),
    )  # fmt: skip
    assert (tally.least, tally.greatest) == (min(values, default=None), max(values, default=None))
    assert tally.nulls == sum(batch.count(None) for batch in batches)


def test_decimals_are_summed_without_rounding() -> None:
    values = [Decimal("0.1"), Decimal("99999999999999999999999999999.9"), Decimal(1)]
    assert tallied(values).sum == Decimal("100000000000000000000000000001.0")
    assert tallied([1], [Decimal("0.5")], [2]).sum == Decimal("3.5")


def test_numbers_of_several_types() -> None:
    assert tallied([1, 2], [0.5], [Decimal("0.25")], [1]).sum == pytest.approx(4.75)
    assert tallied([1, 2.5, Decimal("0.5")]).mean == pytest.approx(4 / 3)


def test_what_is_no_number_is_left_out() -> None:
    tally = tallied([float("nan"), 1.0, float("inf")], [Decimal("NaN"), Decimal(2)])
    assert (tally.sum, tally.numbers, tally.least, tally.greatest) == (3, 2, 1, 2)
    assert tallied([float("nan")]).mean is None


def test_days_and_moments() -> None:
    assert tallied([date(2024, 1, 2), None], [date(2023, 1, 1)]).least == date(2023, 1, 1)
    moments = [datetime(2024, 1, 2, tzinfo=UTC), datetime(2024, 1, 3)]
    assert tallied(moments).greatest == datetime(2024, 1, 3)
    mixed = tallied([date(2024, 1, 2)], [datetime(2024, 1, 3)])
    assert mixed.greatest == date(2024, 1, 2)


def test_different_values_are_counted_up_to_a_bound() -> None:
    assert tallied(list(range(MOST_DISTINCT))).distinct == MOST_DISTINCT
    more = tallied(list(range(MOST_DISTINCT + 1)), [1])
    assert (more.distinct, more.most_distinct) == (None, MOST_DISTINCT)
    assert tallied([], columns=1000).most_distinct == 300


def test_lists_are_told_apart() -> None:
    assert tallied([[1], [1], [2]]).distinct == 2


def test_the_mean() -> None:
    values = [1, 5, 9, 12]
    assert tallied(values).mean == statistics.mean(values)
    assert tallied(["text"]).mean is None
