"""Whole workbooks, opened again with openpyxl and compared cell by cell."""

# ruff: noqa: DTZ001  # a workbook has moments of no zone

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from headrace_server.files.exporting import streamed_sheet, table_sheets
from headrace_server.files.exporting.messages import Values
from headrace_server.model.errors import TooLargeError
from headrace_server.model.export import ChartType, Template
from headrace_server.model.query import ValueKind

from .conftest import Files, Kinds, table

K = ValueKind
ORDERS: Kinds = {
    "order_id": K.INTEGER,
    "customer": K.STRING,
    "quantity": K.INTEGER,
    "total_amount": K.DECIMAL,
    "weight": K.FLOAT,
    "ordered_on": K.DATE,
    "created_at": K.TIMESTAMP,
    "opens": K.TIME,
    "paid": K.BOOLEAN,
}
MOMENT = datetime(2024, 6, 1, 8, 30, tzinfo=UTC)
ROWS = [
    (1001, "Ada", 3, Decimal("10.50"), 1.25, date(2024, 6, 1), MOMENT, time(9), True),
    (1002, "=1+1", 1, Decimal("7.25"), None, date(2024, 6, 2), MOMENT, time(10), False),
    (1003, None, 2, Decimal(-3), 0.5, None, MOMENT, None, None),
]


def test_a_workbook_comes_back_cell_by_cell(files: Files) -> None:
    sheet = files.book(*table(ORDERS, *ROWS))["Data"]
    names, *found = sheet.values
    assert names == tuple(n if n != "created_at" else "created_at (UTC)" for n in ORDERS)
    plain = MOMENT.replace(tzinfo=None)
    assert found[0] == (1001, "Ada", 3, 10.5, 1.25, datetime(2024, 6, 1), plain, time(9), True)
    assert found[1] == (1002, "=1+1", 1, 7.25, None, datetime(2024, 6, 2), plain, time(10), False)
    assert found[2] == (1003, None, 2, -3, 0.5, None, plain, None, None)


def test_columns_have_the_formats_of_their_types(files: Files) -> None:
    sheet = files.book(*table(ORDERS, *ROWS), currency="EUR")["Data"]
    assert [sheet.cell(2, n).number_format for n in range(1, 10)] == [
        "0", "General", "#,##0", '"€"#,##0.00;[Red]-"€"#,##0.00', "#,##0.00####",
        "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss", "hh:mm:ss", '"TRUE";"TRUE";"FALSE"',
    ]  # fmt: skip
    for currency, sign in (("CHF", '"CHF "'), ("", "")):
        sheet = files.book(*table(ORDERS, *ROWS), currency=currency)["Data"]
        assert sheet["D2"].number_format.startswith(f"{sign}#,##0.00")


def test_the_header_is_bold_frozen_filtered_and_printed_on_each_page(files: Files) -> None:
    sheet = files.book(*table(ORDERS, *ROWS))["Data"]
    assert all(cell.font.bold for cell in sheet[1])
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:I4"
    assert sheet.print_title_rows == "$1:$1"
    assert (sheet.page_setup.orientation, sheet.page_setup.fitToHeight) == ("landscape", 0)
    assert "&P of &N" in sheet.oddFooter.right.text or "Page" in sheet.oddFooter.right.text


def test_columns_are_as_wide_as_their_values(files: Files) -> None:
    rows = [("x" * 20, "y" * 500, 1)]
    sheet = files.book(*table({"a": K.STRING, "b": K.STRING, "c": K.INTEGER}, *rows))["Data"]
    widths = [sheet.column_dimensions[letter].width for letter in "ABC"]
    assert 20 < widths[0] < 24
    assert 60 <= widths[1] < 62
    assert 8 <= widths[2] < 10


def test_names_that_come_twice_and_results_without_rows(files: Files) -> None:
    written = files.write(*table(ORDERS), include_charts=True, include_summary=True)
    assert (written.rows, written.sheets) == (0, ("Data", "Summary", "Charts"))
    book = files.book(*table(ORDERS), include_charts=True, include_summary=True)
    assert len(list(book["Data"].values)) == 1
    assert "nothing to draw" in book["Charts"]["A1"].value


