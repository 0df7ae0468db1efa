"""Delimited text to typed rows and rejects."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from headrace_server.files.chunks import ChunkRange
from headrace_server.files.importing.delimited_fields import Field, FieldSplitter
from headrace_server.files.importing.delimited_form import form_of
from headrace_server.files.importing.field_columns import (
    FieldsReader,
    fields_reader_of,
    plain_texts,
)
from headrace_server.files.importing.fields import FieldReader, field_reader_of
from headrace_server.files.importing.plan import FilePlan, PlannedColumn
from headrace_server.files.importing.records import read_blocks
from headrace_server.files.object_reader import RowFault
from headrace_server.files.records import MAX_LINE_BYTES, LineBlock, raw_text
from headrace_server.files.value_fault import ValueFault
from headrace_server.model.contract import Column, ColumnType, Table, UnknownColumns
from headrace_server.model.rows import RejectedLine, RejectReason, RowBlock, Value

_Row = Sequence[Value]


def parse_delimited(
    path: Path,
    chunk: ChunkRange,
    table: Table,
    plan: FilePlan,
    max_record_bytes: int = MAX_LINE_BYTES,
) -> Iterator[tuple[RowBlock, list[RejectedLine]]]:
    """Parse a range of plain delimited text block by block, in bounded memory and in its order.

    Columns of the file and of the table belong together by name. What neither fits nor is null is
    a reject: nothing is rounded, cut or guessed. An empty field is null, a quoted one an empty
    text; blank lines and comments are no records. Raises InvalidContractError, and
    StorageUnavailableError where the file ends early.
    """
    parser = DelimitedParser(table, plan)
    for block in read_blocks(path, chunk, plan, max_record_bytes):
        yield parser.parse_block(block)


@dataclass(frozen=True, slots=True)
class _Filled:
    """A column of the table and where its values are."""

    column: Column
    #: field of a record, from 0; None where the file has no such column
    place: int | None
    read_field: FieldReader
    read_fields: FieldsReader


class DelimitedParser:
    """Parses records into rows of one table, and says what is wrong with the others."""

    def __init__(self, table: Table, plan: FilePlan) -> None:
        """Raises InvalidContractError where a bound or pattern of a column cannot be read."""
        form, nulls = form_of(plan), frozenset(plan.null_values)
        self._nulls = nulls
        self._splitter = FieldSplitter(plan)
        self._plain_texts = plain_texts(form, nulls)
        by_name = {planned.name: planned for planned in plan.columns}
        self._filled: list[_Filled] = []
        for column in table.columns:
            planned = by_name.get(column.name)
            known = planned or PlannedColumn(column.name, 0, column.name, "TEXT")
            readers = field_reader_of(column, known), fields_reader_of(column, known, form, nulls)
            self._filled.append(_Filled(column, planned.place if planned else None, *readers))
        self._rescue = table.rescue_column
        self._rescued = _rescued_columns(table, plan)

    def parse_block(self, block: LineBlock) -> tuple[RowBlock, list[RejectedLine]]:
        """Parse the records of one block: valid rows by column, and one reject a bad record."""
        places = self._splitter.records_of(block.raws)
        regular, fields = self._splitter.split_all(block.raws, places)
        columns, faulty = self._read_columns(fields, len(regular))
        if len(regular) == len(places) and not faulty:
            return _row_block(block, places, columns), list(block.rejects)
        good = [n for n in range(len(regular)) if n not in faulty]
        rows: dict[int, _Row] = dict(
            zip((regular[n] for n in good), _picked_rows(columns, good), strict=True)
        )
        rejects = self._read_one_by_one(block, places, rows)
        in_order = sorted(rows)
        values: Sequence[Sequence[Value]] = [() for _ in columns]
        if rows:
            values = list(zip(*(rows[place] for place in in_order), strict=True))
        return _row_block(block, in_order, values), [*rejects, *block.rejects]

    def _read_columns(
        self, fields: list[Sequence[str]], count: int
    ) -> tuple[list[Sequence[Value]], set[int]]:
        """Read the fields of regular records; rows at fault are told by their places."""
        columns: list[Sequence[Value]] = []
        faulty: set[int] = set()
        for filled in self._filled:
            if self._rescued and filled.column.name == self._rescue:
                values, refused = self._rescue_all(fields, count)
            elif filled.place is not None:
                values, refused = filled.read_fields(fields[filled.place])
            else:
                values = [None] * count
                refused = set() if filled.column.nullable else set(range(count))
            columns.append(values)
            faulty |= refused
        return columns, faulty

    def _rescue_all(
        self, fields: list[Sequence[str]], count: int
    ) -> tuple[Sequence[Value], set[int]]:
        texts = [self._plain_texts(fields[planned.place]) for planned in self._rescued]
        values = [_object_of(self._rescued, row) for row in zip(*texts, strict=True)]
        faulty = {place for place in range(count) if "\\u0000" in (values[place] or "")}
        return values, faulty

    def _read_one_by_one(
        self, block: LineBlock, places: Iterable[int], rows: dict[int, _Row]
    ) -> list[RejectedLine]:
        """Add the rows that are not there yet; return the rejects."""
        rejects = []
        for place in places:
            if place in rows:
                continue
            try:
                rows[place] = self.read(block.raws[place])
            except RowFault as fault:
                rejects.append(_reject(block, place, fault))
        return rejects

    def read(self, raw: bytes) -> list[Value]:
        """Return the values of one record. Raises RowFault for the first column at fault."""
        fields = self._splitter.split(raw)
        return [self._value(filled, fields) for filled in self._filled]

    def _value(self, filled: _Filled, fields: list[Field]) -> Value:
        column = filled.column
        text = self._text_of(filled, fields)
        if text is None:
            if not column.nullable:
                raise _missing(filled)
            return None
        try:
            return filled.read_field(text)
        except ValueFault as fault:
            raise RowFault(column.name, fault.reason, fault.message) from None

    def _text_of(self, filled: _Filled, fields: list[Field]) -> str | None:
        if self._rescued and filled.column.name == self._rescue:
            texts = [self._null_or_text(fields[planned.place]) for planned in self._rescued]
            return _object_of(self._rescued, texts)
        if filled.place is None:
            return None
        text = self._null_or_text(fields[filled.place])
        if text is None or filled.column.type is ColumnType.STRING:
            return text
        return text.strip() or None

    def _null_or_text(self, field: Field) -> str | None:
        is_null = (not field.text and not field.quoted) or field.text.strip() in self._nulls
        return None if is_null else field.text


def _rescued_columns(table: Table, plan: FilePlan) -> list[PlannedColumn]:
    """The columns of the file that the table has not, if they are to be kept."""
    names = {column.name for column in table.columns}
    unknown = [planned for planned in plan.columns if planned.name not in names]
    if table.unknown_columns is not UnknownColumns.RESCUE or not unknown:
        return []
    own = [planned for planned in plan.columns if planned.name == table.rescue_column]
    return [*own, *unknown]


def _object_of(columns: Sequence[PlannedColumn], texts: Iterable[str | None]) -> str | None:
    """Write the values that are there as one JSON object, None where none is."""
    pairs = zip(columns, texts, strict=True)
    kept = {planned.name: text for planned, text in pairs if text is not None}
    return json.dumps(kept, ensure_ascii=False) if kept else None


def _missing(filled: _Filled) -> RowFault:
    name = filled.column.name
    if filled.place is None:
        message = f"{name} is required; the file has no such column"
        return RowFault(name, RejectReason.MISSING_COLUMN, message)
    return RowFault(name, RejectReason.NULL_VALUE, f"{name} is required; found nothing")


def _picked_rows(columns: Sequence[Sequence[Value]], places: Sequence[int]) -> Iterator[_Row]:
    if len(places) == len(columns[0]):
        return zip(*columns, strict=True)
    return zip(*([column[place] for place in places] for column in columns), strict=True)


def _row_block(
    block: LineBlock, places: Sequence[int], columns: Sequence[Sequence[Value]]
) -> RowBlock:
    if len(places) == len(block.raws):
        return RowBlock(block.lines, block.byte_offsets, columns)
    lines = [block.lines[place] for place in places]
    return RowBlock(lines, [block.byte_offsets[place] for place in places], columns)


def _reject(block: LineBlock, place: int, fault: RowFault) -> RejectedLine:
    return RejectedLine(
        line=block.lines[place],
        byte_offset=block.byte_offsets[place],
        column=fault.column,
        reason=fault.reason,
        message=fault.message,
        raw=raw_text(block.raws[place]),
    )
