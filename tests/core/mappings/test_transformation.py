from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace_server.core.mappings.transformation import TransformationError, check, transformed


def cast(value: Any, name: str) -> Any:
    rule = {"new": {"from": "old", "cast": name}}
    check(rule)
    return transformed(rule, {"old": value})["new"]


def test_without_rules_all_fields_go_as_they_are() -> None:
    assert transformed({}, {"a": 1, "b": [2]}) == {"a": 1, "b": [2]}


def test_constants_renames_and_picks() -> None:
    rules = {"kind": "order", "n": 1, "none": None, "flag": True, "total": {"from": "amount"}}
    check(rules)
    assert transformed(rules, {"amount": [1, 2], "left": "out"}) == {
        "kind": "order",
        "n": 1,
        "none": None,
        "flag": True,
        "total": [1, 2],
    }


@pytest.mark.parametrize(
    ("value", "name", "expected"),
    [
        (12, "string", "12"),
        (True, "string", "true"),
        ("007", "string", "007"),
        ("007", "integer", 7),
        (" -3 ", "integer", -3),
        (4.0, "integer", 4),
        ("1e3", "integer", 1000),
        ("1.5", "float", 1.5),
        (2, "float", 2.0),
        ("1.10", "decimal", Decimal("1.10")),
        (0.1, "decimal", Decimal("0.1")),
        ("Yes", "boolean", True),
        (0, "boolean", False),
        (False, "boolean", False),
        ("2026-01-02T03:04:05+02:00", "timestamp", datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)),
        ("2026-01-02", "timestamp", datetime(2026, 1, 2, tzinfo=UTC)),
        (0, "timestamp", datetime(1970, 1, 1, tzinfo=UTC)),
        ("2026-01-02", "date", date(2026, 1, 2)),
        ("2026-01-02T23:00:00Z", "date", date(2026, 1, 2)),
    ],
)
def test_a_cast_that_fits(value: Any, name: str, expected: Any) -> None:
    found = cast(value, name)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ({}, "string"),
        ([1], "string"),
        ("", "integer"),
        ("1.5", "integer"),
        (True, "integer"),
        ("1e1000000", "integer"),
        ("nan", "integer"),
        ("many", "float"),
        ("1e999", "float"),
        ("inf", "decimal"),
        ([], "decimal"),
        ("maybe", "boolean"),
        (2, "boolean"),
        ("yesterday", "timestamp"),
        (1e300, "timestamp"),
        (True, "timestamp"),
        ("2026-02-30", "date"),
        (1, "date"),
    ],
)
def test_a_cast_that_does_not_fit_names_field_and_value(value: Any, name: str) -> None:
    with pytest.raises(TransformationError, match=f"^field 'new': .* is no {name}$"):
        cast(value, name)


@pytest.mark.parametrize("name", ["string", "integer", "date"])
def test_null_stays_null(name: str) -> None:
    assert cast(None, name) is None


def test_a_field_that_is_missing_is_named() -> None:
    with pytest.raises(TransformationError, match="field 'new': the source has no field 'old'"):
        transformed({"new": {"from": "old"}}, {"other": 1})


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"from": "a", "cast": "money"}, "cast 'money' is unknown; use string, integer, float"),
        ({"from": "a", "cast": 1}, "cast 1 is unknown"),
        ({"cast": "string"}, "from must name a field"),
        ({"from": 1}, "from must name a field"),
        ({}, "from must name a field"),
        ({"from": "a", "form": "b", "as": 1}, "as, form is unknown; use from and cast"),
        ([1], "no constant and no rule"),
        (float("nan"), "no constant and no rule"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rule: Any, words: str) -> None:
    with pytest.raises(TransformationError, match=f"^field 'new': .*{words}"):
        check({"new": rule})


@given(st.integers(-(10**30) + 1, 10**30 - 1))
def test_no_integer_is_rounded(number: int) -> None:
    assert cast(str(number), "integer") == number


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_no_decimal_is_rounded(number: Decimal) -> None:
    assert cast(str(number), "decimal") == number
