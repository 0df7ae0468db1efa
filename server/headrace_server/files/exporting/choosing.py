"""Which charts fit columns: time gives a line, a category bars, two numbers points."""

from collections.abc import Sequence
from typing import Any

from headrace_server.files.exporting.kinds import MOMENTS, Field
from headrace_server.files.exporting.trends import ByCategory, OverTime, Scattered, Tracker
from headrace_server.model.export import ChartType
from headrace_server.model.query import ValueKind

#: series of one chart
_MOST_MEASURES = 3
#: first rows of which a category may have a value each
_FEW = 30
_LABELS = frozenset({ValueKind.STRING, ValueKind.BOOLEAN, ValueKind.ANY})
_POINTS = 2


def _of_one_scale(fields: Sequence[Field]) -> list[int]:
    """The columns that one chart may show together: sums of money if there are any."""
    measures = [n for n, field in enumerate(fields) if field.is_measure]
    if not measures:
        return []
    first = min(measures, key=lambda n: (fields[n].is_average, not fields[n].is_amount, n))
    scale = (fields[first].is_average, fields[first].is_amount)
    alike = (n for n in measures if (fields[n].is_average, fields[n].is_amount) == scale)
    return list(alike)[:_MOST_MEASURES]


class Choice:
    """What there is to draw of some columns."""

    def __init__(self, fields: Sequence[Field], rows: Sequence[Sequence[Any]]) -> None:
        self._fields = fields
        self._rows = rows
        places = range(len(fields))
        self._measures = _of_one_scale(fields)
        self._moment = next((n for n in places if fields[n].kind in MOMENTS), None)
        self._category = self._find_category()

    def _find_category(self) -> int | None:
        """The first column of texts that come again; else, of few rows, the first of texts.

        One that has the same text in all rows comes last.
        """
        texts = [n for n, field in enumerate(self._fields) if field.kind in _LABELS]
        texts.sort(key=self._is_constant)
        repeated = (n for n in texts if self._repeats(n))
        first = next(repeated, None)
        if first is None and len(self._rows) <= _FEW:
            return next(iter(texts), self._first_mark())
        return first if first is not None else self._first_mark()

    def _repeats(self, place: int) -> bool:
        values = [str(row[place]) for row in self._rows]
        return len(set(values)) <= len(values) / 2

    def _is_constant(self, place: int) -> bool:
        return len({str(row[place]) for row in self._rows}) == 1

    def _first_mark(self) -> int | None:
        """The first column of whole numbers that name things, such as years."""
        marks = (
            n
            for n, field in enumerate(self._fields)
            if field.kind is ValueKind.INTEGER and field.is_mark and self._repeats_or_few(n)
        )
        return next(marks, None)

    def _repeats_or_few(self, place: int) -> bool:
        return len(self._rows) <= _FEW or self._repeats(place)

    def all(self) -> list[Tracker]:
        """A tracker for each chart that fits."""
        trackers: list[Tracker] = []
        if self._moment is not None:
            trackers.append(OverTime(self._fields, self._moment, self._measures))
        if self._category is not None:
            trackers.append(ByCategory(self._fields, self._category, self._measures[:1]))
        if not trackers and len(self._measures) >= _POINTS:
            trackers.append(Scattered(self._fields, self._measures[:_POINTS]))
        return trackers

    def one(self, kind: ChartType | None) -> Tracker | None:
        """The tracker of a chart of a kind; None where no column fits."""
        fields, measures = self._fields, self._measures
        if kind is ChartType.SCATTER and len(measures) >= _POINTS:
            return Scattered(fields, measures[:_POINTS])
        over_time = self._moment is not None and (
            kind in {None, ChartType.LINE, ChartType.AREA} or self._category is None
        )
        if over_time and self._moment is not None:
            return OverTime(fields, self._moment, measures)
        if self._category is not None:
            shown = measures[:1] if kind is ChartType.PIE else measures
            return ByCategory(fields, self._category, shown, in_order=True)
        return next(iter(self.all()), None)
