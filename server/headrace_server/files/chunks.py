"""Line-aligned ranges of a file, so that its chunks can be parsed apart."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

#: what a processor's cache keeps while its lines are counted
_BLOCK_BYTES = 256 << 10
#: of a file's first chunk, if larger ones are wanted; each of the next is twice as large, so that
#: all processes have work soon and the first rows are in early
_FIRST_BYTES = 4 << 20
#: enough for any target
_DOUBLINGS = 40


@dataclass(frozen=True, slots=True)
class ChunkRange:
    """A run of whole lines of a file; the ranges of a file lie end to end and cover it."""

    #: number of the chunk in its file, from 0
    chunk: int
    #: first byte of the chunk
    byte_offset: int
    #: length of the chunk in bytes, the last line's end included
    byte_length: int
    #: number of its first line in the file, from 1
    first_line: int
    #: its records, where all may be given as binary rows
    binary_rows: int | None = None


def bytes_of(chunk: int, target_bytes: int) -> int:
    """How many bytes a chunk has at least, unless the file ends before, by its number."""
    return min(target_bytes, _FIRST_BYTES << min(chunk, _DOUBLINGS))


def plan_chunks(path: Path, target_bytes: int) -> Iterator[ChunkRange]:
    """Cut the file after the first line that ends at or beyond each target_bytes.

    The first chunks are smaller, and always the same. Lines are counted block by block: memory
    stays flat however long a line is. Between two chunks the file is not held open. An empty file
    has no chunk. Raises ValueError for a target below 1 byte.
    """
    if target_bytes < 1:
        raise ValueError(f"target_bytes must be at least 1, not {target_bytes}")
    chunk, offset, line = 0, 0, 1
    while True:
        wanted = bytes_of(chunk, target_bytes)
        with path.open("rb") as file:
            file.seek(offset)
            length, newlines = _take_lines(file, wanted)
        if not length:
            return
        yield ChunkRange(chunk, offset, length, line)
        chunk, offset, line = chunk + 1, offset + length, line + newlines


def _take_lines(file: BinaryIO, target_bytes: int) -> tuple[int, int]:
    """Move past target_bytes and on to the end of that line; return bytes and newlines passed."""
    length = newlines = 0
    block = b""
    while True:
        if length < target_bytes:
            following = file.read(min(_BLOCK_BYTES, target_bytes - length))
        elif not block.endswith(b"\n"):
            following = file.readline(_BLOCK_BYTES)
        else:
            return length, newlines
        if not following:
            return length, newlines
        block = following
        length += len(block)
        newlines += block.count(b"\n")
