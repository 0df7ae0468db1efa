"""Sheets of XLSX workbooks: understood, and made plain."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import BinaryIO

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from headrace_server.files.formats import Compression
from headrace_server.files.importing.json_text import json_text
from headrace_server.files.importing.plain_text import Writer
from headrace_server.files.importing.plan import NO_PLACE, FilePlan
from headrace_server.files.importing.understanding_objects import planned_objects
from headrace_server.files.previewing.xlsx import check_zip, record_of, sheet_of
from headrace_server.files.sniffing.columns import check_columns, unique_names
from headrace_server.files.sniffing.headers import Layout, sniff_layout
from headrace_server.files.sniffing.records import Record
from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.file_import import ImportOptions

#: bytes that a workbook may unpack to
MOST_BYTES = 1 << 30
#: rows of a sheet that types are told by
_TYPED_ROWS = 10_000
#: beyond it not every integer is a float
_EXACT = 2**53

_Row = Sequence[object]


def understand_workbook(
    file: BinaryIO, compression: Compression, options: ImportOptions
) -> FilePlan:
    """Plan a sheet, the first visible one that is not empty unless one is named.

    Raises InvalidFieldError for a damaged workbook and an unknown sheet, TooLargeError.
    """
    with _opened(file, options.sheet) as sheet:
        check_columns(sheet.width)
        grid = list(islice(_rows(sheet), _TYPED_ROWS))
        name = sheet.name
    filled = [(row, place) for place, row in enumerate(grid) if _is_filled(row)]
    texts = [record_of(list(row), place) for row, place in filled]
    layout = _layout(texts, options)
    body = filled[layout.body :]
    names = unique_names(layout.names, max((len(row) for row, _ in filled), default=0))
    used = _used(names, [row for row, _ in body], named=len(layout.names))
    plan = FilePlan(
        format="xlsx",
        compression=compression,
        columns=(),
        has_header=layout.has_header.value,
        first_line=body[0][1] + 1 if body else len(grid) + 1,
        sheet=name,
        null_values=options.null_values,
        infers_types=options.infer_schema,
    )
    rows = [dict(zip(names, row, strict=False)) for row, _ in body]
    return planned_objects(plan, used, rows, options)


def write_sheet(source: BinaryIO, target: Writer, plan: FilePlan) -> None:
    """Write each row of the sheet as a line, empty where it is no record.

    Raises InvalidFieldError for a damaged workbook.
    """
    for line in _lines(source, plan):
        target.write(line)


def _lines(source: BinaryIO, plan: FilePlan) -> Iterator[bytes]:
    known = [column.source for column in plan.columns if column.place != NO_PLACE]
    with _opened(source, plan.sheet) as sheet:
        # Cells right of the columns that are known are of new ones.
        names = unique_names(known, max(sheet.width, len(known)))
        for line, row in enumerate(_rows(sheet), 1):
            yield _line_of(names, row) if line >= plan.first_line else b"\n"


def _line_of(names: Sequence[str], row: _Row) -> bytes:
    cells = zip(names, row, strict=False)
    pairs = [f"{json_text(name)}:{json_text(value)}" for name, value in cells if value is not None]
    return f"{{{','.join(pairs)}}}\n".encode() if pairs else b"\n"


@contextmanager
def _opened(file: BinaryIO, name: str | None) -> Iterator[CalamineSheet]:
    check_zip(file, MOST_BYTES)
    file.seek(0)
    try:
        yield sheet_of(CalamineWorkbook.from_filelike(file), name)
    except (CalamineError, OSError) as error:
        raise InvalidFieldError.of("file", f"is a damaged workbook: {error}") from error


def _rows(sheet: CalamineSheet) -> Iterator[_Row]:
    """Each row of the sheet, from its first; cells with nothing or an error are None."""
    for row in sheet.iter_rows():
        yield [_present(value) for value in row]


def _present(value: object) -> object:
    """A workbook knows floats only: those that are whole are integers."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
        return int(value)
    return None if value == "" else value


def _is_filled(row: _Row) -> bool:
    return any(value is not None for value in row)


def _layout(texts: list[Record], options: ImportOptions) -> Layout:
    start = None
    if options.skip_lines is not None:
        skip = options.skip_lines
        start = next((n for n, each in enumerate(texts) if each.first_line >= skip), 0)
    return sniff_layout(texts, has_header=options.has_header, start=start)


def _used(names: Sequence[str], body: Sequence[_Row], *, named: int) -> Sequence[str]:
    """The names of the columns up to the last that has a name or a value."""
    valued = (place + 1 for row in body for place, value in enumerate(row) if value is not None)
    return names[: max(named, max(valued, default=0))]
