"""Whole files looked at, range by range, so that their columns hold every value that comes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from headrace_server.files.chunks import ChunkRange
from headrace_server.files.importing.delimited_fields import FieldSplitter
from headrace_server.files.importing.delimited_form import form_of
from headrace_server.files.importing.field_columns import FieldsReader, fields_reader_of
from headrace_server.files.importing.fields import reads
from headrace_server.files.importing.names import table_names
from headrace_server.files.importing.objects import ObjectParser, holds
from headrace_server.files.importing.plan import NO_PLACE, FilePlan, PlannedColumn
from headrace_server.files.importing.records import read_blocks
from headrace_server.files.importing.understanding_objects import planned_objects
from headrace_server.files.importing.widths import narrowest_of_both, widened_until
from headrace_server.files.object_reader import RowFault
from headrace_server.files.previewing.json_text import DECODER, Row
from headrace_server.files.records import MAX_LINE_BYTES, LineBlock, read_records
from headrace_server.files.sniffing.columns import check_columns
from headrace_server.model.contract import Table
from headrace_server.model.file_import import ImportOptions


@dataclass(frozen=True, slots=True)
class Shapes:
    """What the columns of some records are, at the least."""

    #: narrowest SQL type of each column of the plan, in its order
    types: tuple[str, ...]
    #: likewise of keys that the plan has not, by name in the file, as they come
    new: Mapping[str, str] = field(default_factory=dict)


def merge(one: Shapes, other: Shapes) -> Shapes:
    """Return what the records of both are; new keys come in the order of the first."""
    pairs = zip(one.types, other.types, strict=True)
    new = dict(one.new)
    for name, sql_type in other.new.items():
        new[name] = narrowest_of_both(new[name], sql_type) if name in new else sql_type
    return Shapes(tuple(narrowest_of_both(*pair) for pair in pairs), new)


def widened(plan: FilePlan, shapes: Shapes) -> FilePlan:
    """Return the plan with columns that hold what was seen; types that were given stay.

    Raises TooLargeError for too many columns.
    """
    columns = [
        each if each.given else replace(each, sql_type=sql_type)
        for each, sql_type in zip(plan.columns, shapes.types, strict=True)
    ]
    check_columns(len(columns) + len(shapes.new))
    names = table_names([*shapes.new], [each.name for each in columns])
    for (source, sql_type), name in zip(shapes.new.items(), names, strict=True):
        columns.append(PlannedColumn(source, NO_PLACE, name, sql_type))
    return replace(plan, columns=tuple(columns))


def shapes_of(
    path: Path, chunk: ChunkRange, plan: FilePlan, max_record_bytes: int = MAX_LINE_BYTES
) -> Shapes:
    """Look at every value of a range of a plain file. Records that cannot be read do not count."""
    if plan.is_delimited:
        return _delimited(path, chunk, plan, max_record_bytes)
    return _objects(path, chunk, plan, max_record_bytes)


def _delimited(path: Path, chunk: ChunkRange, plan: FilePlan, most: int) -> Shapes:
    splitter, columns = FieldSplitter(plan), list(plan.columns)
    takes = _Takes(plan)
    for block in read_blocks(path, chunk, plan, most):
        places = splitter.records_of(block.raws)
        regular, fields = splitter.split_all(block.raws, places)
        columns = [
            widened_until(column, partial(takes.all, texts))
            for column, texts in zip(columns, fields, strict=True)
        ]
        if len(regular) < len(places):
            known = set(regular)
            others = [block.raws[place] for place in places if place not in known]
            columns = _widened_by_others(columns, splitter, others, frozenset(plan.null_values))
    return Shapes(tuple(column.sql_type for column in columns))


def _widened_by_others(
    columns: list[PlannedColumn],
    splitter: FieldSplitter,
    raws: Iterable[bytes],
    nulls: frozenset[str],
) -> list[PlannedColumn]:
    """Widen by records that are not regular; those that cannot be read count for nothing."""
    for raw in raws:
        with suppress(RowFault):
            fields = [each.text for each in splitter.split(raw)]
            texts = [None if text.strip() in nulls else text for text in fields]
            columns = [
                widened_until(column, partial(reads, text=text))
                for column, text in zip(columns, texts, strict=True)
            ]
    return columns


class _Takes:
    """Tells which columns take which fields."""

    def __init__(self, plan: FilePlan) -> None:
        self._form, self._nulls = form_of(plan), frozenset(plan.null_values)
        self._readers: dict[PlannedColumn, FieldsReader] = {}

    def all(self, fields: Sequence[str], planned: PlannedColumn) -> bool:
        """Tell whether the column takes all of the fields, which come with their quotes."""
        if planned not in self._readers:
            self._readers[planned] = fields_reader_of(
                planned.column, planned, self._form, self._nulls
            )
        _, faulty = self._readers[planned](fields)
        return not faulty


def _objects(path: Path, chunk: ChunkRange, plan: FilePlan, most: int) -> Shapes:
    nulls = frozenset(plan.null_values)
    columns, new = list(plan.columns), dict[str, str]()
    for block in _unlike(path, chunk, plan, most):
        rows = list(_rows(block))
        columns = [
            widened_until(column, partial(holds, rows=rows, nulls=nulls)) for column in columns
        ]
        for name, sql_type in _new_types(plan, rows).items():
            new[name] = narrowest_of_both(new[name], sql_type) if name in new else sql_type
    return Shapes(tuple(column.sql_type for column in columns), new)


def _new_types(plan: FilePlan, rows: Sequence[Row]) -> dict[str, str]:
    """Type the keys that the plan has not."""
    known = {column.source for column in plan.columns}
    names = [
        name for name in dict.fromkeys(key for row in rows for key in row) if name not in known
    ]
    if not names:
        return {}
    options = ImportOptions(null_values=plan.null_values, infer_schema=plan.infers_types)
    planned = planned_objects(plan, names, rows, options)
    return {column.source: column.sql_type for column in planned.columns}


def _unlike(path: Path, chunk: ChunkRange, plan: FilePlan, most: int) -> Iterator[LineBlock]:
    """Read the blocks in which something is not as the plan says."""
    parser = ObjectParser(Table("file", plan.table_columns(), ()), plan)
    for block in read_records(path, chunk, most):
        _, rejects = parser.parse_block(block)
        if rejects:
            yield block


def _rows(block: LineBlock) -> Iterator[Row]:
    for raw in block.raws:
        try:
            value = DECODER.decode(raw.decode()) if raw.strip() else None
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value
