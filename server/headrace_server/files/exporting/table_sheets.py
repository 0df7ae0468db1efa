"""The sheets that hold the rows of one query."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from xlsxwriter.utility import xl_col_to_name

from headrace_server.files.exporting.book import Book
from headrace_server.files.exporting.cells import Column, escaped_for_cell
from headrace_server.files.exporting.choosing import Choice
from headrace_server.files.exporting.kinds import Field, fields_of
from headrace_server.files.exporting.messages import Row, TableBegin, TableEnd
from headrace_server.files.exporting.streamed_sheet import MOST_ROWS, StreamedSheet
from headrace_server.files.exporting.tallies import Tally
from headrace_server.files.exporting.texts import text_of
from headrace_server.files.exporting.trends import Tracker

#: rows that widths are told by, and widths in characters
_SAMPLE, _NARROWEST, _WIDEST = 500, 8, 60
#: what the mark of the filter takes of a header
_FILTER = 3


class TableSheets:
    """One sheet, and another one each time that it is full."""

    def __init__(self, book: Book, begin: TableBegin, *, tallies: bool, charts: bool) -> None:
        self._book = book
        self._begin = begin
        self._wants_tallies = tallies
        self._wants_charts = charts
        self._sheet: StreamedSheet | None = None
        self._parts = 0
        self._columns: list[Column] = []
        self._widths: list[int] = []
        self.fields: list[Field] = []
        #: figures on each column; empty where none are wanted
        self.tallies: list[Tally] = []
        #: what may be drawn; empty likewise
        self.trackers: list[Tracker] = []
        #: rows written
        self.rows = 0
        self.end_of_rows = TableEnd(truncated=False, total_rows=None)

    @property
    def begin(self) -> TableBegin:
        """What was told of it."""
        return self._begin

    def add(self, rows: Sequence[Row]) -> None:
        """Take rows."""
        if self._sheet is None:
            self._start(rows)
        if not rows:
            return
        columns = list(zip(*rows, strict=True))
        if self.rows < _SAMPLE:
            self._widen(rows[:_SAMPLE])
        for tally, values in zip(self.tallies, columns, strict=False):
            tally.add(values)
        for tracker in self.trackers:
            tracker.add(columns)
        self._write(columns)

    def end(self, end: TableEnd) -> None:
        """Finish the last sheet."""
        self.add(())
        self.end_of_rows = end
        self._finish_sheet()
        if self._parts > 1:
            self._book.notes.say(
                f"{self._begin.heading}: {self.rows} rows are in {self._parts} sheets, because one"
                f" holds {MOST_ROWS - 1} of them"
            )

    def _start(self, rows: Sequence[Row]) -> None:
        """Begin as the first rows have it."""
        book, self.fields = self._book, fields_of(self._begin.columns, rows)
        self._columns = [
            Column(field, xl_col_to_name(place), book.styles, book.notes)
            for place, field in enumerate(self.fields)
        ]
        self._widths = [len(field.heading) + _FILTER for field in self.fields]
        if self._wants_tallies:
            self.tallies = [Tally(len(self.fields)) for _ in self.fields]
        if self._wants_charts:
            self.trackers = Choice(self.fields, rows).all()
        self._next_sheet()

    def _next_sheet(self) -> StreamedSheet:
        self._parts += 1
        heading = self._begin.heading
        sheet: StreamedSheet = self._book.add_sheet(heading, number=self._parts, kind=StreamedSheet)
        for place, field in enumerate(self.fields):
            header = self._book.styles.header_of(field)
            sheet.write_string(0, place, escaped_for_cell(field.heading), header)
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)
        self._sheet = sheet
        return sheet

    def _finish_sheet(self) -> None:
        sheet: Any = self._sheet
        sheet.autofilter(0, 0, max(sheet.dim_rowmax, 0), len(self.fields) - 1)
        for place, width in enumerate(self._widths):
            sheet.set_column(place, place, max(_NARROWEST, min(width, _WIDEST)))

    def _write(self, columns: Sequence[Sequence[Any]]) -> None:
        """Write rows where there is room for them."""
        sheet = self._sheet or self._next_sheet()
        count = len(columns[0])
        if sheet.room < count:
            room = sheet.room
            if room:
                self._write([values[:room] for values in columns])
            self._finish_sheet()
            self._next_sheet()
            self._write([values[room:] for values in columns])
            return
        numbers = sheet.next_rows(count)
        pairs = zip(self._columns, columns, strict=True)
        sheet.append_rows([column.cells(numbers, values) for column, values in pairs])
        self.rows += count

    def _widen(self, rows: Sequence[Row]) -> None:
        for place, values in enumerate(zip(*rows, strict=True)):
            longest = max(map(_width, values))
            self._widths[place] = max(self._widths[place], longest + 1)


def _width(value: Any) -> int:
    """About how many characters a value takes."""
    if value is None:
        return 0
    if isinstance(value, bool):
        return len("FALSE")
    if isinstance(value, int | float | Decimal):
        return len(f"{value:,.2f}")
    if isinstance(value, datetime):
        return len("yyyy-mm-dd hh:mm:ss")
    if isinstance(value, date):
        return len("yyyy-mm-dd")
    return max(map(len, text_of(value)[: 10 * _WIDEST].splitlines()), default=0)
