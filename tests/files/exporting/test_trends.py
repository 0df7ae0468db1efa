"""What charts show, and which of them fit."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from headrace_server.files.exporting.choosing import Choice
from headrace_server.files.exporting.kinds import fields_of
from headrace_server.files.exporting.trends import DAY, MONTH, OTHERS, YEAR, Trend
from headrace_server.model.export import ChartType
from headrace_server.model.query import ValueKind

from .conftest import Kinds, columns_of

K = ValueKind
FIRST = date(2024, 1, 1)
SALES: Kinds = {"day": K.DATE, "region": K.STRING, "total": K.DECIMAL, "id": K.INTEGER}


def trends_of(kinds: Kinds, rows: Sequence[Sequence[Any]]) -> list[Trend]:
    """All that is drawn of rows."""
    trackers = Choice(fields_of(columns_of(kinds), rows), rows).all()
    for tracker in trackers:
        tracker.add(list(zip(*rows, strict=True)))
    return [trend for tracker in trackers if (trend := tracker.trend()) is not None]


def trend_of(kinds: Kinds, rows: Sequence[Sequence[Any]], kind: ChartType | None = None) -> Trend:
    """What a chart of a kind shows of rows."""
    tracker = Choice(fields_of(columns_of(kinds), rows), rows).one(kind)
    assert tracker is not None
    tracker.add(list(zip(*rows, strict=True)))
    trend = tracker.trend()
    assert trend is not None
    return trend


def test_time_gives_a_line_and_categories_give_bars() -> None:
    rows = [(FIRST, "north", Decimal(1), 1), (FIRST, "south", Decimal(2), 2)] * 2
    line, bars = trends_of(SALES, rows)
    assert (line.type, line.title, line.points) == (
        ChartType.LINE, "Total by day", ((FIRST, 6.0),),
    )  # fmt: skip
    assert (bars.type, bars.points) == (ChartType.BAR, (("south", 4.0), ("north", 2.0)))
    assert bars.headings == ("region", "total")


def test_a_column_of_one_text_gives_way_to_another() -> None:
    kinds = {"currency": K.STRING, "region": K.STRING, "total": K.FLOAT}
    rows = [("GBP", name, 1.0) for name in ("north", "south")] * 2
    (bars,) = trends_of(kinds, rows)
    assert bars.headings == ("region", "total")


@pytest.mark.parametrize(
    ("days", "label_format", "points"), [(100, DAY, 100), (101, MONTH, 4), (4000, YEAR, 11)]
)
def test_many_days_become_months_and_years(days: int, label_format: str, points: int) -> None:
    rows = [(FIRST + timedelta(n), 1.0) for n in range(days)]
    (line,) = trends_of({"day": K.DATE, "price": K.FLOAT}, rows)
    assert (line.label_format, len(line.points)) == (label_format, points)
    # A price is told by its mean.
    assert {value for _, value in line.points} == {1.0}


def test_days_that_are_missing_are_left_out() -> None:
    (line,) = trends_of({"day": K.DATE, "total": K.FLOAT}, [(FIRST, 1.0), (None, 5.0)])
    assert line.points == ((FIRST, 1.0),)


def test_of_many_categories_the_rest_are_others() -> None:
    rows = [(f"c{n}", float(n)) for n in range(40) for _ in range(2)]
    (bars,) = trends_of({"name": K.STRING, "total": K.FLOAT}, rows)
    assert len(bars.points) == 12
    assert bars.points[0] == ("c39", 78.0)
    assert bars.points[-1] == (OTHERS, sum(2.0 * n for n in range(29)))


def test_rows_are_counted_where_there_is_no_measure() -> None:
    (bars,) = trends_of({"name": K.STRING}, [("a",), ("b",), ("a",), (None,), ("a",)])
    assert bars.points == (("a", 3.0), ("b", 1.0), ("(empty)", 1.0))
    assert bars.title == "Rows by name"


def test_two_numbers_give_points() -> None:
    kinds = {"height": K.FLOAT, "weight": K.INTEGER}
    rows = [(1.5, 40), (1.8, 80), (None, 1)]
    (points,) = trends_of(kinds, rows)
    assert (points.type, points.points) == (ChartType.SCATTER, ((1.5, 40.0), (1.8, 80.0)))
    assert trend_of(kinds, rows, ChartType.SCATTER) == points


def test_nothing_is_drawn_of_one_number_or_of_texts_that_never_repeat() -> None:
    assert trends_of({"height": K.FLOAT}, [(1.5,)]) == []
    assert trends_of({"name": K.STRING}, [(f"n{n}",) for n in range(60)]) == []
    assert trends_of({"a": K.FLOAT, "b": K.FLOAT}, [(None, None)]) == []


def test_sums_of_money_are_not_drawn_beside_other_numbers() -> None:
    kinds = {"region": K.STRING, "quantity": K.INTEGER, "price": K.DECIMAL, "revenue": K.DECIMAL}
    rows = [("north", 1, Decimal(5), Decimal(5))] * 2
    assert trend_of(kinds, rows).headings == ("region", "revenue")


def test_a_chart_of_a_section_keeps_the_order_of_its_rows() -> None:
    kinds = {"month": K.STRING, "total": K.FLOAT, "sales": K.FLOAT}
    rows = [("Jan", 1.0, 2.0), ("Feb", 5.0, None), ("Mar", 3.0, 4.0)]
    trend = trend_of(kinds, rows, ChartType.COLUMN)
    assert trend.points == (("Jan", 1.0, 2.0), ("Feb", 5.0, None), ("Mar", 3.0, 4.0))
    assert trend_of(kinds, rows, ChartType.PIE).headings == ("month", "total")


def test_years_that_are_numbers_are_categories() -> None:
    trend = trend_of({"year": K.INTEGER, "revenue": K.DECIMAL}, [(2023, 5), (2024, 7)])
    assert trend.points == (("2023", 5.0), ("2024", 7.0))


def test_a_line_over_no_time_takes_categories_and_bars_take_time() -> None:
    assert trend_of({"m": K.STRING, "x": K.FLOAT}, [("a", 1.0)], ChartType.LINE).points
    line = trend_of({"day": K.DATE, "x": K.FLOAT}, [(FIRST, 1.0)], ChartType.BAR)
    assert line.label_format == DAY


def test_long_labels_are_shortened() -> None:
    (bars,) = trends_of({"name": K.STRING}, [("x" * 100,)] * 2)
    assert bars.points[0][0] == f"{'x' * 60}…"
