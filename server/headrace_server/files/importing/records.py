"""The records of plain files: cut into chunks, and read in blocks of bounded size."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

from headrace_pgcopy import RecordForm
from headrace_server.files.chunks import ChunkRange, bytes_of, plan_chunks
from headrace_server.files.importing.binary_rows import take_binary
from headrace_server.files.importing.delimited_form import (
    DelimitedForm,
    count_lines,
    end_of_lines,
    form_of,
)
from headrace_server.files.importing.plan import FilePlan
from headrace_server.files.records import MAX_LINE_BYTES, LineBlock, raw_text
from headrace_server.model.errors import StorageUnavailableError
from headrace_server.model.rows import RejectedLine, RejectReason

_BLOCK_BYTES = 1 << 20
#: what a processor's cache keeps while its lines are counted: half of the time of larger blocks
_COUNTED_BYTES = 256 << 10
_STEP_BYTES = 64 << 10
_KEPT_BYTES = 64 << 10


def plan_records(
    path: Path,
    plan: FilePlan,
    target_bytes: int,
    max_record_bytes: int = MAX_LINE_BYTES,
    form: RecordForm | None = None,
) -> Iterator[ChunkRange]:
    """Cut a plain file after the first record that ends at or beyond each target_bytes.

    Chunks tell how many rows they are where all their records are of the given form. What stands
    before the data belongs to no chunk; byte_offset and first_line are those of the file. As in
    `plan_chunks`, the first chunks are smaller, and a target below 1 byte is a ValueError. A record
    beyond max_record_bytes is never held whole, and the file is not held open between two chunks.
    """
    if not plan.is_delimited:
        yield from plan_chunks(path, target_bytes)
        return
    if target_bytes < 1:
        raise ValueError(f"target_bytes must be at least 1, not {target_bytes}")
    end = path.stat().st_size
    with path.open("rb") as file:
        offset = _skip_lines(file, plan.first_line - 1)
    chunk, line = 0, plan.first_line
    while offset < end:
        wanted = bytes_of(chunk, target_bytes)
        taken = take_binary(form, path, offset, end, wanted) if form else None
        rows = taken.rows if taken else None
        lines, length = (
            (taken.lines, taken.bytes)
            if taken
            else _take(path, offset, end, wanted, plan, max_record_bytes)
        )
        yield ChunkRange(chunk, offset, length, line, rows)
        chunk, offset, line = chunk + 1, offset + length, line + lines


def cut_at_lines(path: Path, plan: FilePlan, target_bytes: int) -> Iterator[ChunkRange]:
    """Cut a file of delimited text as `plan_records` does where no line ends within a record.

    Next to nothing is read of it; first_line is known of the first chunk only, and 0 of others.
    """
    end = path.stat().st_size
    with path.open("rb") as file:
        chunk, offset = 0, _skip_lines(file, plan.first_line - 1)
        while offset < end:
            wanted = bytes_of(chunk, target_bytes)
            file.seek(offset + wanted - 1)
            while (block := file.readline(_BLOCK_BYTES)) and not block.endswith(b"\n"):
                pass
            length = min(file.tell(), end) - offset
            yield ChunkRange(chunk, offset, length, 0 if chunk else plan.first_line)
            chunk, offset = chunk + 1, offset + length


def _take(
    path: Path, offset: int, end: int, wanted: int, plan: FilePlan, max_record_bytes: int
) -> tuple[int, int]:
    """Pass records of any form until they have so many bytes; return their lines and bytes."""
    wanted = min(offset + wanted, end)
    with path.open("rb") as file:
        records = RecordReader(file, offset, end, 0, form_of(plan), max_record_bytes)
        while records.offset < wanted:
            records.take(min(wanted - records.offset, _COUNTED_BYTES))
    return records.line, records.offset - offset


def _skip_lines(file: BinaryIO, lines: int) -> int:
    """Return the byte after so many lines and a byte-order mark."""
    file.seek(0)
    offset = len(codecs.BOM_UTF8) if file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8 else 0
    file.seek(offset)
    while lines and (block := file.read(_BLOCK_BYTES)):
        if block.endswith(b"\r"):
            block += file.read(1)
        end, found = end_of_lines(block, lines)
        lines -= found
        offset += end if not lines else len(block)
    return offset


def read_blocks(
    path: Path, chunk: ChunkRange, plan: FilePlan, max_record_bytes: int = MAX_LINE_BYTES
) -> Iterator[LineBlock]:
    """Read the records of a range of delimited text in blocks of about 1 MB, blank lines included.

    A record beyond max_record_bytes becomes a LINE_TOO_LONG reject with its first 64 KiB. Raises
    StorageUnavailableError where the file ends before the range does.
    """
    form = form_of(plan)
    end = chunk.byte_offset + chunk.byte_length
    with path.open("rb") as file:
        reader = RecordReader(
            file, chunk.byte_offset, end, chunk.first_line, form, max_record_bytes
        )
        while reader.offset < end:
            offset, line = reader.offset, reader.line
            taken = reader.take(_BLOCK_BYTES)
            if taken.length > max_record_bytes:
                yield LineBlock((), (), (), (_too_long(taken, line, offset, max_record_bytes),))
            else:
                yield _block(taken.data, line, offset, form)


def _block(data: bytes, line: int, offset: int, form: DelimitedForm) -> LineBlock:
    """Take whole records apart."""
    end = _only_end(data)
    records: list[bytes] | None = None
    if end is None or (form.quote and form.quote in data):
        records = form.each_record().findall(data)
    if end is None or (records is not None and len(records) != _lines(data, end)):
        return _block_of_any(records or [], line, offset)
    raws = data.split(end)
    if not raws[-1]:
        raws.pop()
    offsets = list(accumulate((len(raw) + len(end) for raw in raws), initial=offset))
    return LineBlock(range(line, line + len(raws)), offsets[: len(raws)], raws)


def _only_end(data: bytes) -> bytes | None:
    """Return what ends all lines, None where some end otherwise."""
    if b"\r" not in data:
        return b"\n"
    pairs = data.count(b"\r\n")
    return b"\r\n" if pairs == data.count(b"\r") == data.count(b"\n") else None


def _lines(data: bytes, end: bytes) -> int:
    return data.count(end) + (not data.endswith(end))


def _block_of_any(records: list[bytes], line: int, offset: int) -> LineBlock:
    lines = list(accumulate(map(count_lines, records), initial=line))
    offsets = list(accumulate(map(len, records), initial=offset))
    raws = [_without_end(record) for record in records]
    return LineBlock(lines[: len(raws)], offsets[: len(raws)], raws)


def _without_end(record: bytes) -> bytes:
    if record.endswith(b"\n"):
        return record[: -2 if record.endswith(b"\r\n") else -1]
    return record.removesuffix(b"\r")


@dataclass(frozen=True, slots=True)
class Taken:
    """Some whole records, or the beginning of one that is too long."""

    data: bytes
    #: bytes passed: more than these where a record is too long
    length: int


class RecordReader:
    """Reads whole records from a range of delimited text that begins with one."""

    def __init__(
        self,
        file: BinaryIO,
        offset: int,
        end: int,
        line: int,
        form: DelimitedForm,
        max_record_bytes: int,
    ) -> None:
        self._file = file
        self._end = end
        self._form = form
        self._max_record_bytes = max_record_bytes
        self._ahead = b""
        #: first byte of the next record, and its line from 1
        self.offset = offset
        self.line = line
        file.seek(offset)

    def take(self, wanted: int) -> Taken:
        """Pass those records that end within so many bytes, or else the first one."""
        wanted = min(wanted, self._max_record_bytes)
        self._fill(wanted)
        length = self._whole(self._ahead[:wanted]) or self._first()
        if length > self._max_record_bytes:
            return self._skip(length)
        return self._pass(length)

    def _pass(self, length: int) -> Taken:
        data, self._ahead = self._ahead[:length], self._ahead[length:]
        self.offset += length
        self.line += count_lines(data)
        return Taken(data, length)

    def _fill(self, wanted: int) -> None:
        missing = min(wanted, self._end - self.offset) - len(self._ahead)
        if missing > 0:
            read = self._file.read(missing)
            self._ahead += read
            if len(read) < missing:
                at = self.offset + len(self._ahead)
                raise StorageUnavailableError(f"the file ends at byte {at}, before its chunk does")

    @property
    def _at_end(self) -> bool:
        return self.offset + len(self._ahead) >= self._end

    def _whole(self, data: bytes) -> int:
        """Return how many of the bytes are whole records."""
        form = self._form
        if not form.quote or form.quote not in data:
            # A line's end is always a record's; one in two halves may follow.
            return data.rfind(b"\n") + 1
        at_end = self._at_end and len(data) == len(self._ahead)
        found = form.whole_records(at_end=at_end).match(data)
        return found.end() if found else 0

    def _first(self) -> int:
        """Return the length of the first record; where it is too long, more than may be."""
        while True:
            at_end = self._at_end
            cut_off = len(self._ahead) > self._max_record_bytes
            found = self._form.one_record(at_end=at_end or cut_off).match(self._ahead)
            if found and not (cut_off and not at_end and found.end() == len(self._ahead)):
                return found.end()
            if at_end or cut_off:
                return max(len(self._ahead), self._max_record_bytes + 1)
            self._fill(min(2 * len(self._ahead) + _STEP_BYTES, self._max_record_bytes + 1))

    def _skip(self, length: int) -> Taken:
        """Pass a record that is too long, to the end of a line."""
        taken = self._pass(min(length, len(self._ahead)))
        length = taken.length
        ended = taken.data.endswith((b"\n", b"\r"))
        while not ended and not (self._at_end and not self._ahead):
            self._fill(_BLOCK_BYTES)
            end, found = end_of_lines(self._ahead, 1)
            passed = self._pass(end if found else len(self._ahead))
            length += passed.length
            ended = bool(found)
        return Taken(taken.data[:_KEPT_BYTES], length)


def _too_long(taken: Taken, line: int, offset: int, most: int) -> RejectedLine:
    return RejectedLine(
        line=line,
        byte_offset=offset,
        column=None,
        reason=RejectReason.LINE_TOO_LONG,
        message=f"the record is {taken.length} bytes long; at most {most} are taken",
        raw=raw_text(taken.data),
        raw_truncated=taken.length > len(taken.data),
    )
