"""Files read as imports read them, and workbooks for that."""

import zipfile
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

from headrace_server.files.formats import Compression
from headrace_server.files.importing.delimited import parse_delimited
from headrace_server.files.importing.objects import parse_objects
from headrace_server.files.importing.plain import is_plain, make_plain
from headrace_server.files.importing.plan import FilePlan, PlannedColumn
from headrace_server.files.importing.records import plan_records
from headrace_server.files.importing.understanding import understand
from headrace_server.files.importing.widening import merge, shapes_of, widened
from headrace_server.model.contract import Table
from headrace_server.model.file_import import ImportOptions
from headrace_server.model.rows import RejectedLine, Value

_MOST = 1 << 30


@dataclass(frozen=True)
class Read:
    """What became of a file."""

    plan: FilePlan
    lines: list[int]
    rows: list[tuple[Value, ...]]
    rejects: list[RejectedLine]

    @property
    def reasons(self) -> list[tuple[int, str | None, str]]:
        """Line, column and reason of each reject, by their lines."""
        told = [(each.line, each.column, each.reason.value) for each in self.rejects]
        return sorted(told, key=lambda each: each[0])


def csv_plan(*types: str, **changes: object) -> FilePlan:
    """Plan columns a, b, c and so on of UTF-8 text."""
    columns = tuple(
        PlannedColumn(chr(97 + place), place, chr(97 + place), each)
        for place, each in enumerate(types)
    )
    known = {"encoding": "utf-8", "delimiter": ",", "quote": '"', **changes}
    return FilePlan("csv", Compression.NONE, columns, **known)  # type: ignore[arg-type]


def parse(
    path: Path, plan: FilePlan, table: Table | None = None, target_bytes: int = 16 << 20
) -> Read:
    """Parse all ranges of a plain file."""
    table = table or Table("t", plan.table_columns(), ())
    parsed = parse_delimited if plan.is_delimited else parse_objects
    read = Read(plan, [], [], [])
    for chunk in plan_records(path, plan, target_bytes):
        for rows, rejects in parsed(path, chunk, table, plan):
            read.lines.extend(rows.lines)
            read.rows.extend(zip(*rows.columns, strict=True))
            read.rejects.extend(rejects)
    return read


def read_file(
    path: Path,
    options: ImportOptions | None = None,
    *,
    widen: bool = False,
    target_bytes: int = 4096,
) -> Read:
    """Understand a file, make it plain, look at all of it where it may be widened, and parse it."""
    plan = understand(path, path.name, options or ImportOptions(), folder=path.parent)
    if not is_plain(plan):
        plain = path.with_name(f"{path.name}.plain")
        make_plain(path, plan, plain, max_ratio=200, max_bytes=_MOST)
        path = plain
    if widen:
        looks = [shapes_of(path, chunk, plan) for chunk in plan_records(path, plan, target_bytes)]
        plan = widened(plan, reduce(merge, looks)) if looks else plan
    return parse(path, plan, target_bytes=target_bytes)


_OFFICE = "http://schemas.openxmlformats.org"
_PARTS = {
    "[Content_Types].xml": (
        f'<Types xmlns="{_OFFICE}/package/2006/content-types">'
        '<Default Extension="rels"'
        ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        '<Override PartName="/xl/workbook.xml" ContentType="application/'
        'vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_OFFICE}/package/2006/relationships"><Relationship Id="r1"'
        f' Type="{_OFFICE}/officeDocument/2006/relationships/officeDocument"'
        ' Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'<workbook xmlns="{_OFFICE}/spreadsheetml/2006/main"'
        f' xmlns:r="{_OFFICE}/officeDocument/2006/relationships"><sheets>'
        '<sheet name="Prices" sheetId="1" r:id="r1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_OFFICE}/package/2006/relationships">'
        f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument/2006/relationships/worksheet"'
        ' Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="r2" Type="{_OFFICE}/officeDocument/2006/relationships/styles"'
        ' Target="styles.xml"/></Relationships>'
    ),
    "xl/styles.xml": (
        f'<styleSheet xmlns="{_OFFICE}/spreadsheetml/2006/main"><cellXfs count="3">'
        '<xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/></cellXfs></styleSheet>'
    ),
}
#: styles of cells that `write_workbook` takes
DAY, MOMENT = 1, 2


def write_workbook(path: Path, rows: dict[int, dict[str, object]]) -> Path:
    """Write a workbook of one sheet: its cells by row, from 1, and column, from A.

    A number with its style is a pair, an error a list of its name.
    """
    sheet = "".join(_row(number, cells) for number, cells in rows.items())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in _PARTS.items():
            archive.writestr(name, f'<?xml version="1.0"?>{part}')
        archive.writestr(
            "xl/worksheets/sheet1.xml",
            f'<?xml version="1.0"?><worksheet xmlns="{_OFFICE}/spreadsheetml/2006/main">'
            f"<sheetData>{sheet}</sheetData></worksheet>",
        )
    return path


def _row(number: int, cells: dict[str, object]) -> str:
    written = "".join(_cell(f"{column}{number}", value) for column, value in cells.items())
    return f'<row r="{number}">{written}</row>'


def _cell(place: str, value: object) -> str:
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, list):
        return f'<c r="{place}" t="e"><v>{value[0]}</v></c>'
    number, style = value if isinstance(value, tuple) else (value, 0)
    return f'<c r="{place}" s="{style}"><v>{number}</v></c>'
