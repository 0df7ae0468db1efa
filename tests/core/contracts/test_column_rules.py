from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace_server.core.contracts.column_rules import column_faults
from headrace_server.model.commerce import COMMERCE
from headrace_server.model.contract import Column, ColumnType

_BOUNDED = {
    ColumnType.INTEGER,
    ColumnType.DECIMAL,
    ColumnType.FLOAT,
    ColumnType.TIMESTAMP,
    ColumnType.DATE,
    ColumnType.DATETIME,
    ColumnType.TIME,
}
_TAKERS: dict[str, tuple[Any, set[ColumnType]]] = {
    "max_length": (10, {ColumnType.STRING}),
    "precision": (20, {ColumnType.DECIMAL}),
    "scale": (2, {ColumnType.DECIMAL}),
    "pattern": ("a+", {ColumnType.STRING}),
    "allowed_values": (("1",), {ColumnType.STRING, ColumnType.INTEGER}),
    "minimum": ("1", _BOUNDED),
    "maximum": ("1", _BOUNDED),
}


def _faults(type_: ColumnType, **rules: Any) -> dict[str, str]:
    return dict(column_faults(replace(Column("c", type_), **rules)))


@pytest.mark.parametrize("type_", ColumnType)
@pytest.mark.parametrize("rule", _TAKERS)
def test_a_rule_is_refused_on_the_types_that_do_not_take_it(type_: ColumnType, rule: str) -> None:
    value, takers = _TAKERS[rule]
    refused = f"leave it out for {type_.value}" in _faults(type_, **{rule: value}).get(rule, "")
    assert refused is (type_ not in takers)


@pytest.mark.parametrize("type_", ColumnType)
def test_a_column_without_rules_has_no_fault(type_: ColumnType) -> None:
    assert _faults(type_) == {}
    assert _faults(type_, nullable=True) == {}


def test_commerce_has_no_fault() -> None:
    columns = [column for table in COMMERCE.tables for column in table.columns]
    assert [fault for column in columns for fault in column_faults(column)] == []


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        (ColumnType.INTEGER, "-9223372036854775808"),
        (ColumnType.INTEGER, "9223372036854775807"),
        (ColumnType.DECIMAL, "-0.5"),
        (ColumnType.DECIMAL, "12345678901234567890.12345"),
        (ColumnType.FLOAT, "-1.5e-300"),
        (ColumnType.TIMESTAMP, "2026-01-31T23:59:59"),
        (ColumnType.TIMESTAMP, "2026-01-31T23:59:59.123456+05:30"),
        (ColumnType.DATE, "2024-02-29"),
        (ColumnType.DATETIME, "2024-02-29T23:59:59.5"),
        (ColumnType.TIME, "23:59:59"),
    ],
)
@pytest.mark.parametrize("rule", ["minimum", "maximum"])
def test_bounds_written_as_in_the_data_are_taken(type_: ColumnType, text: str, rule: str) -> None:
    assert _faults(type_, **{rule: text}) == {}


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        (ColumnType.INTEGER, "1.5"),
        (ColumnType.INTEGER, "9223372036854775808"),
        (ColumnType.INTEGER, "1_000"),
        (ColumnType.INTEGER, "٣"),
        (ColumnType.INTEGER, ""),
        (ColumnType.DECIMAL, "NaN"),
        (ColumnType.DECIMAL, "1e5"),
        (ColumnType.DECIMAL, "abc"),
        (ColumnType.FLOAT, "inf"),
        (ColumnType.FLOAT, "1e999"),
        (ColumnType.TIMESTAMP, "yesterday"),
        (ColumnType.TIMESTAMP, "2026-02-30T00:00:00Z"),
        (ColumnType.TIMESTAMP, "2026-01-31"),
        (ColumnType.DATE, "2026-02-30"),
        (ColumnType.DATE, "20260131"),
        (ColumnType.DATETIME, "2026-01-31T23:59:59Z"),
        (ColumnType.TIME, "24:00:00"),
    ],
)
@pytest.mark.parametrize("rule", ["minimum", "maximum"])
def test_a_bound_that_does_not_parse_is_a_fault(type_: ColumnType, text: str, rule: str) -> None:
    faults = _faults(type_, **{rule: text})
    assert list(faults) == [rule]
    assert repr(text) in faults[rule]


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_the_minimum_is_not_above_the_maximum(minimum: int, maximum: int) -> None:
    for type_ in (ColumnType.INTEGER, ColumnType.DECIMAL):
        faults = _faults(type_, minimum=str(minimum), maximum=str(maximum))
        assert ("minimum" in faults) is (minimum > maximum)


def test_instants_compare_across_offsets() -> None:
    early, late = "2026-01-01T01:00:00+02:00", "2026-01-01T00:00:00"
    assert _faults(ColumnType.TIMESTAMP, minimum=early, maximum=late) == {}
    assert list(_faults(ColumnType.TIMESTAMP, minimum=late, maximum=early)) == ["minimum"]


@pytest.mark.parametrize(
    ("rules", "rule"),
    [
        ({"precision": 4, "scale": 5}, "scale"),
        ({"scale": -1}, "scale"),
        ({"precision": 0, "scale": 0}, "precision"),
        ({"precision": 1001}, "precision"),
    ],
)
def test_digits_must_fit(rules: dict[str, int], rule: str) -> None:
    assert list(_faults(ColumnType.DECIMAL, **rules)) == [rule]


def test_a_scale_may_equal_the_precision() -> None:
    assert _faults(ColumnType.DECIMAL, precision=4, scale=4) == {}


@pytest.mark.parametrize("length", [0, -1, 10_485_761])
def test_a_length_must_be_one_that_a_database_takes(length: int) -> None:
    assert list(_faults(ColumnType.STRING, max_length=length)) == ["max_length"]


@pytest.mark.parametrize("pattern", ["(a", "(?=a)", r"(a)\1", "a{1001}", "[z-a]"])
def test_a_pattern_that_re2_does_not_take_is_a_fault(
    pattern: str, capfd: pytest.CaptureFixture[str]
) -> None:
    faults = _faults(ColumnType.STRING, pattern=pattern, allowed_values=("a",))
    assert list(faults) == ["pattern"]
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("type_", "rules", "value"),
    [
        (ColumnType.STRING, {"max_length": 2}, "abc"),
        (ColumnType.STRING, {}, "a\0"),
        (ColumnType.STRING, {"pattern": "[a-c]+"}, "abcd"),
        (ColumnType.INTEGER, {}, "one"),
        (ColumnType.INTEGER, {}, "01"),
        (ColumnType.INTEGER, {}, "-0"),
        (ColumnType.INTEGER, {"minimum": "2"}, "1"),
        (ColumnType.INTEGER, {"maximum": "2"}, "3"),
    ],
)
def test_an_allowed_value_that_can_never_occur_is_a_fault(
    type_: ColumnType, rules: dict[str, Any], value: str
) -> None:
    assert list(_faults(type_, allowed_values=(value,), **rules)) == ["allowed_values[0]"]


def test_allowed_values_that_fit_have_no_fault() -> None:
    strings = {"max_length": 3, "pattern": "[a-c]+", "allowed_values": ("a", "abc")}
    assert _faults(ColumnType.STRING, **strings) == {}
    integers = {"minimum": "-1", "maximum": "7", "allowed_values": ("-1", "0", "7")}
    assert _faults(ColumnType.INTEGER, **integers) == {}


def test_a_wrong_bound_is_named_once_and_not_for_each_value() -> None:
    faults = _faults(ColumnType.INTEGER, minimum="x", allowed_values=("1", "2"))
    assert list(faults) == ["minimum"]
