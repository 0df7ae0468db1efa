"""Sheets that tell about others: figures on columns, values with their names, a cover, notes."""

from collections.abc import Iterable
from datetime import date, datetime
from math import isfinite
from typing import Any

from headrace_server.files.exporting.book import Book
from headrace_server.files.exporting.cells import escaped_for_cell
from headrace_server.files.exporting.kinds import Field, spoken
from headrace_server.files.exporting.looks import DATE, INTEGER, MOMENT, NUMBER
from headrace_server.files.exporting.messages import Values
from headrace_server.files.exporting.table_sheets import TableSheets
from headrace_server.files.exporting.tallies import Tally
from headrace_server.files.exporting.texts import text_of

_HEADINGS = ("Column", "Type", "Values", "Empty", "Different", "Sum", "Mean", "Least", "Greatest")
#: of these, those above texts
_TEXTS = 2
_NAMES, _FIGURES = 28, 18
#: points of a line of text, and about how many characters it has across the figures
_LINE, _LINE_CHARACTERS = 15, 130
#: characters of a query that are shown
_LONGEST_ORIGIN = 2000


def add_summary(book: Book, table: TableSheets) -> None:
    """Add figures on an export and each of its columns."""
    sheet = book.add_sheet("Summary")
    sheet.set_column(0, 0, _NAMES)
    sheet.set_column(1, len(_HEADINGS) - 1, _FIGURES)
    sheet.write_string(0, 0, "Summary", book.styles.title)
    row = 2
    for name, value in _facts(book, table):
        _write_fact(book, sheet, row, name, value)
        row += 1
    row += 1
    for place, heading in enumerate(_HEADINGS):
        header = book.styles.header if place < _TEXTS else book.styles.number_header
        sheet.write_string(row, place, heading, header)
    for field, tally in zip(table.fields, table.tallies, strict=True):
        row += 1
        _write_tally(book, sheet, row, field, tally, table.rows)
    _write_notes(book, sheet, row + 2)


def _write_fact(book: Book, sheet: Any, row: int, name: str, value: Any) -> None:
    styles = book.styles
    words = value if isinstance(value, str) else f"{value:,}"
    sheet.set_row(row, _LINE * -(-len(words) // _LINE_CHARACTERS))
    sheet.write_string(row, 0, name, styles.format(bold=True, valign="top", indent=1))
    text = styles.format(align="left", valign="top", indent=1, text_wrap=True)
    sheet.merge_range(row, 1, row, len(_HEADINGS) - 1, "", text)
    if isinstance(value, str):
        sheet.write_string(row, 1, escaped_for_cell(value), text)
    else:
        number = styles.format(align="left", valign="top", indent=1, num_format=INTEGER)
        sheet.write_number(row, 1, value, number)


def _facts(book: Book, table: TableSheets) -> Iterable[tuple[str, Any]]:
    yield "Source", " ".join(table.begin.origin.split())[:_LONGEST_ORIGIN]
    yield "Made at", f"{book.plan.made_at:%Y-%m-%d %H:%M:%S} UTC"
    yield "Rows", table.rows
    if table.end_of_rows.truncated:
        total = table.end_of_rows.total_rows
        yield "Rows in the source", "more" if total is None else total
    yield "Columns", len(table.fields)


def _write_tally(book: Book, sheet: Any, row: int, field: Field, tally: Tally, rows: int) -> None:
    styles = book.styles
    count = styles.format(num_format=INTEGER)
    text = styles.format(align="left", indent=1)
    sheet.write_string(row, 0, escaped_for_cell(field.name), text)
    sheet.write_string(row, 1, field.type.lower() or field.kind.value.lower(), text)
    sheet.write_number(row, 2, rows - tally.nulls, count)
    sheet.write_number(row, 3, tally.nulls, count)
    if tally.distinct is None:
        more = f"more than {tally.most_distinct:,}"
        sheet.write_string(row, 4, more, styles.format(align="right"))
    else:
        sheet.write_number(row, 4, tally.distinct, count)
    number = styles.number_format(field)
    if tally.numbers and not field.is_mark:
        _write_figure(book, sheet, row, 5, tally.sum, number)
        _write_figure(book, sheet, row, 6, tally.mean, NUMBER if number == INTEGER else number)
    _write_figure(book, sheet, row, 7, tally.least, number)
    _write_figure(book, sheet, row, 8, tally.greatest, number)


def _write_figure(book: Book, sheet: Any, row: int, place: int, value: Any, number: str) -> None:
    """Write a number, a day or a moment; sums that Excel would round as they are."""
    if value is None:
        return
    if isinstance(value, datetime):
        style = book.styles.format(num_format=MOMENT, align="right")
        sheet.write_datetime(row, place, value, style)
    elif isinstance(value, date):
        sheet.write_datetime(row, place, value, book.styles.format(num_format=DATE, align="right"))
    elif isfinite(figure := float(value)):
        sheet.write_number(row, place, figure, book.styles.format(num_format=number))
    else:
        # Such as the sum of numbers that are nearly as large as numbers can be.
        sheet.write_string(row, place, text_of(figure), book.styles.format(align="right"))


def add_values(book: Book, section: Values) -> None:
    """Add values with their names."""
    sheet = book.add_sheet(section.heading)
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, _NAMES)
    sheet.set_column(1, 1, _NAMES)
    sheet.write_string(0, 0, escaped_for_cell(section.heading), book.styles.title)
    for row, (name, value) in enumerate(section.data.items(), 2):
        label = book.styles.format(bold=True, bottom=4)
        sheet.write_string(row, 0, escaped_for_cell(spoken(name)), label)
        book.write(sheet, row, 1, value)


def fill_cover(book: Book, sheet: Any) -> None:
    """Write the cover of a report: its name, when it was made, and its sheets."""
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 4)
    sheet.set_column(1, 1, 70)
    styles = book.styles
    title = styles.format(bold=True, font_size=24, font_color=styles.look.colour, text_wrap=True)
    sheet.write_string(3, 1, escaped_for_cell(book.plan.title), title)
    line = styles.format(font_color="#595959", top=2, top_color=styles.look.colour)
    sheet.write_string(4, 1, f"{book.plan.made_at:%d %B %Y, %H:%M} UTC", line)
    sheet.write_string(6, 1, "Contents", styles.format(bold=True))
    for row, name in enumerate(book.sheets[1:], 7):
        place = name.replace("'", "''")
        sheet.write_url(row, 1, f"internal:'{place}'!A1", styles.format(underline=1), name)


def add_notes(book: Book) -> None:
    """Add what is not as it was in the warehouse, if there is anything."""
    if book.notes.sentences:
        sheet = book.add_sheet("Notes")
        sheet.set_column(0, 0, 110)
        _write_notes(book, sheet, 0)


def _write_notes(book: Book, sheet: Any, row: int) -> None:
    if not book.notes.sentences:
        return
    sheet.write_string(row, 0, "Notes", book.styles.format(bold=True))
    for number, sentence in enumerate(book.notes.sentences, row + 1):
        sheet.write_string(number, 0, escaped_for_cell(sentence), book.styles.format())
