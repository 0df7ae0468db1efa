from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace_server.files.sniffing.cells import (
    are_decimal_commas,
    day_formats,
    moment_formats,
    shape_of,
    strict_type,
)
from headrace_server.files.sniffing.findings import ColumnType


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        (["1", "-2", "+3", "0"], ColumnType.INTEGER),
        (["1", "2.5", ".5", "1e-9"], ColumnType.FLOAT),
        (["007", "8"], None),
        (["00.5"], None),
        (["1,234"], None),
        (["true", "FALSE"], ColumnType.BOOLEAN),
        (["0", "1"], ColumnType.INTEGER),
        (["2024-02-29"], ColumnType.DATE),
        (["2024-02-29", "2024-02-29T10:00:00Z"], None),
        (["2024-02-29 10:00", "2024-02-29T10:00:00.123+02:00"], ColumnType.DATETIME),
        (["10:00", "23:59:59"], ColumnType.TIME),
        (["24:00"], None),
        (["123e4567-e89b-12d3-a456-426614174000"], ColumnType.UUID),
        (["NaN"], None),
        ([], ColumnType.EMPTY),
    ],
)
def test_strict_types(values: list[str], type_: ColumnType | None) -> None:
    assert strict_type(values) is type_


@given(st.lists(st.integers(), min_size=1))
def test_integers_are_integers(numbers: list[int]) -> None:
    assert strict_type(map(str, numbers)) is ColumnType.INTEGER


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False), min_size=1))
def test_a_number_is_never_taken_for_a_day(numbers: list[Decimal]) -> None:
    values = [format(number, "f") for number in numbers]
    assert strict_type(values) in {ColumnType.INTEGER, ColumnType.FLOAT}
    assert day_formats(values) == []


@given(
    st.lists(st.dates(date(1500, 1, 1), date(2199, 12, 31)), min_size=1),
    st.sampled_from(["%d/%m/%Y", "%m/%d/%Y", "%Y.%m.%d", "%d-%b-%Y", "%d.%m.%Y"]),
)
def test_days_are_read_in_the_format_in_which_they_were_written(
    days: list[date], directives: str
) -> None:
    values = [day.strftime(directives).replace(f"/{day.year}", f"/{day.year:04}") for day in days]
    found = day_formats(values)
    assert directives in found
    for each in found:
        for value in values:
            datetime.strptime(value, each)  # noqa: DTZ007  # a day has no zone


def test_the_days_of_a_month_decide() -> None:
    assert day_formats(["01/02/2024", "13/02/2024"]) == ["%d/%m/%Y"]
    assert day_formats(["01/02/2024", "02/13/2024"]) == ["%m/%d/%Y"]
    assert day_formats(["01/02/2024"]) == ["%d/%m/%Y", "%m/%d/%Y"]
    assert moment_formats(["13.01.2024 10:00:00"]) == ["%d.%m.%Y %H:%M:%S"]
    assert moment_formats(["13.01.2024 10:00"]) == ["%d.%m.%Y %H:%M"]
    assert moment_formats(["13.01.2024 10:00:00.5"]) == ["%d.%m.%Y %H:%M:%S.%f"]


def test_decimal_commas() -> None:
    assert are_decimal_commas(["1,5", "2", "-0,25"])
    assert not are_decimal_commas(["1", "2"])
    assert not are_decimal_commas(["1,5", "01,5"])


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("", "blank"),
        ("-1,234.5", "number"),
        ("$74.69", "amount"),
        ("12 %", "amount"),
        ("1 Jan 2024", "moment"),
        ("a@b.example", "mail"),
        ("https://example.com/a?b=c", "url"),
        ("10.0.0.1", "address"),
        ("N/A", "missing"),
        ('{"a": 1}', "json"),
        ("Light-Up Running Jacket", "word"),
        ("a;b", None),
        ("x\ty", None),
        ("'quoted'", None),
        ("word " * 10_000, None),
    ],
)
def test_shapes(value: str, shape: str | None) -> None:
    assert shape_of(value) == shape
