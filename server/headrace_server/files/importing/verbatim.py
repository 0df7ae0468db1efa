"""Ranges of delimited text whose rows PostgreSQL may read as they are.

COPY reads CSV as we do where no field is quoted and every value has the form that its type is
written in. One pattern tells, in one pass and without going back; days that no month has, and
bytes that are no UTF-8, are left to the database, which then refuses the rows.
"""

import mmap
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import re2

from headrace_server.files.chunks import ChunkRange
from headrace_server.files.importing.plan import FilePlan, PlannedColumn
from headrace_server.model.contract import Column, ColumnType, Table

_WHOLE = r"(?:0|-?[1-9][0-9]{0,17})"
_MONTH_AND_DAY = r"(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_DAY = rf"[0-9]{{4}}-{_MONTH_AND_DAY}"
#: of years that are no first or last one in any zone
_DAY_OF_INSTANTS = rf"[12][0-9]{{3}}-{_MONTH_AND_DAY}"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
_HEX = r"[0-9a-fA-F]"
_FORMS = {
    ColumnType.INTEGER: _WHOLE,
    # At most 15 digits, which 64 bits keep.
    ColumnType.FLOAT: r"-?(?:0|[1-9][0-9]{0,6})(?:\.[0-9]{1,8})?",
    ColumnType.BOOLEAN: r"(?i:true|false)",
    ColumnType.DATE: _DAY,
    ColumnType.DATETIME: rf"{_DAY}[ T]{_CLOCK}",
    # Without an offset it would be of the session's zone.
    ColumnType.TIMESTAMP: rf"{_DAY_OF_INSTANTS}[ T]{_CLOCK}(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])",
    ColumnType.TIME: _CLOCK,
    ColumnType.UUID: rf"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}",
}
#: digits of a number without bounds, on either side of the point
_MOST_DIGITS = 400
#: times that the engine repeats a part at most
_MOST_REPEATED = 1000
#: the text that ends the data of a COPY where it is a line of its own
_END = b"\\."
#: bytes in which the first line is looked for at first
_FIRST_BYTES = 4096
#: bytes that the engine may keep its states in
_MEMORY = 64 << 20
#: characters of PostgreSQL's longest VARCHAR; longer columns are TEXT
LONGEST_VARCHAR = 10_485_760


class Verbatim(NamedTuple):
    """Records that COPY may read as they are."""

    rows: int
    #: whether a backslash stands among them
    backslashes: bool


def verbatim_rows(path: Path, chunk: ChunkRange, table: Table, plan: FilePlan) -> Verbatim | None:
    """Count the records of a range, where COPY would read them as they are; else None.

    Then `COPY table (the file's columns) FROM STDIN (FORMAT csv, DELIMITER ..., NULL '')` of its
    bytes gives the rows that `parse_delimited` gives, or refuses them all.
    """
    columns = _columns(table, plan)
    if columns is None or not plan.delimiter or not plan.delimiter.isascii():
        return None
    if path.stat().st_size < chunk.byte_offset + chunk.byte_length:
        return None
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped,
        memoryview(mapped) as whole,
        whole[chunk.byte_offset : chunk.byte_offset + chunk.byte_length] as data,
    ):
        line_end = _line_end(data)
        ended = bytes(data[-len(line_end) :]) == line_end
        form = _Form(columns, plan.delimiter, plan.quote or '"', line_end, ended)
        if _matches(form, data):
            return Verbatim(chunk.lines + (not ended), backslashes=False)
        if _matches(form._replace(backslashes=True), data) and _END not in bytes(data):
            return Verbatim(chunk.lines + (not ended), backslashes=True)
    return None


class _Form(NamedTuple):
    """What nothing but records of the form is told by."""

    columns: tuple[Column, ...]
    delimiter: str
    quote: str
    line_end: bytes
    #: whether a line's end is the last there is
    ended: bool
    #: whether texts may hold them
    backslashes: bool = False


def _line_end(data: memoryview) -> bytes:
    """What ends the first line."""
    for size in (_FIRST_BYTES, len(data)):
        line, end, _ = bytes(data[:size]).partition(b"\n")
        if end:
            return b"\r\n" if line.endswith(b"\r") else b"\n"
    return b"\n"


def _matches(form: _Form, data: memoryview) -> bool:
    pattern = _pattern(form)
    return pattern is not None and bool(pattern.fullmatch(data))


def _columns(table: Table, plan: FilePlan) -> tuple[Column, ...] | None:
    """The table's columns in the order of the file; None where values are to be changed."""
    if plan.comment or plan.null_values:
        return None
    by_name = {column.name: column for column in table.columns}
    columns = tuple(by_name[each.name] for each in plan.columns if each.name in by_name)
    fits = len(columns) == len(plan.columns) and all(map(_stays, columns, plan.columns))
    return columns if fits else None


def _stays(column: Column, planned: PlannedColumn) -> bool:
    """Whether the database reads values of the column just as we do."""
    if column.type is ColumnType.STRING:
        return True
    known = column.type in _FORMS or column.type is ColumnType.DECIMAL
    return known and not planned.date_format and planned.decimal_mark == "."


@lru_cache(maxsize=64)
def _pattern(form: _Form) -> Any:
    """Match a range of nothing but records of the form; None where these are too many for it."""
    columns, delimiter = form.columns, form.delimiter
    others = re.escape(delimiter + form.quote + '"' + ("" if form.backslashes else "\\"))
    text = rf"[^{others}\r\n\x00]"
    # A line without anything is one null, or no record.
    alone = len(columns) == 1
    fields = [_field(column, text, required=alone) for column in columns]
    record = re.escape(delimiter).join(fields).encode()
    records = rb"(?:" + record + form.line_end + rb")*"
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.never_capture = True
    options.max_mem = _MEMORY
    options.log_errors = False
    try:
        return re2.compile(records if form.ended else records + record, options)
    except re2.error:
        return None


def _field(column: Column, text: str, *, required: bool) -> str:
    if column.type is ColumnType.STRING:
        # A line of spaces alone is no record.
        first = rf"{text[:-1]}\t\v\f ]" if required else ""
        if column.max_length > LONGEST_VARCHAR:
            return rf"{first}{text}*"
        # Bytes, which are at least as many as characters: VARCHAR(n) cuts spaces that are too many.
        most = min(column.max_length, _MOST_REPEATED) - required
        return rf"{first}{text}{{0,{most}}}"
    form = _decimal(column) if column.type is ColumnType.DECIMAL else _FORMS[column.type]
    return form if required else rf"(?:{form})?"


def _decimal(column: Column) -> str:
    if not column.precision:
        whole, scale = _MOST_DIGITS, _MOST_DIGITS
    else:
        whole, scale = column.precision - column.scale, column.scale
    digits = rf"(?:0|[1-9][0-9]{{0,{whole - 1}}})" if whole > 0 else "0"
    return rf"-?{digits}(?:\.[0-9]{{1,{scale}}})?" if scale else rf"-?{digits}"
