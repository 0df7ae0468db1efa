"""Single fields, from their text to their value."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace_server.files.importing.fields import field_reader_of, plain_number, reads, reads_each
from headrace_server.files.importing.plan import PlannedColumn
from headrace_server.files.value_fault import ValueFault
from headrace_server.model.rows import RejectReason, Value

POINT = PlannedColumn("a", 0, "a", "NUMERIC")
COMMA = replace(POINT, decimal_mark=",")


def value(sql_type: str, text: str, **changes: str | bool) -> Value:
    planned = replace(POINT, sql_type=sql_type, **changes)  # type: ignore[arg-type]
    return field_reader_of(planned.column, planned)(text)


def fault(sql_type: str, text: str, **changes: str | bool) -> tuple[RejectReason, str]:
    with pytest.raises(ValueFault) as found:
        value(sql_type, text, **changes)
    return found.value.reason, found.value.message


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", "0"), ("-0.50", "-0.50"), (".5", "0.5"), ("5.", "5"), ("-1e+5", "-1e+5")],
)
def test_numbers_are_written_with_digits_on_both_sides(text: str, number: str) -> None:
    assert plain_number(text, POINT) == number
    assert plain_number(text.replace(".", ","), COMMA) == number


@pytest.mark.parametrize("text", ["", ".", "-", "007", "+1", "1 0", "1.000,5", "1,000.5", "٣"])
def test_other_texts_are_no_numbers(text: str) -> None:
    for planned in (POINT, COMMA):
        with pytest.raises(ValueError, match=r"^"):
            plain_number(text, planned)


def test_a_mark_of_decimals_is_the_only_one() -> None:
    for text, planned in (("1,5", POINT), ("1.5", COMMA), ("1,5,0", COMMA)):
        with pytest.raises(ValueError, match=text[:1]):
            plain_number(text, planned)


@settings(deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, places=5))
def test_decimals_keep_every_digit(number: Decimal) -> None:
    for mark in ".,":
        read = value("NUMERIC", f"{number:f}".replace(".", mark), decimal_mark=mark)
        assert str(read) == f"{number:f}"


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False))
def test_floats_are_those_that_their_texts_name(number: float) -> None:
    assert value("DOUBLE PRECISION", repr(number)) == number


@settings(deadline=None)
@given(st.integers())
def test_integers_are_of_64_bits(number: int) -> None:
    if -(2**63) <= number < 2**63:
        assert value("BIGINT", str(number)) == number
    else:
        reason, message = fault("BIGINT", str(number))
        assert reason is RejectReason.OUT_OF_RANGE
        assert message.startswith("a takes a whole number of 64 bits without leading zeros; found")


def test_signs_and_other_words_are_taken_where_the_type_was_given() -> None:
    assert value("BIGINT", "+5", given=True) == 5
    assert value("NUMERIC", "+.5", given=True) == "0.5"
    assert [value("BOOLEAN", each, given=True) for each in ("Y", "no", "1", "F")] == [
        *(True, False, True, False)
    ]
    assert fault("BIGINT", "+5")[0] is RejectReason.INVALID_VALUE
    assert fault("BIGINT", "007", given=True)[0] is RejectReason.INVALID_VALUE
    assert fault("BOOLEAN", "y")[1] == "a takes true or false; found 'y'"


@pytest.mark.parametrize(
    ("sql_type", "text", "words"),
    [
        ("NUMERIC", "x", "a takes a decimal number of at most 1000 digits; found 'x'"),
        (
            "NUMERIC(5,2)",
            "x",
            "a takes a decimal number of at most 3 digits before the point",
        ),
        ("TIME", "x", "a takes a time of day such as 23:59:59; found 'x'"),
        ("JSON", "{", "a takes JSON; found '{'"),
        ("VARCHAR(2)", "abc", "a takes at most 2 characters; found 3"),
        ("TEXT", "x\0", "a holds a NUL character"),
        ("BIGINT", "9" * 100, f"found '{'9' * 60}... (100 characters)'"),
    ],
)
def test_faults_say_what_would_be_right(sql_type: str, text: str, words: str) -> None:
    assert words in fault(sql_type, text)[1]


def test_json_that_postgresql_refuses_is_refused() -> None:
    assert fault("JSON", '"\\u0000"')[0] is RejectReason.NUL_CHARACTER
    assert fault("JSON", "[" * 100_000)[0] is RejectReason.MALFORMED_JSON


def test_fields_are_tried_with_the_spaces_around_them() -> None:
    assert list(reads_each(POINT, [" 1.5 ", None, " ", "1,5"])) == [True, True, True, False]
    assert reads(POINT, " 1.5 ")
    assert not reads(replace(POINT, sql_type="VARCHAR(3)"), " 1.5")
