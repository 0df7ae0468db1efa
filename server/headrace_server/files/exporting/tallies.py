"""Figures on columns, gathered while their rows go by, in bounded memory."""

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Context, Decimal, localcontext
from types import NoneType
from typing import Any

#: different values of one column, and of all together, that are told apart
MOST_DISTINCT, _MOST_TOLD = 10_000, 300_000
_NUMBERS = frozenset({int, float, Decimal})
#: of sums: no digit of any database is lost, and nothing is raised
_SUMMING = Context(prec=200, traps=[])

Number = int | float | Decimal


class Tally:
    """The figures of one column."""

    def __init__(self, columns: int) -> None:
        self._most = max(100, min(MOST_DISTINCT, _MOST_TOLD // max(1, columns)))
        self._distinct: set[int] | None = set()
        self.nulls = 0
        #: how many numbers there were, and their sum; infinity and what is no number left out
        self.numbers = 0
        self.sum: Number = 0
        #: of numbers, or of days and moments
        self.least: Any = None
        self.greatest: Any = None

    @property
    def distinct(self) -> int | None:
        """How many different values there are, nulls aside; None for more than are told apart."""
        return None if self._distinct is None else len(self._distinct)

    @property
    def most_distinct(self) -> int:
        """How many are told apart."""
        return self._most

    @property
    def mean(self) -> Number | None:
        """The mean of the numbers."""
        if not self.numbers:
            return None
        return self.sum / self.numbers

    def add(self, values: Sequence[Any]) -> None:
        """Take values of the column."""
        types = set(map(type, values))
        if NoneType in types:
            present = [value for value in values if value is not None]
            self.nulls += len(values) - len(present)
            values = present
            types.discard(NoneType)
        if not values:
            return
        self._tell(values)
        if types <= _NUMBERS:
            self._add_numbers(values, types)
        elif types <= {date} or types <= {datetime}:
            self._bound(values if types == {date} else list(map(_moment, values)))

    def _tell(self, values: Sequence[Any]) -> None:
        if self._distinct is None:
            return
        try:
            self._distinct |= set(map(hash, set(values)))
        except TypeError:  # lists and the like have no hash
            self._distinct |= {hash(repr(value)) for value in values}
        if len(self._distinct) > self._most:
            self._distinct = None

    def _add_numbers(self, values: Sequence[Any], types: set[type]) -> None:
        total = _total(values, types)
        if not math.isfinite(total):
            values = [value for value in values if math.isfinite(value)]
            total = _total(values, types)
        if not values:
            return
        self.numbers += len(values)
        self.sum = _total([self.sum, total], {type(self.sum), type(total)})
        self._bound(values)

    def _bound(self, values: Sequence[Any]) -> None:
        least, greatest = min(values), max(values)
        try:
            if self.least is None or least < self.least:
                self.least = least
            if self.greatest is None or greatest > self.greatest:
                self.greatest = greatest
        except TypeError:  # days beside moments, on SQLite
            return


def _total(values: Sequence[Any], types: set[type]) -> Number:
    """The sum of numbers of some types, exact unless there are floats among them."""
    if float in types:
        return sum(map(float, values))
    total: Number
    with localcontext(_SUMMING):
        total = sum(values)
    return total


def _moment(value: datetime) -> datetime:
    """A moment that can be compared with any other."""
    return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
