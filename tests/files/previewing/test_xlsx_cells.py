"""How far cells of a sheet spread."""

import io

import pytest

from headrace_server.files.previewing.xlsx_cells import check_cells
from headrace_server.model.errors import TooLargeError

FAR = '<row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
FIRST = '<row r="1"><c r="A1"><v>1</v></c></row>'


def check(sheet: str) -> None:
    check_cells(io.BytesIO(f"<worksheet><sheetData>{sheet}</sheetData></worksheet>".encode()))


@pytest.mark.parametrize(
    "sheet",
    [
        "",
        FIRST,
        # Styled, and empty.
        FIRST + '<row r="1048576"><c s="1" r="XFD1048576"/></row>',
        FIRST + '<row r="1048576" spans="1:9"/>',
        "<row><c><v>1</v></c><c><v>2</v></c></row>" * 30_000,
        '<row r="5"><c><v>1</v></c><c><v>2</v></c></row>' * 30_000,
        "".join(f'<row r="{n}"><c r="GR{n}"><v>1</v></c></row>' for n in range(1, 80_000)),
        # Cut anywhere into blocks.
        f'<row r="2"><c r="A2" t="inlineStr"><is><t>{"<v/>" * 600_000}</t></is></c></row>',
    ],
)
def test_what_stands_together_is_taken(sheet: str) -> None:
    check(sheet)


@pytest.mark.parametrize(
    "sheet",
    [
        FIRST + FAR,
        FIRST + FAR.lower(),
        FIRST + FAR.replace('"', "'"),
        FIRST + FAR.replace('r="XFD', 'x="/>" r = "XFD'),
        FIRST + FAR.replace('r="XFD1048576"', 'r="XFD00000000000001048576" t="n"'),
        FIRST + FAR.replace("<c", "<x:c").replace("<row", "<x:row"),
        '<row r="1">' + "<c><v>1</v></c>" * 9000 + '</row><row r="1048576"><c><v>1</v></c></row>',
        f'<row r="{"9" * 5000}"><c r="{"Z" * 5000}{"9" * 5000}"><v/></c></row>',
        "<!--" + "x" * (2 << 20) + "-->" + FIRST + FAR,
    ],
)
def test_what_stands_far_from_all_others_is_refused(sheet: str) -> None:
    with pytest.raises(TooLargeError, match="a sheet of the workbook spreads"):
        check(sheet)
