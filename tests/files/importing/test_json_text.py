"""Values of Python as JSON that keeps every digit."""

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace_server.files.importing.json_text import json_text

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False).filter(abs),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
).filter(lambda value: "inf" not in repr(value))


@settings(deadline=None, max_examples=50)
@given(VALUES)
def test_what_json_knows_comes_back(value: object) -> None:
    assert json.loads(json_text(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1.50"), "1.50"),
        (Decimal("0E-10"), "0E-10"),
        (Decimal("NaN"), '"NaN"'),
        (float("nan"), '"nan"'),
        (float("-inf"), '"-inf"'),
        (2**70, "1180591620717411303424"),
        (datetime(2024, 1, 31, 10, tzinfo=UTC), '"2024-01-31T10:00:00+00:00"'),
        (date(2024, 1, 31), '"2024-01-31"'),
        (time(10, 5), '"10:05:00"'),
        (timedelta(hours=25), '"1 day, 1:00:00"'),
        (b"\x00\xff", '"00ff"'),
        ((("k", 1),), '[["k",1]]'),
        ({1: ["ü", None]}, '{"1":["ü",null]}'),
    ],
)
def test_what_it_does_not_know_is_a_text(value: object, text: str) -> None:
    assert json_text(value) == text