def test_the_summary_tells_figures_of_each_column(files: Files) -> None:
    sheet = files.book(*table(ORDERS, *ROWS), include_summary=True)["Summary"]
    rows = list(sheet.values)
    assert rows[2][:2] == ("Source", "SELECT 1")
    assert rows[3][1] == "2024-06-30 12:00:00 UTC"
    assert rows[4][1] == 3
    found = {row[0]: row[1:] for row in rows[7:]}
    assert found["total_amount"] == ("decimal", 3, 0, 3, 14.75, 14.75 / 3, -3, 10.5)
    assert found["customer"] == ("string", 2, 1, 2, None, None, None, None)
    assert found["order_id"][4:] == (None, None, 1001, 1003)
    assert found["ordered_on"][6:] == (datetime(2024, 6, 1), datetime(2024, 6, 2))
    assert found["created_at"][6] == MOMENT.replace(tzinfo=None)


def test_more_rows_than_were_asked_for_are_told(files: Files) -> None:
    written = files.write(*table(ORDERS, *ROWS, truncated=True))
    assert written.truncated
    assert written.warnings == ("Data: only 3 rows were asked for; there are more",)
    book = files.book(*table(ORDERS, *ROWS, truncated=True), include_summary=True)
    values = [row[0] for row in book["Summary"].values]
    assert written.warnings[0] in values
    assert "Rows in the source" in values


