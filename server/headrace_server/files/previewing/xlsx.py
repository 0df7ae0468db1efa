"""Previews of XLSX workbooks."""

import zipfile
import zlib
from collections.abc import Sequence
from typing import BinaryIO

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetVisibleEnum

from headrace_server.files.formats import Compression
from headrace_server.files.previewing.delimited import preview_column
from headrace_server.files.previewing.request import (
    MOST_PLAIN_BYTES,
    MOST_RATIO,
    OpenedFile,
    PreviewRequest,
)
from headrace_server.files.previewing.shown import ShownRows, shown_value
from headrace_server.files.previewing.xlsx_cells import check_cells
from headrace_server.files.sniffing.columns import check_columns, unique_names
from headrace_server.files.sniffing.containers import FileFormat
from headrace_server.files.sniffing.headers import Layout, sniff_layout
from headrace_server.files.sniffing.kinds import column_of_values
from headrace_server.files.sniffing.records import Record
from headrace_server.model.errors import FieldViolation, InvalidFieldError, TooLargeError
from headrace_server.model.preview import Preview

#: rows of a sheet that types are told by
_TYPED_ROWS = 10_000
_MOST_RATIO_JUDGED_FROM = 16 << 20
#: what a zip file holds that is a workbook of XLSB or ODS
_OTHERS = frozenset({"xl/workbook.bin", "content.xml"})
#: what reading a zip file may meet: RuntimeError where it is encrypted
_DAMAGES = (zipfile.BadZipFile, RuntimeError, OSError, ValueError, EOFError, zlib.error)


def preview_xlsx(
    opened: OpenedFile, plain: BinaryIO, compression: Compression, request: PreviewRequest
) -> Preview:
    """Show a sheet of a workbook, the first visible one that is not empty unless one is named.

    Raises InvalidFieldError for a damaged workbook and an unknown sheet, TooLargeError for one that
    unpacks to more than is read.
    """
    check_zip(plain, MOST_PLAIN_BYTES)
    plain.seek(0)
    try:
        book = CalamineWorkbook.from_filelike(plain)
        sheet = sheet_of(book, request.sheet)
        total = height_of(sheet)
        check_columns(sheet.width)
        grid = sheet.to_python(skip_empty_area=False, nrows=max(_TYPED_ROWS, request.limit + 100))
    except (CalamineError, OSError, ValueError) as error:
        raise InvalidFieldError.of("file", f"is a damaged workbook: {error}") from error
    rows, places = filled_rows(grid)
    texts = [record_of(row, place) for row, place in zip(rows, places, strict=True)]
    layout = _layout(texts, request)
    body = rows[layout.body :]
    names = unique_names(layout.names, max(map(len, rows), default=0))
    columns = [
        column_of_values(name, (row[place] for row in body if row[place] not in (None, "")))
        for place, name in enumerate(names)
    ]
    shown = ShownRows(request.limit)
    shown.add_all([None if each == "" else shown_value(each) for each in row] for row in body)
    return Preview(
        file_name=request.file_name,
        file_size_bytes=opened.size,
        format=FileFormat.XLSX.value,
        compression=None if compression is Compression.NONE else compression.value,
        columns=tuple(map(preview_column, columns)),
        rows=tuple(shown.rows),
        estimated_total_rows=len(body) + max(total - len(grid), 0),
        rows_are_exact=total <= len(grid),
        confidences={"format": 1.0, "header": layout.has_header.confidence},
        sample_bytes=0,
        has_header=layout.has_header.value,
        preamble_rows=texts[layout.start].first_line if texts else 0,
        truncated_cells=shown.truncated,
        sheet=sheet.name,
        sheets=tuple(book.sheet_names),
    )


def check_zip(plain: BinaryIO, max_bytes: int) -> None:
    """Raise before anything is unpacked that would not fit: InvalidFieldError or TooLargeError."""
    try:
        with zipfile.ZipFile(plain) as archive:
            _check_sizes(archive, max_bytes)
            if _OTHERS.intersection(archive.namelist()):
                raise InvalidFieldError.of("file", "is a workbook of another kind; save it as XLSX")
            # Any of them may be a sheet.
            for entry in archive.infolist():
                with archive.open(entry) as part:
                    check_cells(part)
    except _DAMAGES as error:
        raise InvalidFieldError.of("file", f"is a damaged workbook: {error}") from error


def _check_sizes(archive: zipfile.ZipFile, max_bytes: int) -> None:
    entries = archive.infolist()
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries) or 1
    bomb = unpacked > _MOST_RATIO_JUDGED_FROM and unpacked > packed * MOST_RATIO
    if unpacked > max_bytes or bomb:
        limit = str(max_bytes)
        raise TooLargeError(
            f"the workbook unpacks to {unpacked} bytes, {unpacked // packed} times its size; taken "
            f"are {limit}, {MOST_RATIO} times",
            limit=limit,
        )


def sheet_of(book: CalamineWorkbook, name: str | None) -> CalamineSheet:
    """Return the sheet of that name, else the first visible one that is not empty.

    Raises InvalidFieldError where there is none.
    """
    if name is not None:
        if name not in book.sheet_names:
            known = ", ".join(book.sheet_names)
            message = f"sheet: the workbook has no sheet {name!r}; it has {known}"
            raise InvalidFieldError(message, FieldViolation("sheet", message), known=known)
        return book.get_sheet_by_name(name)
    visible = [
        each.name for each in book.sheets_metadata if each.visible is SheetVisibleEnum.Visible
    ]
    sheets = (book.get_sheet_by_name(each) for each in visible or book.sheet_names)
    first = next(sheets, None)
    if first is None:
        raise InvalidFieldError.of("file", "is a workbook without sheets")
    if height_of(first):
        return first
    return next((sheet for sheet in sheets if height_of(sheet)), first)


def height_of(sheet: CalamineSheet) -> int:
    """Rows of a sheet from its first to the last that holds anything."""
    return sheet.end[0] + 1 if sheet.end is not None and sheet.height else 0


def filled_rows(grid: Sequence[Sequence[object]]) -> tuple[list[list[object]], list[int]]:
    """Leave out the rows without a value; return the others and their places."""
    found = [
        (list(map(_whole, row)), place)
        for place, row in enumerate(grid)
        if any(value not in (None, "") for value in row)
    ]
    return [row for row, _ in found], [place for _, place in found]


def _whole(value: object) -> object:
    """A workbook knows floats only: those that are whole are integers."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def record_of(row: list[object], place: int) -> Record:
    """Return a row as text."""
    record = Record(place)
    record.extend("" if value is None else str(value) for value in row)
    return record


def _layout(texts: list[Record], request: PreviewRequest) -> Layout:
    start = None
    if request.given.skip_lines is not None:
        skip = request.given.skip_lines
        start = next((n for n, each in enumerate(texts) if each.first_line >= skip), 0)
    return sniff_layout(texts, has_header=request.given.has_header, start=start)
