"""Cells of a workbook's rows as XML, a column at a time.

XlsxWriter writes a cell in 7 µs, of which most goes into looking at what it is. Columns have types:
looked at once for many rows, a cell takes a tenth of that.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from types import NoneType
from typing import Any

from headrace_server.files.exporting.kinds import Field, dated
from headrace_server.files.exporting.looks import Styles
from headrace_server.files.exporting.notes import Note, Notes
from headrace_server.files.exporting.texts import is_formula_like, text_of
from headrace_server.model.query import ValueKind

#: numbers below it have no digit that Excel forgets
_EXACT = 10**15
_EXACT_DIGITS = 15
#: powers of ten beyond which Excel has no numbers
_LARGEST_POWER = 307
#: UTF-16 units of one cell at most
LONGEST_TEXT = 32_767
#: the day that Excel counts as 0; right from March 1900 on, as Excel has a 29 February in 1900
_FIRST = date(1899, 12, 30).toordinal()
_EARLIEST = date(1900, 3, 1).toordinal()
_DAY = 86_400
#: characters that XML or Excel has not as they are, and what looks like their escapes
_ESCAPED = re.compile("_(?=x[0-9a-fA-F]{4}_)|[\x00-\x08\x0b-\x1f\ufffe\uffff]")
_UNUSUAL = re.compile(
    "^[\\s=+@-]|[&<>\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]|_x[0-9a-fA-F]{4}_|\\s\\Z"
)
#: characters of texts that fit into a cell whatever they are
_SHORT = LONGEST_TEXT // 2
_TEXTS = {str, NoneType}


class Column:
    """Writes the cells of one column."""

    def __init__(self, field: Field, letters: str, styles: Styles, notes: Notes) -> None:
        self._field = field
        self._letters = letters
        self._notes = notes
        self._text, self._quoted = styles.text, styles.quoted
        self._number = styles.number_of(field)
        self._date, self._moment, self._time = styles.date, styles.moment, styles.time
        self._writers: dict[type, Callable[[Any], str]] = {
            str: self._text_cell,
            int: self._integer_cell,
            float: self._float_cell,
            Decimal: self._decimal_cell,
            bool: lambda value: f' s="{styles.truth}" t="b"><v>{value:d}</v></c>',
            datetime: self._moment_cell,
            date: self._date_cell,
            time: self._time_cell,
        }

    def cells(self, numbers: Sequence[int], values: Sequence[Any]) -> list[str]:
        """The cells of so many rows, by the numbers of these; nulls are empty texts."""
        if self._field.kind is ValueKind.DATE:
            values = [dated(value) for value in values]
        letters = self._letters
        return [
            f'<c r="{letters}{number}"{cell}' if cell else ""
            for number, cell in zip(numbers, self._written(values), strict=True)
        ]

    def _written(self, values: Sequence[Any]) -> list[str]:
        types = set(map(type, values))
        if types <= _TEXTS:
            return self._texts(values)
        if len(types) == 1:
            return list(map(self._writer(types.pop()), values))
        writers = {kind: self._writer(kind) for kind in types}
        return [writers[type(value)](value) for value in values]

    def _texts(self, values: Sequence[str | None]) -> list[str]:
        """The cells of texts and nulls: most texts have nothing unusual."""
        start, end = f' s="{self._text}" t="inlineStr"><is><t>', "</t></is></c>"
        unusual, write = _UNUSUAL.search, self._text_cell
        return [
            "" if v is None else write(v) if unusual(v) or len(v) > _SHORT else f"{start}{v}{end}"
            for v in values
        ]

    def _writer(self, kind: type) -> Callable[[Any], str]:
        if kind is NoneType:
            return lambda _: ""
        return self._writers.get(kind) or self._other_cell

    def _other_cell(self, value: Any) -> str:
        return self._text_cell(text_of(value))

    def _text_cell(self, value: str) -> str:
        style = self._quoted if is_formula_like(value) else self._text
        value = self._fitting(value)
        space = ' xml:space="preserve"' if value[:1].isspace() or value[-1:].isspace() else ""
        return f' s="{style}" t="inlineStr"><is><t{space}>{escaped(value)}</t></is></c>'

    def _fitting(self, value: str) -> str:
        fitting = shortened(value)
        if fitting != value:
            self._notes.count(self._field.name, Note.SHORTENED)
        return fitting

    def _integer_cell(self, value: int) -> str:
        if -_EXACT < value < _EXACT:
            return f' s="{self._number}"><v>{value}</v></c>'
        return self._noted(Note.LONG_NUMBER, str(value))

    def _float_cell(self, value: float) -> str:
        if value - value == 0:
            return f' s="{self._number}"><v>{value!r}</v></c>'
        return self._noted(Note.NOT_FINITE, text_of(value))

    def _decimal_cell(self, value: Decimal) -> str:
        if not value.is_finite():
            return self._noted(Note.NOT_FINITE, text_of(value))
        written, power = str(value), value.adjusted()
        if len(written) <= _EXACT_DIGITS and abs(power) <= _LARGEST_POWER:
            return f' s="{self._number}"><v>{written}</v></c>'
        if power > _LARGEST_POWER:
            return self._noted(Note.LONG_NUMBER, text_of(value))
        if power < -_LARGEST_POWER:
            self._notes.count(self._field.name, Note.ROUNDED)
            return f' s="{self._number}"><v>0</v></c>'
        if _digits(value) > _EXACT_DIGITS:
            if abs(value) >= _EXACT:
                return self._noted(Note.LONG_NUMBER, text_of(value))
            # Such as a mean or a third: more than its beginning nobody wants.
            self._notes.count(self._field.name, Note.ROUNDED)
        return f' s="{self._number}"><v>{written}</v></c>'

    def _date_cell(self, value: date) -> str:
        day = value.toordinal()
        if day < _EARLIEST:
            return self._noted(Note.EARLY, text_of(value))
        return f' s="{self._date}"><v>{day - _FIRST}</v></c>'

    def _moment_cell(self, value: datetime) -> str:
        if value.tzinfo is not None:
            value = value.astimezone(UTC)
        day = value.toordinal()
        if day < _EARLIEST:
            return self._noted(Note.EARLY, text_of(value))
        seconds = value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6
        return f' s="{self._moment}"><v>{day - _FIRST + seconds / _DAY!r}</v></c>'

    def _time_cell(self, value: time) -> str:
        seconds = value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6
        return f' s="{self._time}"><v>{seconds / _DAY!r}</v></c>'

    def _noted(self, note: Note, text: str) -> str:
        self._notes.count(self._field.name, note)
        return f' s="{self._quoted}" t="inlineStr"><is><t>{self._fitting(text)}</t></is></c>'


def escaped(text: str) -> str:
    """A text as XML has it; control characters as Excel writes them, _x0007_."""
    text = text.encode("utf-8", "replace").decode()
    text = _ESCAPED.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def escaped_for_cell(text: str) -> str:
    """A text of ours as XlsxWriter takes it, which escapes what else there is."""
    return shortened(re.sub("[\ufffe\uffff]", "", text.encode("utf-8", "replace").decode()))


def shortened(text: str) -> str:
    """The beginning of a text that no cell holds, with a mark at its end; others as they are."""
    if len(text) <= _SHORT or len(text.encode("utf-16-le", "replace")) // 2 <= LONGEST_TEXT:
        return text
    units = text.encode("utf-16-le", "replace")[: 2 * (LONGEST_TEXT - 1)]
    return f"{units.decode('utf-16-le', 'ignore')}…"


def _digits(value: Decimal) -> int:
    """How many digits tell a number apart: without zeros at either end."""
    return len("".join(map(str, value.as_tuple().digits)).strip("0"))
