"""What charts show of rows: sums over time or by category, gathered while the rows go by."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import isfinite
from typing import Any, Protocol

from headrace_server.files.exporting.kinds import Field, dated, day_of, spoken
from headrace_server.files.exporting.texts import text_of
from headrace_server.model.export import ChartType

#: categories that are told apart, and those that are shown
_MOST_CATEGORIES, _SHOWN_CATEGORIES = 10_000, 12
#: days that are told apart
_MOST_DAYS = 40_000
#: points of a line; of more days come months, of more months years
_MOST_POINTS = 100
#: points of two numbers: the first ones
_MOST_SCATTERED = 1000
_LONGEST_LABEL = 60
#: what is not shown, or not told apart, and what has no category
OTHERS, NONE = "Others", "(empty)"
DAY, MONTH, YEAR = "yyyy-mm-dd", "yyyy-mm", "yyyy"
_NUMBERS = (int, float, Decimal)
_NESTED = {list, tuple, dict}


@dataclass(frozen=True, slots=True)
class Trend:
    """What one chart shows."""

    title: str
    #: what fits it
    type: ChartType
    #: of the labels, then of each series
    headings: tuple[str, ...]
    #: what each series is of; None for counts of rows
    measures: tuple[Field | None, ...]
    #: a label with a number for each series; labels are days, texts or, of points, numbers
    points: tuple[tuple[Any, ...], ...]
    #: how labels that are days are written; empty for others
    label_format: str = ""


class Tracker(Protocol):
    """Gathers one trend."""

    def add(self, columns: Sequence[Sequence[Any]]) -> None:
        """Take rows, by columns."""

    def trend(self) -> Trend | None:
        """What came of it; None where there is nothing to draw."""


class _Groups:
    """Sums and counts of measures by a key; without measures counts of rows."""

    def __init__(self, places: Sequence[int], fields: Sequence[Field], most: int) -> None:
        self._places = places
        self._averages = [fields[place].is_average for place in places]
        self._most = most
        self._groups: dict[Any, list[float]] = {}

    def __len__(self) -> int:
        return len(self._groups)

    def add(self, keys: Sequence[Any], columns: Sequence[Sequence[Any]]) -> None:
        """Take rows: their keys, and all their columns."""
        numbers = [columns[place] for place in self._places] or [[1] * len(columns[0])]
        for place, values in enumerate(numbers):
            found: defaultdict[Any, list[Any]] = defaultdict(list)
            for key, value in zip(keys, values, strict=True):
                found[key].append(value)
            for key, group in found.items():
                present = list(filter(isfinite, _floats(group)))
                sums = self._sums_of(key, len(numbers))
                sums[2 * place] += sum(present)
                sums[2 * place + 1] += len(present)

    def _sums_of(self, key: Any, width: int) -> list[float]:
        if key not in self._groups:
            if len(self._groups) >= self._most:
                key = OTHERS
            self._groups.setdefault(key, [0.0] * (2 * width))
        return self._groups[key]

    def points(self, key_of: Callable[[Any], Any]) -> list[tuple[Any, ...]]:
        """Keys with a number of each measure; groups whose key has the same other key are one."""
        merged: dict[Any, list[float]] = {}
        for key, sums in self._groups.items():
            into = merged.setdefault(key_of(key), [0.0] * len(sums))
            into[:] = [a + b for a, b in zip(into, sums, strict=True)]
        return [(key, *self._numbers(sums)) for key, sums in merged.items()]

    def _numbers(self, sums: Sequence[float]) -> list[float | None]:
        averages = self._averages or [False]
        return [
            (total / count if average else total) if count and isfinite(total) else None
            for average, total, count in zip(averages, sums[::2], sums[1::2], strict=True)
        ]


def _floats(values: Sequence[Any]) -> list[float]:
    """The numbers among some values."""
    return [float(value) for value in values if type(value) in _NUMBERS]


class _Shown:
    """What trackers by a column have in common."""

    def __init__(self, fields: Sequence[Field], by: int, places: Sequence[int], most: int) -> None:
        self._by = by
        self._measures = [fields[place] for place in places]
        self._field = fields[by]
        self._groups = _Groups(places, fields, most)

    def _trend(
        self, kind: ChartType, points: Sequence[tuple[Any, ...]], by: str, label_format: str = ""
    ) -> Trend | None:
        if not points:
            return None
        names = [measure.name for measure in self._measures] or ["rows"]
        shown = tuple(self._measures) or (None,)
        title = spoken(f"{', '.join(names)} by {by}")
        return Trend(title, kind, (self._field.name, *names), shown, tuple(points), label_format)


class OverTime(_Shown):
    """Follows measures over the days of a column."""

    def __init__(self, fields: Sequence[Field], by: int, places: Sequence[int]) -> None:
        super().__init__(fields, by, places, _MOST_DAYS)

    def add(self, columns: Sequence[Sequence[Any]]) -> None:
        """See `Tracker`."""
        days = columns[self._by]
        if set(map(type, days)) != {date}:
            days = [day_of(dated(value)) for value in days]
        self._groups.add(days, columns)

    def trend(self) -> Trend | None:
        """See `Tracker`; by days, months or years, whichever gives not too many points."""
        for by, label_format, start in _PERIODS:
            points = [point for point in self._groups.points(start) if isinstance(point[0], date)]
            if len(points) <= _MOST_POINTS or by == _PERIODS[-1][0]:
                points.sort(key=lambda point: point[0])
                return self._trend(ChartType.LINE, points, by, label_format)
        return None


def _month(day: Any) -> Any:
    return day.replace(day=1) if isinstance(day, date) else None


def _year(day: Any) -> Any:
    return day.replace(month=1, day=1) if isinstance(day, date) else None


_PERIODS: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("day", DAY, lambda day: day),
    ("month", MONTH, _month),
    ("year", YEAR, _year),
)


class ByCategory(_Shown):
    """Adds measures up by the texts of a column; the greatest come first, of the first measure."""

    def __init__(
        self, fields: Sequence[Field], by: int, places: Sequence[int], *, in_order: bool = False
    ) -> None:
        super().__init__(fields, by, places, _MOST_CATEGORIES)
        self._in_order = in_order

    def add(self, columns: Sequence[Sequence[Any]]) -> None:
        """See `Tracker`."""
        keys = columns[self._by]
        if _NESTED & set(map(type, keys)):  # such as arrays, which are no keys
            keys = [None if key is None else text_of(key) for key in keys]
        self._groups.add(keys, columns)

    def trend(self) -> Trend | None:
        """See `Tracker`; what is not among the first is added up as others."""
        points = self._groups.points(_label)
        if not self._in_order or len(points) > _SHOWN_CATEGORIES:
            points.sort(key=lambda point: -(point[1] or 0))
            shown = {point[0] for point in points[: _SHOWN_CATEGORIES - 1]}
            if len(points) > _SHOWN_CATEGORIES:
                points = self._groups.points(
                    lambda key: label if (label := _label(key)) in shown else OTHERS
                )
            points.sort(key=lambda point: (point[0] == OTHERS, -(point[1] or 0)))
        kind = ChartType.COLUMN if self._in_order else ChartType.BAR
        return self._trend(kind, points, self._field.name)


def _label(value: Any) -> str:
    text = NONE if value is None else " ".join(text_of(value).split())
    return text if len(text) <= _LONGEST_LABEL else f"{text[:_LONGEST_LABEL]}…"


class Scattered:
    """Keeps points of two measures."""

    def __init__(self, fields: Sequence[Field], places: Sequence[int]) -> None:
        self._places = places
        self._fields = [fields[place] for place in places]
        self._points: list[tuple[Any, ...]] = []

    def add(self, columns: Sequence[Sequence[Any]]) -> None:
        """See `Tracker`."""
        room = _MOST_SCATTERED - len(self._points)
        pairs = zip(*(columns[place] for place in self._places), strict=True)
        if room > 0:
            points = (tuple(filter(isfinite, _floats(pair))) for pair in pairs)
            self._points += [point for point in points if len(point) == len(self._places)][:room]

    def trend(self) -> Trend | None:
        """See `Tracker`."""
        if not self._points:
            return None
        across, up = self._fields
        title = spoken(f"{up.name} against {across.name}")
        return Trend(title, ChartType.SCATTER, (across.name, up.name), (up,), tuple(self._points))
