"""How the values of a column are spelled where not all of them are of its type."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from headrace_server.files.importing.fields import reads_each
from headrace_server.files.importing.plan import PlannedColumn
from headrace_server.files.sniffing.cells import DAY_FORMS
from headrace_server.model.contract import ColumnType

#: values that are tried
_TRIED = 300
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f")
_NUMBERS = frozenset({ColumnType.DECIMAL, ColumnType.FLOAT})
_DAYS = frozenset({ColumnType.DATE, ColumnType.DATETIME, ColumnType.TIMESTAMP})
#: types that the values of a text may have in a table that is there already
_BEHIND_TEXT = ("NUMERIC", "TIMESTAMP")
#: how any value of these begins, however it is spelled
_BEGINNING = re.compile(r"[-+]?[.,]?[0-9]")


def spelled(planned: PlannedColumn, texts: Sequence[str]) -> PlannedColumn:
    """Tell the decimal mark, or the form of days, that most values have.

    Of a type that was given the spelling that most values have counts; of a text one that more
    than half of them have. Where two have as many, it is the likelier one.
    """
    tried = [text for text in texts if text.strip()][:_TRIED]
    if planned.given:
        return max(_spellings(planned), key=lambda each: _count(each, tried))
    if planned.column.type is not ColumnType.STRING:
        return planned
    if 2 * sum(bool(_BEGINNING.match(text.strip())) for text in tried) <= len(tried):
        return planned
    for sql_type in _BEHIND_TEXT:
        behind = spelled(replace(planned, sql_type=sql_type, given=True), tried)
        if 2 * _count(behind, tried) > len(tried):
            mark, form = behind.decimal_mark, behind.date_format
            return replace(planned, decimal_mark=mark, date_format=form)
    return planned


def _count(planned: PlannedColumn, texts: Sequence[str]) -> int:
    return sum(reads_each(planned, texts))


def _spellings(planned: PlannedColumn) -> Iterator[PlannedColumn]:
    """Each spelling of the column's type, the likeliest first."""
    yield planned
    type_ = planned.column.type
    if type_ in _NUMBERS:
        yield from (replace(planned, decimal_mark=mark) for mark in (".", ","))
    if type_ in _DAYS:
        yield replace(planned, date_format="")
        for clock in _CLOCKS:
            for _, day in DAY_FORMS:
                yield replace(planned, date_format=f"{day}{clock}")
