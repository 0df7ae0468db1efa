"""The lines of a file's range, read in blocks of bounded size."""

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

from headrace_server.files.chunks import ChunkRange
from headrace_server.model.errors import StorageUnavailableError
from headrace_server.model.rows import RejectedLine, RejectReason

MAX_LINE_BYTES = 16 << 20

_BLOCK_BYTES = 2 << 20
_BLOCK_LINES = 8192
_KEPT_BYTES = 64 << 10
_SKIPPED_BYTES = 256 << 10


@dataclass(frozen=True, slots=True)
class LineBlock:
    """Some lines that follow each other, blank ones included, without their line ends."""

    #: number of each line in its file, from 1
    lines: Sequence[int]
    #: first byte of each line in its file
    byte_offsets: Sequence[int]
    #: the bytes of each line
    raws: Sequence[bytes]
    #: lines among or after these that were too long to read
    rejects: tuple[RejectedLine, ...] = ()


def raw_text(raw: bytes) -> str:
    r"""Show a line as text that databases can store: bytes not UTF-8, and NUL, as \xNN."""
    return raw.decode(errors="backslashreplace").replace("\0", "\\x00")


def read_records(
    path: Path, chunk: ChunkRange, max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[LineBlock]:
    """Read the range's lines in blocks of at most 8192 lines and 2 MB, or one line more.

    A line beyond max_line_bytes becomes a LINE_TOO_LONG reject with its first 64 KiB and is never
    held whole. A byte-order mark at the start of the file is no part of its first line. Raises
    StorageUnavailableError where the file ends before the range does.
    """
    with path.open("rb") as file:
        file.seek(chunk.byte_offset)
        reader = _RangeReader(file, chunk, max_line_bytes)
        while block := reader.next_block():
            yield from _split(block)


def _split(block: LineBlock) -> Iterator[LineBlock]:
    if len(block.raws) <= _BLOCK_LINES:
        yield block
        return
    for start in range(0, len(block.raws), _BLOCK_LINES):
        part = slice(start, start + _BLOCK_LINES)
        last = start + _BLOCK_LINES >= len(block.raws)
        yield LineBlock(
            block.lines[part],
            block.byte_offsets[part],
            block.raws[part],
            block.rejects if last else (),
        )


class _RangeReader:
    def __init__(self, file: BinaryIO, chunk: ChunkRange, max_line_bytes: int) -> None:
        self._file = file
        self._offset = chunk.byte_offset
        self._end = chunk.byte_offset + chunk.byte_length
        self._line = chunk.first_line
        self._max_line_bytes = max_line_bytes
        if self._offset == 0 and self._file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8:
            self._offset = len(codecs.BOM_UTF8)
        self._file.seek(self._offset)

    def next_block(self) -> LineBlock | None:
        """Read whole lines; the last of them may be too long and is then a reject."""
        wanted = min(_BLOCK_BYTES, self._max_line_bytes, self._end - self._offset)
        if wanted <= 0:
            return None
        data = self._file.read(wanted)
        if len(data) < wanted:
            raise StorageUnavailableError(
                f"the file ends at byte {self._offset + len(data)}, before its chunk does"
            )
        last_start = data.rfind(b"\n") + 1
        if last_start < len(data):
            data += self._file.readline(self._max_line_bytes + 1 - (len(data) - last_start))
        if data.endswith(b"\n") or len(data) - last_start <= self._max_line_bytes:
            return self._block(data)
        return self._block(data[:last_start], data[last_start:])

    def _block(self, data: bytes, too_long: bytes = b"") -> LineBlock:
        raws = data.split(b"\n")
        if not raws[-1]:
            raws.pop()
        lengths = map((1).__add__, map(len, raws))  # with the line's end
        offsets = list(accumulate(lengths, initial=self._offset))
        lines = range(self._line, self._line + len(raws))
        self._offset += len(data)
        self._line += len(raws)
        rejects = (self._skip_line(too_long),) if too_long else ()
        return LineBlock(lines, offsets[: len(raws)], raws, rejects)

    def _skip_line(self, begun: bytes) -> RejectedLine:
        line, offset = self._line, self._offset
        length, rest = len(begun), begun
        while not rest.endswith(b"\n") and (rest := self._file.readline(_SKIPPED_BYTES)):
            length += len(rest)
        self._line += 1
        self._offset += length
        length -= rest.endswith(b"\n")
        return RejectedLine(
            line=line,
            byte_offset=offset,
            column=None,
            reason=RejectReason.LINE_TOO_LONG,
            message=f"the line is {length} bytes long; at most {self._max_line_bytes} are taken",
            raw=_beginning(begun),
            raw_truncated=True,
        )


def _beginning(begun: bytes) -> str:
    """Show the kept beginning, without a character that the cut went through."""
    decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    return decoder.decode(begun[:_KEPT_BYTES]).replace("\0", "\\x00")
