"""Charts, drawn by the spreadsheet from cells beside them."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from headrace_server.files.exporting.book import Book
from headrace_server.files.exporting.cells import escaped_for_cell
from headrace_server.files.exporting.kinds import Field
from headrace_server.files.exporting.looks import INTEGER
from headrace_server.files.exporting.trends import Trend
from headrace_server.model.export import ChartType

#: where the figures begin, beside a chart of this size in pixels
_FIGURES = 11
_SIZE = {"width": 680, "height": 360}
#: rows that a chart takes, with some space
_ROWS = 20
_WIDTH = 16


def draw(book: Book, heading: str, trends: Sequence[tuple[Trend, ChartType | None]]) -> None:
    """Add a sheet of charts, each as it is wanted or as it fits."""
    sheet = book.add_sheet(heading)
    sheet.hide_gridlines(2)
    sheet.set_column(_FIGURES, _FIGURES + 4, _WIDTH)
    if not trends:
        book.write(sheet, 0, 0, "There is nothing to draw: no rows, or no columns that fit.")
    row = 0
    for trend, wanted in trends:
        _write_figures(book, sheet, row, trend)
        sheet.insert_chart(row, 0, _chart(book, sheet.get_name(), row, trend, wanted or trend.type))
        row += max(_ROWS, len(trend.points) + 3)
    # A chart is printed whole, though its cells end sooner.
    widest = max((len(trend.headings) for trend, _ in trends), default=1)
    sheet.print_area(0, 0, max(row - 1, 0), _FIGURES + widest - 1)


def _write_figures(book: Book, sheet: Any, row: int, trend: Trend) -> None:
    """Write the headings and the points of a trend, from a row on."""
    styles = book.styles
    for place, heading in enumerate(trend.headings):
        header = styles.header if place == 0 else styles.number_header
        sheet.write_string(row, _FIGURES + place, escaped_for_cell(heading), header)
    formats = [styles.format(num_format=_format_of(book, each)) for each in trend.measures]
    label = styles.format(num_format=trend.label_format or "General", align="left", indent=1)
    for number, (key, *values) in enumerate(trend.points, row + 1):
        if isinstance(key, date):
            sheet.write_datetime(number, _FIGURES, key, label)
        elif isinstance(key, float):
            sheet.write_number(number, _FIGURES, key, label)
        else:
            sheet.write_string(number, _FIGURES, escaped_for_cell(str(key)), label)
        for place, value in enumerate(values):
            if value is not None:
                sheet.write_number(number, _FIGURES + 1 + place, value, formats[place])


def _format_of(book: Book, field: Field | None) -> str:
    return INTEGER if field is None else book.styles.number_format(field)


def _chart(book: Book, sheet: str, row: int, trend: Trend, kind: ChartType) -> Any:
    """The chart of figures that begin at a row."""
    if kind is ChartType.SCATTER and trend.type is not ChartType.SCATTER:
        kind = ChartType.LINE  # labels that are no numbers have no place on an axis
    options = {"type": kind.value}
    if trend.type is ChartType.SCATTER:
        kind, options = ChartType.SCATTER, {"type": "scatter"}
    chart = book.workbook.add_chart(options)
    last = row + len(trend.points)
    shown = trend.measures[:1] if kind is ChartType.PIE else trend.measures
    for place in range(len(shown)):
        column = _FIGURES + 1 + place
        chart.add_series(
            {
                "name": [sheet, row, column],
                "categories": [sheet, row + 1, _FIGURES, last, _FIGURES],
                "values": [sheet, row + 1, column, last, column],
                **_colours(book, kind, place, len(trend.points)),
            }
        )
    _dress(book, chart, trend, kind)
    return chart


def _colours(book: Book, kind: ChartType, place: int, points: int) -> dict[str, Any]:
    colours = book.styles.look.colours
    colour = colours[place % len(colours)]
    if kind is ChartType.PIE:
        slices = [{"fill": {"color": colours[n % len(colours)]}} for n in range(points)]
        return {
            "points": slices,
            "data_labels": {"percentage": True, "font": {"color": "#FFFFFF", "bold": True}},
        }
    if kind is ChartType.LINE:
        return {"line": {"color": colour, "width": 2.25}}
    if kind is ChartType.SCATTER:
        mark = {"type": "circle", "size": 5, "fill": {"color": colour}, "border": {"none": True}}
        return {"marker": mark}
    return {"fill": {"color": colour}, "gap": 60}


def _dress(book: Book, chart: Any, trend: Trend, kind: ChartType) -> None:
    """Give a chart its title, axes and legend."""
    look = book.styles.look
    font = {"name": look.font, "size": 9}
    title = {"name": look.font, "size": 13, "color": look.colour, "bold": True}
    chart.set_title({"name": trend.title, "name_font": title, "overlay": False})
    chart.set_size(_SIZE)
    chart.set_chartarea({"border": {"color": "#D9D9D9"}})
    many = len(trend.measures) > 1 or kind is ChartType.PIE
    chart.set_legend({"position": "bottom", "font": font} if many else {"none": True})
    if kind is ChartType.PIE:
        return
    labels: dict[str, Any] = {"num_font": font, "line": {"color": "#7F7F7F"}}
    if trend.label_format:
        labels |= {"date_axis": True, "num_format": trend.label_format}
    numbers: dict[str, Any] = {
        "num_font": font,
        "num_format": _axis_format(trend),
        "major_gridlines": {"visible": True, "line": {"color": "#E0E0E0"}},
        "line": {"none": True},
    }
    if kind is ChartType.SCATTER:
        labels |= {"name": trend.headings[0], "name_font": font}
        numbers |= {"name": trend.headings[1], "name_font": font}
    if kind is ChartType.BAR:
        # Its axes change places. Excel begins below: turned round, the first category is on top.
        chart.set_y_axis({**labels, "reverse": True})
        chart.set_x_axis({**numbers, "label_position": "high"})
        return
    chart.set_x_axis(labels)
    chart.set_y_axis(numbers)


def _axis_format(trend: Trend) -> str:
    """The format of the first measure, without fractions where these would not fit an axis."""
    values = [abs(point[1]) for point in trend.points if point[1] is not None]
    field = trend.measures[0]
    if field is not None and field.is_amount and max(values, default=0) < 100:  # noqa: PLR2004
        return "#,##0.00"
    return INTEGER if max(values, default=0) >= 100 else "General"  # noqa: PLR2004
