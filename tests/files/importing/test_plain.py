"""Files made plain, whole or not at all."""

import gzip
from pathlib import Path

import pytest
import zstandard
from imported_files import csv_plan

from headrace_server.files.formats import Compression
from headrace_server.files.importing.plain import is_plain, make_plain
from headrace_server.files.importing.plan import FilePlan
from headrace_server.model.errors import InvalidFieldError, TooLargeError, UnsupportedFormatError


def make(
    tmp_path: Path, data: bytes, plan: FilePlan, most: int = 1 << 20, ratio: int = 200
) -> bytes:
    source, target = tmp_path / "source", tmp_path / "plain"
    source.write_bytes(data)
    make_plain(source, plan, target, max_ratio=ratio, max_bytes=most)
    return target.read_bytes()


@pytest.mark.parametrize(
    ("plan", "plain"),
    [
        (csv_plan("TEXT"), True),
        (FilePlan("ndjson", Compression.NONE, (), encoding="utf-8"), True),
        (csv_plan("TEXT", encoding="cp1252"), False),
        (csv_plan("TEXT", line_end="\r"), False),
        (FilePlan("csv", Compression.GZIP, (), encoding="utf-8"), False),
        (FilePlan("json", Compression.NONE, (), encoding="utf-8"), False),
        (FilePlan("xlsx", Compression.NONE, ()), False),
    ],
)
def test_lines_of_utf8_are_plain_as_they_are(plan: FilePlan, plain: bool) -> None:
    assert is_plain(plan) is plain


@pytest.mark.parametrize(
    ("compression", "packed"),
    [
        (Compression.NONE, b"a\n1\n"),
        (Compression.GZIP, gzip.compress(b"a\n", mtime=0) + gzip.compress(b"1\n", mtime=0)),
        (Compression.ZSTD, zstandard.compress(b"a\n1\n")),
    ],
)
def test_packing_is_taken_off(tmp_path: Path, compression: Compression, packed: bytes) -> None:
    plan = FilePlan("csv", compression, (), encoding="utf-8")
    assert make(tmp_path, packed, plan) == b"a\n1\n"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["plain", "source"]


def test_what_is_too_large_leaves_nothing(tmp_path: Path) -> None:
    packed = gzip.compress(bytes(40 << 20))
    plan = FilePlan("csv", Compression.GZIP, (), encoding="utf-8")
    for data, how, most, ratio in (
        (b"a" * 101, csv_plan("TEXT"), 100, 200),
        (packed, plan, 1 << 20, 1 << 20),
        (packed, plan, 1 << 30, 10),
    ):
        with pytest.raises(TooLargeError):
            make(tmp_path, data, how, most, ratio)
        assert [each.name for each in tmp_path.iterdir()] == ["source"]


def test_damaged_files_are_told_and_leave_nothing(tmp_path: Path) -> None:
    plan = FilePlan("csv", Compression.GZIP, (), encoding="utf-8")
    with pytest.raises(UnsupportedFormatError, match="stream is damaged"):
        make(tmp_path, gzip.compress(b"a\n1\n")[:-4], plan)
    for format_, kind in (("xlsx", "workbook"), ("parquet", "Parquet file")):
        with pytest.raises(InvalidFieldError, match=f"damaged {kind}"):
            make(tmp_path, b"PK\3\4 PAR1", FilePlan(format_, Compression.NONE, ()))
    assert [each.name for each in tmp_path.iterdir()] == ["source"]
