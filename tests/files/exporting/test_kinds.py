"""What columns hold, told by type, name and first rows."""

# ruff: noqa: DTZ001  # a database has moments of no zone

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from headrace_server.files.exporting.kinds import Field, dated, day_of, fields_of, spoken
from headrace_server.model.query import QueryColumn, ValueKind

K = ValueKind


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2, None], K.INTEGER),
        ([1, 2.5], K.FLOAT),
        ([1, Decimal("2.5")], K.DECIMAL),
        (["2024-01-01", None], K.DATE),
        (["2024-01-01", "soon"], K.STRING),
        ([1, "one"], K.ANY),
        ([None], K.ANY),
        ([], K.ANY),
    ],
)
def test_computed_columns_are_told_by_their_first_rows(values: list[Any], kind: K) -> None:
    (field,) = fields_of([QueryColumn("a", "", K.ANY)], [[value] for value in values])
    assert field.kind is kind


def test_names_that_come_twice_are_made_unique() -> None:
    columns = [QueryColumn(name, "", K.STRING) for name in ("a", "a", "a_2")]
    assert [field.name for field in fields_of(columns, [])] == ["a", "a_3", "a_2"]


def field(name: str, kind: K = K.DECIMAL) -> Field:
    return Field(name, kind, "")


def test_sums_of_money_are_told_by_type_and_name() -> None:
    for name in ("total_amount", "unitPrice", "Revenue", "avg_order_value", "NET"):
        assert field(name).is_amount
    assert not field("total_orders", K.INTEGER).is_amount
    assert not field("weight").is_amount


def test_what_names_things_is_no_measure() -> None:
    for name in ("customer_id", "zip", "year", "orderNo"):
        assert not field(name, K.INTEGER).is_measure
    assert field("quantity", K.INTEGER).is_measure
    assert field("unit_price").is_average
    assert not field("name", K.STRING).is_measure


def test_names_are_spoken() -> None:
    assert spoken("total_sales") == "Total sales"
    assert spoken("") == ""


def test_days() -> None:
    assert dated("2024-02-30") == "2024-02-30"
    assert dated(5) == 5
    assert day_of(datetime(2024, 1, 2, 3)) == date(2024, 1, 2)
    assert day_of("2024-01-02") is None
