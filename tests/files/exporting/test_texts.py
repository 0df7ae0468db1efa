"""Values as texts."""

from datetime import UTC, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from headrace_server.files.exporting.texts import is_formula_like, text_of


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (True, "true"),
        (1e300, "1e+300"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        (Decimal("1E+3"), "1000"),
        (Decimal("-Infinity"), "-Infinity"),
        (datetime(2024, 1, 2, 3, tzinfo=timezone(timedelta(hours=2))), "2024-01-02 01:00:00+00:00"),
        (time(1, 2), "01:02:00"),
        ({"a": [Decimal("1.5"), datetime(2024, 1, 2, tzinfo=UTC)]},
         '{"a": ["1.5", "2024-01-02 00:00:00+00:00"]}'),
        (timedelta(1), "1 day, 0:00:00"),
    ],
)  # fmt: skip
def test_values_as_texts(value: Any, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("text", "is_one"), [("=1", True), (" \n@a", True), ("a=1", False), ("", False), ("  ", False)]
)
def test_formulas_are_told_by_their_beginning(text: str, is_one: bool) -> None:
    assert is_formula_like(text) is is_one
