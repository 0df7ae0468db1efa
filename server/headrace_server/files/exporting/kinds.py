"""What columns hold, as far as it matters to those who read them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from headrace_server.model.query import QueryColumn, ValueKind, unique_names

NUMBERS = frozenset({ValueKind.INTEGER, ValueKind.DECIMAL, ValueKind.FLOAT})
MOMENTS = frozenset({ValueKind.DATE, ValueKind.DATETIME, ValueKind.TIMESTAMP})
#: words of names that say what numbers are
_AMOUNTS = {
    "amount", "amounts", "balance", "budget", "cost", "costs", "discount", "expense", "expenses",
    "fee", "fees", "income", "margin", "net", "gross", "paid", "payment", "price", "prices",
    "profit", "refund", "revenue", "salary", "sales", "spend", "spent", "subtotal", "tax",
    "total", "turnover", "value", "vat", "wage",
}  # fmt: skip
_MARKS = {
    "id", "ids", "key", "code", "number", "no", "nr", "year", "zip", "postcode", "phone", "sku",
    "isbn", "ean", "hash",
}  # fmt: skip
_AVERAGES = {
    "age", "average", "avg", "mean", "median", "pct", "percent", "percentage", "price", "rate",
    "ratio", "score", "share",
}  # fmt: skip
_DATE = re.compile(r"\d{4}-\d\d-\d\d$")
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a file."""

    #: no other column has it
    name: str
    kind: ValueKind
    #: SQL type in the words of the database; empty where it cannot tell
    type: str

    @property
    def heading(self) -> str:
        """The name, and the zone that its moments are shown in."""
        return f"{self.name} (UTC)" if self.kind is ValueKind.TIMESTAMP else self.name

    @property
    def words(self) -> frozenset[str]:
        """The words of its name, in small letters."""
        return frozenset(word.lower() for word in _WORDS.findall(self.name))

    @property
    def is_mark(self) -> bool:
        """Whether its numbers only tell things apart, or name years: nothing to be added up."""
        return bool(_MARKS & self.words)

    @property
    def is_amount(self) -> bool:
        """Whether it holds sums of money, as its type and name have it."""
        fractional = self.kind in {ValueKind.DECIMAL, ValueKind.FLOAT}
        return fractional and bool(_AMOUNTS & self.words)

    @property
    def is_average(self) -> bool:
        """Whether several of its numbers are told by their mean, rather than their sum."""
        return bool(_AVERAGES & self.words)

    @property
    def is_measure(self) -> bool:
        """Whether its numbers are worth drawing."""
        return self.kind in NUMBERS and not self.is_mark


def fields_of(columns: Sequence[QueryColumn], rows: Sequence[Sequence[Any]]) -> list[Field]:
    """The columns of a result, their names made unique.

    Of columns that SQLite computes it does not tell the type: their first rows do.
    """
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    names = unique_names(columns)
    fields = map(Field, names, (c.kind for c in columns), (c.type for c in columns))
    return [_told(field, found) for field, found in zip(fields, values, strict=True)]


def _told(field: Field, values: Sequence[Any]) -> Field:
    if field.kind is not ValueKind.ANY:
        return field
    return replace(field, kind=_kind_of([value for value in values if value is not None]))


def _kind_of(values: Sequence[Any]) -> ValueKind:
    types = set(map(type, values))
    if not types:
        return ValueKind.ANY
    if types == {int}:
        return ValueKind.INTEGER
    if types <= {int, float}:
        return ValueKind.FLOAT
    if types <= {int, float, Decimal}:
        return ValueKind.DECIMAL
    if types == {str}:
        return ValueKind.DATE if all(map(_DATE.match, values)) else ValueKind.STRING
    return ValueKind.ANY


def spoken(name: str) -> str:
    """A name as people write it: total_sales is Total sales."""
    words = " ".join(name.replace("_", " ").split())
    return words[:1].upper() + words[1:]


def dated(value: Any) -> Any:
    """A date that is written as text; what is none, as it is."""
    if isinstance(value, str) and _DATE.match(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return value
    return value


def day_of(value: Any) -> date | None:
    """The day of a moment, in its own zone; None of what is none."""
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else None
