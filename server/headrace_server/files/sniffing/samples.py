"""Samples: the first plain bytes of a file, and how many rows the rest may have."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from headrace_server.files.compression import inflated_head
from headrace_server.files.formats import Compression, packed_as

_PROBES = 8
_PROBE_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class Sample:
    """Plain bytes that begin a file."""

    data: bytes
    #: whether they are all of it
    whole: bool
    #: how the file is packed
    compression: Compression
    #: bytes of the file as it is stored
    size: int
    #: bytes of them that are here
    present: int
    #: plain bytes that a stored byte stands for, as far as was read
    ratio: float = 1.0

    @property
    def plain_size(self) -> int:
        """Plain bytes of the whole file; of a packed one as the sample lets expect."""
        if self.whole:
            return len(self.data)
        if self.compression is Compression.NONE:
            return self.size
        return round(self.size * self.ratio)


def take_sample(
    file: BinaryIO,
    size: int,
    most: int,
    compression: Compression | None = None,
    *,
    present: int | None = None,
) -> Sample:
    """Read the sample of a seekable file of `size` bytes, of which the first `present` are here.

    Raises UnsupportedFormatError where a compressed file is damaged.
    """
    present = size if present is None else min(present, size)
    file.seek(0)
    if compression is None:
        compression = packed_as(file.read(4))
        file.seek(0)
    data, read, all_read = inflated_head(file, compression, most)
    whole = all_read and present == size
    return Sample(data, whole, compression, size, present, read / max(file.tell(), 1))


def estimate_rows(sample: Sample, rows: int, file: BinaryIO, line_end: bytes = b"\n") -> int:
    """Tell how many rows a file has of whose sample `rows` are known.

    A file that is not packed is also probed further on: lines may be longer there.
    """
    if sample.whole or not sample.data:
        return rows
    density = rows / len(sample.data)
    here = sample.data.count(line_end) / len(sample.data)
    if sample.compression is Compression.NONE and here:
        elsewhere = list(_densities(file, sample, line_end))
        density *= sum(elsewhere) / len(elsewhere) / here
    return max(rows, round(density * sample.plain_size))


def _densities(file: BinaryIO, sample: Sample, line_end: bytes) -> Iterator[float]:
    """Line ends per byte at places spread evenly over the file."""
    for place in range(_PROBES):
        middle = (2 * place + 1) * sample.present // (2 * _PROBES)
        file.seek(max(middle - _PROBE_BYTES // 2, 0))
        probe = file.read(_PROBE_BYTES)
        yield len(re.findall(re.escape(line_end), probe)) / max(len(probe), 1)
