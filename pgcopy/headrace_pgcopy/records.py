"""Records of a stream, taken as they are or written as COPY reads them."""

import sys
from collections.abc import Callable, Generator, Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from headrace_pgcopy.forms import RecordForm

if TYPE_CHECKING:
    from headrace_pgcopy._records import RecordEncoder

T = TypeVar("T")
Read = Callable[[memoryview], int]
"""Reads the next bytes into a buffer, and returns how many; 0 at the end."""

IS_BUILT = find_spec("headrace_pgcopy._records") is not None
"""Whether there was a compiler of C when the package was installed; nothing is read without."""

#: bytes that are scanned at once: few pieces to hand over, and memory that is there already
_WINDOW_BYTES = 1 << 20
#: bytes that are read at once at least, to find where a record ends
_STEP_BYTES = 4 << 10
#: https://www.postgresql.org/docs/current/sql-copy.html, under "Binary Format"
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_LF = ord("\n")


class OtherFormError(ValueError):
    """A record is not of the form."""


class Taken(NamedTuple):
    """Some whole records of a stream."""

    rows: int
    #: ends of lines; of blank ones, too, which are no records, and of those in quotes
    lines: int
    bytes: int


def take_records(form: RecordForm, read: Read, wanted: int) -> Taken | None:
    """Take records from the beginning of one, until they have that many bytes or are all.

    Returns None where one is not of the form.
    """
    rows = lines = taken = 0
    try:
        for (more_rows, more_lines), length in _scanned(form, read, _encoder(form).count, wanted):
            rows += more_rows
            lines += more_lines
            taken += length
    except OtherFormError:
        return None
    return Taken(rows, lines, taken)


def copy_data(form: RecordForm, read: Read) -> Generator[bytes | memoryview, None, Taken]:
    """Give the data of `COPY ... WITH (FORMAT binary)` piece by piece; empty fields are NULL.

    A piece is overwritten when the next but one is asked for, so that one can be made while the one
    before it is on its way. Returns what was taken. Whether texts are UTF-8 is left to the
    database. Raises OtherFormError.
    """
    rows = lines = taken = 0
    yield _HEADER
    for (tuples, more_rows, more_lines), length in _scanned(form, read, _encoder(form).encode):
        rows += more_rows
        lines += more_lines
        taken += length
        if tuples:
            yield tuples
    yield _TRAILER
    return Taken(rows, lines, taken)


def _encoder(form: RecordForm) -> "RecordEncoder":
    from headrace_pgcopy._records import RecordEncoder  # noqa: PLC0415  # it may not be built

    quote = (form.quote or "").encode()
    return RecordEncoder(form.fields, form.delimiter.encode(), quote, form.longest)


def _scanned(
    form: RecordForm,
    read: Read,
    scan: Callable[[memoryview, int], tuple[T | None, int]],
    wanted: int = sys.maxsize,
) -> Iterator[tuple[T, int]]:
    """Scan whole lines of a stream until records of so many bytes were taken.

    `scan` is called with lines and the bytes that are wanted of them, and returns what it made of
    their first whole records and these records' bytes; what follows these is scanned with the next
    lines. Where records are cut is no matter of how they are read. Raises OtherFormError.
    """
    data, end, passed, size = bytearray(_WINDOW_BYTES + 1), 0, 0, 1
    while size and passed < wanted:
        if end > form.longest:
            raise OtherFormError("a record is longer than it may be")
        if 2 * end >= len(data):
            data.extend(bytes(len(data)))
        # Of a record that goes on, twice as much each time: it is scanned from its beginning.
        ahead = max(wanted - passed, 2 * end, end + _STEP_BYTES)
        with memoryview(data) as view:
            size = read(view[end : min(len(data) - 1, ahead)])
            end += size
            is_cut = not size and end > 0 and data[end - 1] != _LF
            if is_cut:
                data[end] = _LF
                end += 1
            lines = data.rfind(b"\n", 0, end) + 1
            taken = 0
            if lines:
                found, taken = scan(view[:lines], wanted - passed)
                if found is None:
                    raise OtherFormError("a record is not of the form")
                yield found, taken - (is_cut and taken == end)
            passed += taken
            view[: end - taken] = view[taken:end]
            end -= taken
    if end and passed < wanted:
        raise OtherFormError("the last record does not end")
