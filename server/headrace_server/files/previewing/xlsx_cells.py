"""How far the cells of a workbook spread, told before a library lays out all between them.

It takes memory for each cell from the first to the last of a sheet, so that two of them, in a file
of a few hundred bytes, may stand for 17 thousand million.
"""

import re
from collections.abc import Iterator
from typing import IO

from headrace_server.model.errors import TooLargeError

#: cells that any sheet may spread over, those for each that is written, and those of the largest
MOST_SPARSE, _SPREAD, MOST_CELLS = 16 << 20, 25, 64 << 20
_BLOCK_BYTES = 1 << 20
#: of a tag that is cut at the end of a block, at most
_TAG_BYTES = 64 << 10
#: of a number or the letters of a column, which have fewer
_MOST_SIGNS = 10
_CELL = re.compile(rb"[<:]c[\s/>]")
_ROW = re.compile(rb"[<:]row(?=[\s/>])")
#: those of cells without a value are not laid out
_PLACE = re.compile(
    rb"""["'\s]r\s*+=\s*+["']([A-Za-z]++)([0-9]++)["'](\s?/>|\ss="[0-9]{1,9}"\s?/>)?"""
)
_ROW_PLACE = re.compile(rb"""["'\s]r\s*+=\s*+["']([0-9]++)["']""")


def check_cells(part: IO[bytes]) -> None:
    """Raise TooLargeError where the cells of a sheet, unpacked, spread too far. Blocking."""
    extent = _Extent()
    for block in _blocks(part):
        extent.add(block)
    area = extent.height * extent.width
    limit = min(MOST_CELLS, max(MOST_SPARSE, _SPREAD * extent.cells))
    if area > limit:
        raise TooLargeError(
            f"a sheet of the workbook spreads {extent.cells} cells over {area}; taken are {limit}:"
            " delete what stands far from the others",
            limit=str(limit),
        )


def _blocks(part: IO[bytes]) -> Iterator[bytes]:
    """Yield the text in blocks that do not end within a tag."""
    rest = b""
    while block := part.read(_BLOCK_BYTES):
        block = rest + block
        cut = block.rfind(b"<")
        cut = cut if len(block) - _TAG_BYTES < cut else len(block)
        rest = block[cut:]
        yield block[:cut]
    yield rest


class _Extent:
    """The cells of a sheet that have been seen."""

    def __init__(self) -> None:
        #: rows, and cells that are written
        self.height = self.cells = 0
        self._last_column = self._most_placeless = 0
        self._row = self._placeless = 0

    @property
    def width(self) -> int:
        """Columns, at the most: a cell without a place stands behind the one before it."""
        return self._last_column + self._most_placeless

    def add(self, block: bytes) -> None:
        """Count the cells of a block."""
        places = _PLACE.findall(block)
        cells = len(_CELL.findall(block))
        self.cells += cells
        filled = [place for place in places if not place[2]]
        columns = map(_column, {letters for letters, _, _ in filled})
        rows = map(_number, {number for _, number, _ in filled})
        self._last_column = max(self._last_column, *columns, 0)
        self.height = max(self.height, *rows, 0)
        if cells > len(places):
            self._add_placeless(block)

    def _add_placeless(self, block: bytes) -> None:
        """Count those that do not say where they are; the first may go on with a row."""
        for number, row in enumerate(_ROW.split(block)):
            if number:
                place = _ROW_PLACE.search(row)
                self._row = _number(place[1]) if place else max(self._row, self.height) + 1
                self._placeless = 0
            self._placeless += len(_CELL.findall(row))
            if self._placeless:
                self._most_placeless = max(self._most_placeless, self._placeless)
                self.height = max(self.height, self._row)


def _number(digits: bytes) -> int:
    return int(digits.lstrip(b"0")[:_MOST_SIGNS] or b"0")


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper()[:_MOST_SIGNS]:
        number = 26 * number + letter - ord("A") + 1
    return number
