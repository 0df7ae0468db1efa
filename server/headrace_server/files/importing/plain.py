"""Files made plain: what chunks are cut from, and lines are counted in.

Delimited text and lines of JSON become UTF-8; their lines stay what they are in the file. Of a
workbook line n is row n of the sheet as a JSON object, empty where that is no record; of a JSON
document it is the nth value of its list, and of Parquet the nth row.
"""

import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from headrace_server.files.compression import inflate_whole
from headrace_server.files.disk import sync_folder
from headrace_server.files.formats import Compression
from headrace_server.files.importing.plain_json import write_values
from headrace_server.files.importing.plain_text import Writer, write_utf8
from headrace_server.files.importing.plan import DELIMITED, FilePlan
from headrace_server.model.errors import TooLargeError

_LINES = DELIMITED | {"ndjson"}


def is_plain(plan: FilePlan) -> bool:
    """Tell whether a file is plain as it is."""
    return plan.compression is Compression.NONE and plan.format in _LINES and plan.is_utf8


def make_plain(
    source: Path, plan: FilePlan, target: Path, *, max_ratio: int, max_bytes: int
) -> None:
    """Write the file to target as plain text that chunks are cut from. Blocking.

    The target appears whole and on disk, or not at all. Raises TooLargeError for more than
    max_bytes, or for packed bytes that are more than max_ratio times the file's, and
    InvalidFieldError or UnsupportedFormatError where the file is damaged.
    """
    aside = target.with_name(f"{target.name}.{secrets.token_hex(4)}")
    try:
        with (
            aside.open("w+b") as raw,
            source.open("rb") as packed,
            unpacked(packed, plan.compression, target.parent, max_ratio, max_bytes) as read,
        ):
            _writer_of(plan.format)(read, _Bounded(raw, max_bytes), plan)
            raw.flush()
            os.fsync(raw.fileno())
        aside.replace(target)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def _writer_of(format_: str) -> Callable[[BinaryIO, Writer, FilePlan], None]:
    # Their libraries are large: only processes that meet such a file load them.
    if format_ == "xlsx":
        from headrace_server.files.importing.workbooks import write_sheet  # noqa: PLC0415

        return write_sheet
    if format_ == "parquet":
        from headrace_server.files.importing.parquet import write_parquet  # noqa: PLC0415

        return write_parquet
    return write_values if format_ == "json" else write_utf8


@contextmanager
def unpacked(
    packed: BinaryIO, compression: Compression, folder: Path, max_ratio: int, max_bytes: int
) -> Iterator[BinaryIO]:
    """Give a file without its packing, from its beginning; unpacked in a folder."""
    packed.seek(0)
    if compression is Compression.NONE:
        yield packed
        return
    with tempfile.TemporaryFile(dir=folder) as plain:
        inflate_whole(packed, plain, compression, max_ratio=max_ratio, max_bytes=max_bytes)
        plain.seek(0)
        yield plain


class _Bounded:
    """Writes at most so many bytes."""

    def __init__(self, file: BinaryIO, most: int) -> None:
        self._file = file
        self._left = self._most = most

    def write(self, data: bytes) -> int:
        self._left -= len(data)
        if self._left < 0:
            limit = str(self._most)
            raise TooLargeError(f"the file has more than {limit} bytes of text", limit=limit)
        return self._file.write(data)
