"""Plain lines of JSON to typed rows and rejects, as a plan names and types their keys."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from headrace_server.files.chunks import ChunkRange
from headrace_server.files.importing.fields import field_reader_of
from headrace_server.files.importing.json_text import json_text
from headrace_server.files.importing.plan import FilePlan, PlannedColumn
from headrace_server.files.ndjson import RowParser
from headrace_server.files.records import MAX_LINE_BYTES, LineBlock, raw_text, read_records
from headrace_server.files.value_fault import ValueFault
from headrace_server.files.values import reader_of
from headrace_server.model.contract import Column, ColumnType, Table
from headrace_server.model.rows import RejectedLine, RejectReason, RowBlock, Value

#: types whose values are read as those of delimited text are, where they are strings
_LOOSE = frozenset({ColumnType.STRING, ColumnType.DATETIME, ColumnType.TIMESTAMP, ColumnType.TIME})

_NUMBERS = frozenset({ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.FLOAT})

_RawReader = Callable[[str], Value]
"""Takes the JSON text of a value that is not null; raises ValueFault."""


def parse_objects(
    path: Path,
    chunk: ChunkRange,
    table: Table,
    plan: FilePlan,
    max_line_bytes: int = MAX_LINE_BYTES,
) -> Iterator[tuple[RowBlock, list[RejectedLine]]]:
    """Parse a range of plain lines of JSON block by block, in bounded memory and in its order.

    Keys and columns of the table belong together as the plan says. A text takes any value: of one
    that is no string its JSON. Raises InvalidContractError, and StorageUnavailableError where the
    file ends early.
    """
    parser = ObjectParser(table, plan)
    for block in read_records(path, chunk, max_line_bytes):
        yield parser.parse_block(block)


@dataclass(frozen=True, slots=True)
class _Loose:
    """A column that is parsed as JSON and converted afterwards."""

    place: int
    column: Column
    read: _RawReader


class ObjectParser:
    """Parses lines into rows of one table, and says what is wrong with the others."""

    def __init__(self, table: Table, plan: FilePlan) -> None:
        """Raises InvalidContractError where a bound or pattern of a column cannot be read."""
        by_name = {planned.name: planned for planned in plan.columns}
        nulls = frozenset(plan.null_values)
        taken = {planned.source for planned in plan.columns}
        self._loose: list[_Loose] = []
        self._names: dict[str, str] = {}
        keyed = []
        for place, column in enumerate(table.columns):
            planned = by_name.get(column.name)
            key = planned.source if planned else column.name
            if planned is None and key in taken:
                key = f"{key} of {table.name}"  # the file calls another column so
            self._names[key] = column.name
            if nulls or column.type in _LOOSE or (planned and planned.given):
                read = raw_reader_of(column, planned or _unplanned(column), nulls)
                self._loose.append(_Loose(place, column, read))
                keyed.append(Column(key, ColumnType.JSON, nullable=column.nullable))
            else:
                keyed.append(replace(column, name=key))
        rescue = next(
            (key for key, name in self._names.items() if name == table.rescue_column), None
        )
        self._parser = RowParser(replace(table, columns=tuple(keyed), rescue_column=rescue))

    def parse_block(self, block: LineBlock) -> tuple[RowBlock, list[RejectedLine]]:
        """Parse the lines of one block: valid rows by column, and one reject a bad line."""
        rows, rejects = self._parser.parse_block(block)
        found = [self._renamed(reject) for reject in rejects]
        if not self._loose or not rows.lines:
            return rows, found
        columns = list(rows.columns)
        faults: dict[int, tuple[Column, ValueFault]] = {}
        for loose in self._loose:
            columns[loose.place] = _converted(loose, columns[loose.place], faults)
        if not faults:
            return RowBlock(rows.lines, rows.byte_offsets, columns), found
        found += [_reject(block, rows, place, *faults[place]) for place in sorted(faults)]
        kept = [place for place in range(len(rows.lines)) if place not in faults]
        return _picked(rows, columns, kept), sorted(found, key=lambda reject: reject.line)

    def _renamed(self, reject: RejectedLine) -> RejectedLine:
        if reject.column is None or reject.reason is RejectReason.UNKNOWN_COLUMN:
            return reject
        return replace(reject, column=self._names.get(reject.column, reject.column))


def _unplanned(column: Column) -> PlannedColumn:
    return PlannedColumn(column.name, 0, column.name, "TEXT")


def raw_reader_of(column: Column, planned: PlannedColumn, nulls: frozenset[str]) -> _RawReader:
    """Return the reader of a column's values in JSON, of which some strings stand for null.

    Where the type was given, strings are read as fields are, and 0 and 1 may be booleans.
    """
    read = reader_of(column)
    is_text, is_json = (column.type is each for each in (ColumnType.STRING, ColumnType.JSON))
    as_field = column.type in _LOOSE or (planned.given and not is_json)
    read_field = field_reader_of(column, planned) if as_field else None
    takes_any = is_text or column.type is ColumnType.BOOLEAN

    def read_raw(raw: str) -> Value:
        text = json.loads(raw) if raw[0] == '"' else None
        if text is not None and text.strip() in nulls:
            _require_nullable(column)
            return None
        if read_field and (text is not None or takes_any):
            field = raw if text is None else text
            return read_field(field if is_text else field.strip())
        return read(raw, text)

    return read_raw


def _require_nullable(column: Column) -> None:
    if not column.nullable:
        message = f"{column.name} is required; found what stands for null"
        raise ValueFault(RejectReason.NULL_VALUE, message)


def holds(planned: PlannedColumn, rows: Sequence[dict[str, Any]], nulls: frozenset[str]) -> bool:
    """Tell whether a column takes its values in all rows."""
    read = raw_reader_of(planned.column, planned, nulls)
    # Quoted digits are text, unless somebody says otherwise.
    takes_texts = planned.given or planned.column.type not in _NUMBERS
    try:
        for row in rows:
            value = row.get(planned.source)
            if isinstance(value, str) and value.strip() not in nulls and not takes_texts:
                return False
            if value is not None:
                # What is nested too deeply for us is rejected, and counts for nothing.
                with suppress(RecursionError):
                    read(json_text(value))
    except ValueFault:
        return False
    return True


def _converted(
    loose: _Loose, raws: Sequence[Value], faults: dict[int, tuple[Column, ValueFault]]
) -> Sequence[Value]:
    """Read each distinct value; the first fault of a row is noted."""
    values: dict[Value, Value] = {None: None}
    refused: dict[Value, ValueFault] = {}
    for raw in set(raws):
        if isinstance(raw, str):
            try:
                values[raw] = loose.read(raw)
            except ValueFault as fault:
                refused[raw] = fault
    if refused:
        for place, raw in enumerate(raws):
            if raw in refused:
                faults.setdefault(place, (loose.column, refused[raw]))
    return [values.get(raw) for raw in raws]


def _picked(rows: RowBlock, columns: Sequence[Sequence[Value]], kept: Sequence[int]) -> RowBlock:
    return RowBlock(
        [rows.lines[place] for place in kept],
        [rows.byte_offsets[place] for place in kept],
        [[column[place] for place in kept] for column in columns],
    )


def _reject(
    block: LineBlock, rows: RowBlock, place: int, column: Column, fault: ValueFault
) -> RejectedLine:
    # Of rejects that are read again, lines do not follow each other.
    raw = block.raws[block.lines.index(rows.lines[place])]
    return RejectedLine(
        line=rows.lines[place],
        byte_offset=rows.byte_offsets[place],
        column=column.name,
        reason=fault.reason,
        message=fault.message,
        raw=raw_text(raw.removesuffix(b"\r")),
    )
