from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace_server.files.previewing.shown import (
    shown_decimal,
    shown_field,
    shown_integer,
    shown_value,
)
from headrace_server.files.sniffing.columns import column_of
from headrace_server.model.preview import Shown


@given(st.integers())
def test_an_integer_is_itself_again(number: int) -> None:
    shown = shown_integer(number)
    assert isinstance(shown, int | str)
    assert int(shown) == number
    assert isinstance(shown, str) or float(shown) == number


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_decimal_is_itself_again(number: Decimal) -> None:
    shown = shown_decimal(str(number))
    # As Envoy prints a double: 15 digits where they are enough.
    again = format(shown, ".15g") if isinstance(shown, float) else str(shown)
    assert Decimal(again) == number


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (Decimal("NaN"), "NaN"),
        (True, True),
        (None, None),
        (b"text", "text"),
        (b"\xff\x00", "ff00"),
        (datetime(2024, 1, 31, 10, tzinfo=UTC), "2024-01-31T10:00:00+00:00"),
        (timedelta(hours=1), "1:00:00"),
        ({"a": (1, 2**53 + 1)}, {"a": [1, "9007199254740993"]}),
    ],
)
def test_values(value: object, shown: Shown) -> None:
    assert shown_value(value) == shown


@pytest.mark.parametrize(
    ("field", "shown"),
    [
        ("", None),
        (" 7 ", 7),
        ("1,5", 1.5),
        ("true", True),
        ("FALSE", False),
        ("007", "007"),
        (" text ", " text "),
        ("9" * 40, "9" * 40),
    ],
)
def test_fields(field: str, shown: Shown) -> None:
    column = column_of("c", [field.strip()] if field else [])
    assert shown_field(field, column) == shown
