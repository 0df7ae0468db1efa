"""Whole columns of fields read at once where all of them are written in the usual form."""

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from headrace_server.files.importing.delimited_form import RECORD_END, DelimitedForm
from headrace_server.files.importing.fields import FieldReader, field_reader_of, reads_each
from headrace_server.files.importing.plan import PlannedColumn
from headrace_server.files.rules import rule_of
from headrace_server.files.timestamps import DATE_FORM, TIME_FORM, date_text
from headrace_server.files.value_fault import ValueFault
from headrace_server.model.contract import Column, ColumnType
from headrace_server.model.rows import Value

FieldsReader = Callable[[Sequence[str]], tuple[Sequence[Value], set[int]]]
"""Takes the fields of one column, quotes included, and returns values and places of those at fault.

The values at the faulty places mean nothing."""

Converter = Callable[[Sequence[str]], list[Value]]
"""Takes texts that all have the usual form or are empty; raises ValueError where they mislead."""

_WHOLE = r"-?(?:0|[1-9][0-9]{0,17}+)"
_DAY_LENGTH = len("2011-01-31")
#: what no field holds that was read from a file
_MISLEADING = re.compile(f"[{RECORD_END}\ud800-\udfff]")


def fields_reader_of(
    column: Column, planned: PlannedColumn, form: DelimitedForm, nulls: frozenset[str]
) -> FieldsReader:
    """Return the reader of a column's fields; it agrees with `field_reader_of`, and is faster.

    Raises InvalidContractError where a rule of the column cannot be read.
    """
    is_text = column.type is ColumnType.STRING
    read = _texts(column, planned) if is_text else _typed(column, planned)
    texts_of = plain_texts(form, nulls) if is_text else _typed_texts(form, nulls)
    nullable = column.nullable

    def read_fields(fields: Sequence[str]) -> tuple[Sequence[Value], set[int]]:
        values, faulty = read(texts_of(fields))
        if not nullable and None in values:
            faulty |= {place for place, value in enumerate(values) if value is None}
        return values, faulty

    return read_fields


def reads_all(planned: PlannedColumn, texts: Sequence[str]) -> bool:
    """Tell whether each field, without quotes, is null in the column or one of its values."""
    if _MISLEADING.search("".join(texts)):
        return all(reads_each(planned, texts))
    column = planned.column
    read = _texts if column.type is ColumnType.STRING else _typed
    _, faulty = read(column, planned)(texts)
    return not faulty


def plain_texts(
    form: DelimitedForm, nulls: frozenset[str]
) -> Callable[[Sequence[str]], Sequence[str | None]]:
    """Return what takes the quotes off texts; null is None, and quoted nothing is empty."""
    unquoted = _unquoted(form)

    def texts_of(fields: Sequence[str]) -> Sequence[str | None]:
        texts: Sequence[str | None] = unquoted(fields)
        if "" in fields:
            texts = [text if field else None for text, field in zip(texts, fields, strict=True)]
        if nulls:
            return [None if text is None or text.strip() in nulls else text for text in texts]
        return texts

    return texts_of


def _typed_texts(
    form: DelimitedForm, nulls: frozenset[str]
) -> Callable[[Sequence[str]], Sequence[str]]:
    """Return what takes the quotes off typed values; null is empty."""
    unquoted = _unquoted(form)
    if not nulls:
        return unquoted
    return lambda fields: ["" if text.strip() in nulls else text for text in unquoted(fields)]


def _unquoted(form: DelimitedForm) -> Callable[[Sequence[str]], Sequence[str]]:
    """Return what takes the quotes off fields of which none holds RECORD_END."""
    quote, escape = form.quote.decode(), form.escape.decode()
    between = f"{quote}{RECORD_END}{quote}"

    def text_of(field: str) -> str:
        return form.unquoted(field[1:-1]) if field[:1] == quote else field

    def texts_of(fields: Sequence[str]) -> Sequence[str]:
        joined = RECORD_END.join(fields)
        if not quote or quote not in joined:
            return fields
        if escape and escape in joined:
            return list(map(text_of, fields))
        ends = 2 * len(fields)
        if joined[0] == quote and joined.count(quote) == ends == 2 * joined.count(between) + 2:
            return joined[1:-1].split(between)  # each is quoted, and holds no quote
        if quote * 2 in joined:
            return list(map(text_of, fields))
        return [field[1:-1] if field[:1] == quote else field for field in fields]

    return texts_of


def _texts(column: Column, planned: PlannedColumn) -> Callable[..., tuple[list[Value], set[int]]]:
    careful = _by_distinct_value(field_reader_of(column, planned))
    may_skip = rule_of(column) is None

    def read(texts: Sequence[str | None]) -> tuple[Sequence[Value], set[int]]:
        there = [text for text in texts if text is not None] if None in texts else texts
        longest = max(map(len, there), default=0)  # type: ignore[arg-type]  # none is None
        if may_skip and longest <= column.max_length and not _holds_nul(there):
            return texts, set()
        return careful(texts)

    return read  # type: ignore[return-value]


