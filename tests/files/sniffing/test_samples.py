import gzip
import io

import pytest
import zstandard

from headrace_server.files.formats import Compression
from headrace_server.files.sniffing.samples import estimate_rows, take_sample

LINES = b"".join(b"%d,name of %d\n" % (n, n) for n in range(20_000))


@pytest.mark.parametrize(
    ("pack", "compression"),
    [
        (bytes, Compression.NONE),
        (gzip.compress, Compression.GZIP),
        (zstandard.compress, Compression.ZSTD),
    ],
)
@pytest.mark.parametrize("most", [1000, 100_000, 10_000_000])
def test_samples_begin_the_file(pack: type[bytes], compression: Compression, most: int) -> None:
    packed = pack(LINES)
    sample = take_sample(io.BytesIO(packed), len(packed), most)
    assert sample.data == LINES[:most]
    assert sample.whole == (most > len(LINES))
    assert sample.compression is compression
    assert 0.2 * len(LINES) < sample.plain_size < 5 * len(LINES)


def test_rows_of_a_whole_sample_are_counted() -> None:
    file = io.BytesIO(LINES)
    sample = take_sample(file, len(LINES), len(LINES))
    assert estimate_rows(sample, 20_000, file) == 20_000


def test_lines_that_grow_are_told_from_further_places() -> None:
    text = b"".join(b"x" * (1 + n // 100) + b"\n" for n in range(20_000))
    file = io.BytesIO(text)
    sample = take_sample(file, len(text), 64 << 10)
    rows = sample.data.count(b"\n")
    assert 15_000 < estimate_rows(sample, rows, file) < 25_000


def test_there_are_never_fewer_rows_than_were_seen() -> None:
    text = b"a\n" * 1000 + b"b" * 100_000
    file = io.BytesIO(text)
    sample = take_sample(file, len(text), 2000)
    assert estimate_rows(sample, 1000, file) >= 1000