def test_rows_go_on_in_further_sheets(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (streamed_sheet, table_sheets):
        monkeypatch.setattr(module, "MOST_ROWS", 5)
    rows = [(n,) for n in range(10)]
    book = files.book(*table({"a": K.INTEGER}, *rows))
    assert book.sheetnames == ["Data", "Data (2)", "Data (3)", "Notes"]
    assert [[v for (v,) in book[name].values] for name in book.sheetnames[:3]] == [
        ["a", 0, 1, 2, 3], ["a", 4, 5, 6, 7], ["a", 8, 9],
    ]  # fmt: skip
    assert [book[name].auto_filter.ref for name in book.sheetnames[:3]] == [
        "A1:A5", "A1:A5", "A1:A3",
    ]  # fmt: skip
    assert "10 rows are in 3 sheets" in book["Notes"]["A2"].value


def test_a_sheet_that_grows_too_large_is_refused(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streamed_sheet, "MOST_BYTES", 1000)
    with pytest.raises(TooLargeError, match="ask for fewer rows"):
        files.write(*table({"a": K.STRING}, ["x" * 5000], ["y" * 9000]))


def test_charts_are_native_and_refer_to_cells_of_the_workbook(files: Files) -> None:
    book = files.book(*table(ORDERS, *ROWS), include_charts=True)
    line, bars = book["Charts"]._charts
    assert (type(line).__name__, type(bars).__name__) == ("LineChart", "BarChart")
    (series,) = line.series
    assert series.val.numRef.f == "Charts!$M$2:$M$3"
    assert [cell.value for (cell,) in book["Charts"]["M2:M3"]] == [10.5, 7.25]
    assert book["Charts"]["L2"].value == datetime(2024, 6, 1)


def test_one_category_is_drawn_only_where_nothing_else_is(files: Files) -> None:
    kinds: Kinds = {"day": K.DATE, "currency": K.STRING, "total": K.DECIMAL}
    rows = [(date(2024, 6, day), "GBP", Decimal(day)) for day in range(1, 5)]
    book = files.book(*table(kinds, *rows), include_charts=True)
    (line,) = book["Charts"]._charts
    assert type(line).__name__ == "LineChart"
    book = files.book(*table(kinds, rows[0]), include_charts=True)
    assert len(book["Charts"]._charts) == 2


@pytest.mark.parametrize("template", Template)
def test_every_template_is_a_workbook(files: Files, template: Template) -> None:
    book = files.book(
        Values("Overview", {"total_sales": 12.5, "orders": 3, "note": "=x", "open": True}),
        *table(ORDERS, *ROWS, heading="Orders & more"),
        *table(ORDERS, *ROWS, heading="Trend", is_chart=True),
        title="Report & more",
        template=template,
    )
    sheets = ["Overview", "Orders & more", "Trend"]
    assert book.sheetnames == (["Cover"] if template is Template.CORPORATE else []) + sheets
    assert [row[:2] for row in book["Overview"].values][2:] == [
        ("Total sales", 12.5), ("Orders", 3), ("Note", "=x"), ("Open", True),
    ]  # fmt: skip
    if template is Template.CORPORATE:
        cover = book["Cover"]
        assert cover["B4"].value == "Report & more"
        assert [cover.cell(row, 2).value for row in (8, 9, 10)] == sheets
        assert cover["B9"].hyperlink.location == "'Orders & more'!A1"


@pytest.mark.parametrize(
    ("chart_type", "drawn"),
    [
        (None, "LineChart"), (ChartType.LINE, "LineChart"), (ChartType.AREA, "AreaChart"),
        (ChartType.BAR, "BarChart"), (ChartType.COLUMN, "BarChart"), (ChartType.PIE, "PieChart"),
        (ChartType.SCATTER, "ScatterChart"),
    ],
)  # fmt: skip
def test_sections_are_drawn_as_they_are_asked_for(
    files: Files, chart_type: ChartType | None, drawn: str
) -> None:
    kinds = {"day": K.DATE, "region": K.STRING, "x": K.FLOAT, "y": K.FLOAT}
    rows = [(date(2024, 1, n), f"r{n % 2}", n * 1.5, n * 2.0) for n in range(1, 9)]
    section = table(kinds, *rows, heading="Trend", is_chart=True, chart_type=chart_type)
    (chart,) = files.book(*section, title="Report")["Trend"]._charts
    assert type(chart).__name__ == drawn


def test_labels_that_are_no_numbers_are_not_scattered(files: Files) -> None:
    rows = [("a", 1.0), ("b", 2.0)]
    kinds = {"region": K.STRING, "x": K.FLOAT}
    section = table(kinds, *rows, is_chart=True, chart_type=ChartType.SCATTER)
    (chart,) = files.book(*section, title="Report")["Data"]._charts
    assert type(chart).__name__ == "LineChart"


def test_a_section_without_anything_to_draw_says_so(files: Files) -> None:
    for rows in ([], [(1.5,)]):
        book = files.book(*table({"x": K.FLOAT}, *rows, is_chart=True), title="Report")
        assert "nothing to draw" in book["Data"]["A1"].value
        assert book["Notes"]["A2"].value == "Data: there is nothing to draw"


def test_long_and_strange_values_of_reports(files: Files) -> None:
    data: dict[str, Any] = {"a": "x" * 9000, "b": "\x07\ufffe", "c": None, "d": 10**15, "e": 0.125}
    sheet = files.book(Values("Overview", data), title="R")["Overview"]
    assert len(sheet["B3"].value) == 9000
    assert sheet["B5"].value is None
    assert (sheet["B6"].value, sheet["B7"].value) == (10**15, 0.125)


def test_values_that_are_too_many_to_be_told_apart_are_more_than_a_number(files: Files) -> None:
    rows = [(n,) for n in range(10_001)]
    sheet = files.book(*table({"n": K.INTEGER}, *rows), include_summary=True)["Summary"]
    assert list(sheet.values)[-1][4] == "more than 10,000"


@pytest.mark.parametrize("kinds", [{"g": K.STRING, "a": K.FLOAT}, {"a": K.FLOAT, "b": K.FLOAT}])
@pytest.mark.parametrize(
    "numbers", [(float("nan"), 1.0), (1e308, 1e308), (float("inf"), Decimal("1E+400"))]
)
def test_numbers_that_cannot_be_drawn_nor_added_are_left_out(
    files: Files, kinds: Kinds, numbers: Sequence[Any]
) -> None:
    rows = [("x" if "g" in kinds else 1.0, number) for number in numbers]
    book = files.book(*table(kinds, *rows), include_summary=True, include_charts=True)
    assert book.sheetnames[:3] == ["Data", "Summary", "Charts"]


def test_arrays_may_be_categories(files: Files) -> None:
    rows = [([1], 1.0), ([1], 2.0), ([2], 4.0)]
    book = files.book(*table({"g": K.STRING, "a": K.FLOAT}, *rows), include_charts=True)
    drawn = {(row[-2], row[-1]) for row in book["Charts"].iter_rows(values_only=True)}
    assert drawn >= {("[1]", 3), ("[2]", 4)}
