"""Workbooks: the rows of a query with figures and charts, or a report of sections."""

from collections.abc import Sequence
from dataclasses import replace

from headrace_server.files.exporting.book import Book
from headrace_server.files.exporting.charts import draw
from headrace_server.files.exporting.choosing import Choice
from headrace_server.files.exporting.kinds import fields_of
from headrace_server.files.exporting.messages import FilePlan, Row, TableBegin, TableEnd, Values
from headrace_server.files.exporting.summary_sheets import (
    add_notes,
    add_summary,
    add_values,
    fill_cover,
)
from headrace_server.files.exporting.table_sheets import TableSheets
from headrace_server.files.exporting.trends import Tracker
from headrace_server.model.export import Written
from headrace_server.model.row_counts import truncated_text


class _ChartRows:
    """The rows of a section that a chart alone shows."""

    def __init__(self, book: Book, begin: TableBegin) -> None:
        self._book = book
        self._begin = begin
        self._begun = False
        self._tracker: Tracker | None = None

    def add(self, rows: Sequence[Row]) -> None:
        if not rows:
            return
        if not self._begun:
            self._begun = True
            choice = Choice(fields_of(self._begin.columns, rows), rows)
            self._tracker = choice.one(self._begin.chart_type)
        if self._tracker is not None:
            self._tracker.add(list(zip(*rows, strict=True)))

    def end(self, _: TableEnd) -> None:
        trend = None if self._tracker is None else self._tracker.trend()
        if trend is None:
            self._book.notes.say(f"{self._begin.heading}: there is nothing to draw")
            draw(self._book, self._begin.heading, [])
            return
        titled = replace(trend, title=self._begin.heading)
        draw(self._book, self._begin.heading, [(titled, self._begin.chart_type)])


class WorkbookFile:
    """Writes a workbook. See `ReportWriter`."""

    def __init__(self, plan: FilePlan) -> None:
        self._book = Book(plan)
        self._output = plan.output
        self._is_report = bool(plan.title)
        self._section: TableSheets | _ChartRows | None = None
        self._tables: list[TableSheets] = []
        has_cover = self._is_report and self._book.styles.look.has_cover
        self._cover = self._book.add_sheet("Cover") if has_cover else None

    def begin(self, table: TableBegin) -> None:
        """See `FileWriter`."""
        if table.is_chart:
            self._section = _ChartRows(self._book, table)
            return
        sheets = TableSheets(
            self._book,
            table,
            tallies=self._output.include_summary,
            charts=self._output.include_charts,
        )
        self._tables.append(sheets)
        self._section = sheets

    def add(self, rows: Sequence[Row]) -> None:
        """See `FileWriter`."""
        if self._section is not None:
            self._section.add(rows)

    def end(self, end: TableEnd) -> None:
        """See `FileWriter`."""
        if self._section is not None:
            self._section.end(end)
        if end.truncated and self._tables:
            self._say_truncated(self._tables[-1], end)

    def _say_truncated(self, table: TableSheets, end: TableEnd) -> None:
        told = truncated_text(table.rows, end.total_rows)
        self._book.notes.say(f"{table.begin.heading}: {told}")

    def values(self, section: Values) -> None:
        """See `ReportWriter`."""
        add_values(self._book, section)

    def abandon(self) -> None:
        """See `FileWriter`."""
        self._book.abandon()

    def close(self) -> Written:
        """See `FileWriter`."""
        book = self._book
        if self._cover is not None:
            fill_cover(book, self._cover)
        for table in self._tables:
            if table.tallies:
                add_summary(book, table)
            if self._output.include_charts:
                trends = [trend for each in table.trackers if (trend := each.trend()) is not None]
                # One point tells nothing beside a chart that does.
                shown = [trend for trend in trends if len(trend.points) > 1] or trends
                draw(book, "Charts", [(trend, None) for trend in shown])
        if not self._output.include_summary:
            add_notes(book)
        book.close()
        return Written(
            rows=sum(table.rows for table in self._tables),
            truncated=any(table.end_of_rows.truncated for table in self._tables),
            sheets=tuple(book.sheets),
            warnings=book.notes.sentences,
        )
