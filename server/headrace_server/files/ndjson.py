"""Lines of JSON to typed rows and rejects."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from re import Pattern
from typing import TypeVar

from headrace_server.files.chunks import ChunkRange
from headrace_server.files.columnar import column_reader_of
from headrace_server.files.json_objects import LineFault, read_object
from headrace_server.files.layouts import Layout, layout_of, pattern_of
from headrace_server.files.object_reader import ObjectReader, RowFault
from headrace_server.files.records import MAX_LINE_BYTES, LineBlock, raw_text, read_records
from headrace_server.model.contract import Table
from headrace_server.model.rows import RejectedLine, RowBlock, Value

_T = TypeVar("_T")

Record = tuple[int, int, bytes]
"""A line: its number in its file from 1, its first byte there, and its bytes without line end."""

_LAYOUTS_PER_BLOCK = 4
_LAYOUTS_KEPT = 64

_Matcher = tuple[Pattern[str], list[int | None]]
_Piece = tuple[Sequence[int], list[Sequence[Value]]]
"""Some rows of a block: their places in it, and their values by column."""


def parse_range(
    path: Path, chunk: ChunkRange, table: Table, max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[tuple[RowBlock, list[RejectedLine]]]:
    """Parse a range of a file block by block, in bounded memory and in the order of the lines."""
    parser = RowParser(table)
    for block in read_records(path, chunk, max_line_bytes):
        yield parser.parse_block(block)


class RowParser:
    """Parses lines into rows of one table, and says what is wrong with the others."""

    def __init__(self, table: Table) -> None:
        """Raises InvalidContractError where a bound or pattern of a column cannot be read."""
        self._table = table
        self._objects = ObjectReader(table)
        self._column_readers = [column_reader_of(column) for column in table.columns]
        self._matchers: dict[Layout, _Matcher | None] = {}

    def parse(self, records: Iterable[Record]) -> tuple[RowBlock, list[RejectedLine]]:
        """Parse all the records as one block: valid rows by column, and one reject a bad line."""
        lines, offsets, raws = [], [], []
        for line, offset, raw in records:
            lines.append(line)
            offsets.append(offset)
            raws.append(raw)
        return self.parse_block(LineBlock(lines, offsets, raws))

    def parse_block(self, block: LineBlock) -> tuple[RowBlock, list[RejectedLine]]:
        """Parse the lines of one block, as `parse` does; its own rejects come last."""
        pieces = self._match(block.raws)
        if len(pieces) == 1 and len(pieces[0][0]) == len(block.raws):
            rows = RowBlock(block.lines, block.byte_offsets, pieces[0][1])
            return rows, list(block.rejects)
        matched = set(chain.from_iterable(places for places, _ in pieces))
        unmatched = [place for place in range(len(block.raws)) if place not in matched]
        piece, rejects = self._read_one_by_one(block, unmatched)
        return _in_line_order(block, [*pieces, piece]), [*rejects, *block.rejects]

    def _match(self, raws: Sequence[bytes]) -> list[_Piece]:
        """Find the rows of the block's commonest layouts at once."""
        pieces: list[_Piece] = []
        places, text = _joined(raws)
        for _ in range(_LAYOUTS_PER_BLOCK):
            if not places:
                break
            first_line, _, _ = text[: len(raws[places[0]]) + 1].partition("\n")
            matcher = self._matcher_of(first_line)
            if matcher is None:
                places, text = places[1:], text[len(first_line) + 1 :]
                continue
            pattern, groups = matcher
            found = pattern.findall(text)
            if len(found) != len(places):
                break  # a broken value ran over a line's end
            pieces.append(self._piece(places, groups, found))
            others = [(place, row[-1]) for place, row in zip(places, found, strict=True) if row[-1]]
            places, text = [place for place, _ in others], "\n".join(line for _, line in others)
        return pieces

    def _matcher_of(self, line: str) -> _Matcher | None:
        try:
            layout = layout_of(line, read_object(line), self._table)
        except LineFault:
            return None
        if layout is None:
            return None
        if layout not in self._matchers:
            if len(self._matchers) >= _LAYOUTS_KEPT:
                self._matchers.clear()
            self._matchers[layout] = pattern_of(layout, self._table)
        matcher = self._matchers[layout]
        found = matcher and matcher[0].match(line)
        return None if not found or found[found.re.groups] else matcher

    def _piece(
        self, places: Sequence[int], groups: list[int | None], found: list[tuple[str, ...]]
    ) -> _Piece:
        """Read the found values by column; rows at fault are left out."""
        texts: list[Sequence[str]] = list(zip(*found, strict=True))
        if any(texts[-1]):
            kept = [place for place, line in enumerate(texts[-1]) if not line]
            places, texts = _picked(places, kept), [_picked(text, kept) for text in texts]
        columns: list[Sequence[Value]] = []
        faulty: set[int] = set()
        for group, read in zip(groups, self._column_readers, strict=True):
            if group is None:
                columns.append([None] * len(places))
                continue
            values, refused = read(texts[group])
            columns.append(values)
            faulty |= refused
        if not faulty:
            return places, columns
        kept = [place for place in range(len(places)) if place not in faulty]
        return _picked(places, kept), [_picked(column, kept) for column in columns]

    def _read_one_by_one(
        self, block: LineBlock, places: Iterable[int]
    ) -> tuple[_Piece, list[RejectedLine]]:
        good: list[int] = []
        rows: list[list[Value]] = []
        rejects: list[RejectedLine] = []
        for place in places:
            if not block.raws[place].strip(b" \t\r\n"):
                continue
            try:
                rows.append(self._objects.read(block.raws[place]))
                good.append(place)
            except RowFault as fault:
                rejects.append(_reject(block, place, fault))
        columns = list(zip(*rows, strict=True)) if rows else [() for _ in self._table.columns]
        return (good, [*columns]), rejects


def _picked(values: Sequence[_T], places: Sequence[int]) -> list[_T]:
    return [values[place] for place in places]


def _joined(raws: Sequence[bytes]) -> tuple[Sequence[int], str]:
    """Join the lines that are UTF-8 and not empty, and tell their places."""
    places: Sequence[int] = range(len(raws))
    if b"" in raws:
        places = [place for place in places if raws[place]]
    joined = b"\n".join(raws if len(places) == len(raws) else _picked(raws, places))
    if joined.count(b"\n") >= max(len(places), 1):
        return [], ""  # a replayed record holds line ends of its own
    try:
        return places, joined.decode()
    except UnicodeDecodeError:
        places = [place for place in places if _is_utf8(raws[place])]
        return places, b"\n".join(_picked(raws, places)).decode()


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _in_line_order(block: LineBlock, pieces: list[_Piece]) -> RowBlock:
    places = list(chain.from_iterable(places for places, _ in pieces))
    order = sorted(range(len(places)), key=places.__getitem__)
    columns = [
        _picked(list(chain.from_iterable(parts)), order)
        for parts in zip(*(columns for _, columns in pieces), strict=True)
    ]
    in_order = _picked(places, order)
    return RowBlock(_picked(block.lines, in_order), _picked(block.byte_offsets, in_order), columns)


def _reject(block: LineBlock, place: int, fault: RowFault) -> RejectedLine:
    return RejectedLine(
        line=block.lines[place],
        byte_offset=block.byte_offsets[place],
        column=fault.column,
        reason=fault.reason,
        message=fault.message,
        raw=raw_text(block.raws[place].removesuffix(b"\r")),
    )