def _holds_nul(texts: Iterable[str | None]) -> bool:
    return "\0" in "".join(texts)  # type: ignore[arg-type]  # none is None


def _typed(column: Column, planned: PlannedColumn) -> Callable[..., tuple[list[Value], set[int]]]:
    careful = _by_distinct_value(field_reader_of(column, planned))
    usual = _usual(column, planned)
    if usual is None or rule_of(column) is not None:
        return lambda texts: careful([text.strip() or None for text in texts])
    form = re.compile(rf"(?:(?:{usual[0]})?+{RECORD_END})*+")
    convert = usual[1]

    def read_usual(texts: Sequence[str]) -> list[Value] | None:
        joined = RECORD_END.join(texts) + RECORD_END
        if form.fullmatch(joined):
            with suppress(ValueError):
                return convert(texts)
        return None

    def read(texts: Sequence[str]) -> tuple[list[Value], set[int]]:
        values = read_usual(texts)
        if values is None:
            texts = list(map(str.strip, texts))
            values = read_usual(texts)
        return careful([text or None for text in texts]) if values is None else (values, set())

    return read


def _by_distinct_value(read: FieldReader) -> Callable[..., tuple[list[Value], set[int]]]:
    """Read each distinct text by the careful reader."""

    def read_all(texts: Sequence[str | None]) -> tuple[list[Value], set[int]]:
        values: dict[str | None, Value] = {None: None}
        for text in set(texts):
            if text is not None:
                with suppress(ValueFault):
                    values[text] = read(text)
        faulty = {place for place, text in enumerate(texts) if text not in values}
        return [values.get(text) for text in texts], faulty

    return read_all


def _usual(column: Column, planned: PlannedColumn) -> tuple[str, Converter] | None:
    """Return the usual form of the type's values and what converts them, or None."""
    if column.type is ColumnType.DECIMAL and planned.decimal_mark == ".":
        return usual_decimal(column), lambda texts: [text or None for text in texts]
    if planned.date_format or (planned.decimal_mark != "." and column.type is ColumnType.FLOAT):
        return None
    return _USUAL.get(column.type)


def usual_decimal(column: Column) -> str:
    """Return the form of decimals that lose nothing in the column and need no rewriting."""
    if column.precision == 0:
        return rf"{_WHOLE}(?:\.[0-9]{{1,300}}+)?+"
    before = column.precision - column.scale
    whole = rf"(?:0|[1-9][0-9]{{0,{before - 1}}}+)" if before > 0 else "0"
    return rf"-?{whole}(?:\.[0-9]{{1,{column.scale}}}+)?+" if column.scale else rf"-?{whole}"


def _integers(texts: Sequence[str]) -> list[Value]:
    return [int(text) if text else None for text in texts] if "" in texts else [*map(int, texts)]


def _floats(texts: Sequence[str]) -> list[Value]:
    return [float(text) if text else None for text in texts]


def _moments(texts: Sequence[str]) -> list[Value]:
    _check_days(texts)
    return [f"{text[:_DAY_LENGTH]}T{text[11:]}" if text else None for text in texts]


def _check_days(texts: Sequence[str]) -> None:
    """Raise ValueError for a day that no calendar has."""
    for day in {text[:_DAY_LENGTH] for text in texts if text}:
        date_text(day)


def _instants(texts: Sequence[str]) -> list[Value]:
    return [f"{moment[:-1]}Z" if isinstance(moment, str) else None for moment in _moments(texts)]


def _days(texts: Sequence[str]) -> list[Value]:
    _check_days(texts)
    return [text or None for text in texts]


def _uuids(texts: Sequence[str]) -> list[Value]:
    return [text.lower() or None for text in texts]


_SECONDS = TIME_FORM[: TIME_FORM.index(r"(?:\.")]
_HEX = "[0-9a-fA-F]"
_USUAL: dict[ColumnType, tuple[str, Converter]] = {
    ColumnType.INTEGER: (_WHOLE, _integers),
    ColumnType.FLOAT: (rf"{_WHOLE}(?:\.[0-9]{{1,20}}+)?+(?:[eE][+-]?[0-9]{{1,2}}+)?+", _floats),
    ColumnType.DATE: (DATE_FORM, _days),
    ColumnType.DATETIME: (rf"{DATE_FORM}[Tt ]{_SECONDS}", _moments),
    ColumnType.TIMESTAMP: (rf"{DATE_FORM}[Tt ]{_SECONDS}[Zz]", _instants),
    ColumnType.UUID: (rf"{_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}}", _uuids),
}
