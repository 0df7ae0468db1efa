import gzip
import io
import zipfile
from pathlib import Path

import pytest
import zstandard

from headrace_server.files.formats import (
    Compression,
    compression_of,
    data_type_of,
    plain_file_name,
    require_json_lines,
)
from headrace_server.model.errors import InvalidFieldError, UnsupportedFormatError

LINE = b'{"a": 1}\n'


def _zip(*names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return packed.getvalue()


def _file(folder: Path, content: bytes) -> Path:
    path = folder / "spooled"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "name", "compression"),
    [
        (LINE, "a.ndjson", Compression.NONE),
        (LINE, "A.JSONL", Compression.NONE),
        (LINE, "orders", Compression.NONE),
        (b"", "empty.ndjson", Compression.NONE),
        (b"\xef\xbb\xbf" + LINE, "bom.ndjson", Compression.NONE),
        (b"not json\n", "bad.ndjson", Compression.NONE),
        (gzip.compress(LINE, mtime=0), "a.ndjson.gz", Compression.GZIP),
        (gzip.compress(LINE, mtime=0), "misnamed.ndjson", Compression.GZIP),
        (zstandard.compress(LINE), "a.ndjson.zst", Compression.ZSTD),
        (b"\x50\x2a\x4d\x18\0\0\0\0" + zstandard.compress(LINE), "skip.zst", Compression.ZSTD),
    ],
)
def test_takes_json_lines_plain_and_compressed(
    tmp_path: Path, content: bytes, name: str, compression: Compression
) -> None:
    assert compression_of(_file(tmp_path, content), name) is compression


@pytest.mark.parametrize(
    ("content", "name", "looks_like"),
    [
        (_zip("orders.csv"), "a.ndjson", "a zip archive"),
        (_zip("[Content_Types].xml", "xl/workbook.xml"), "a.ndjson", ".xlsx"),
        (b"PAR1" + bytes(20), "a.ndjson", "Parquet"),
        (b"%PDF-1.7\n", "a.ndjson", "PDF"),
        ('{"a": 1}\n'.encode("utf-16"), "a.ndjson", "UTF-16"),
        ('{"a": 1}\n'.encode("utf-16-le"), "a.ndjson", "UTF-16"),
        ('{"a": 1}\n'.encode("utf-16-be"), "a.ndjson", "UTF-16"),
        ('{"a": 1}\n'.encode("utf-32"), "a.ndjson", "UTF-32"),
        ('{"a": 1}\n'.encode("utf-32-be"), "a.ndjson", "UTF-32"),
        (b"abc\0def" * 9, "a.ndjson", "a binary file"),
        (b" " * 65_000 + b"\0", "a.ndjson", "a binary file"),
        (b"a,b\n1,2\n", "orders.csv", "a csv file by its name"),
    ],
)
def test_refuses_other_formats_and_says_what_is_taken(
    tmp_path: Path, content: bytes, name: str, looks_like: str
) -> None:
    with pytest.raises(UnsupportedFormatError) as caught:
        compression_of(_file(tmp_path, content), name)
    assert looks_like in caught.value.message
    assert ".ndjson" in caught.value.metadata["known"]
    assert name in caught.value.message


def test_a_nul_after_the_probe_is_left_to_the_lines(tmp_path: Path) -> None:
    path = _file(tmp_path, b" " * (64 * 1024) + b"\0")
    assert compression_of(path, "a.ndjson") is Compression.NONE


def test_the_inside_of_a_compressed_file_is_judged_too(tmp_path: Path) -> None:
    require_json_lines(_file(tmp_path, LINE), "a.ndjson.gz")
    with pytest.raises(UnsupportedFormatError, match="gzip file within a compressed file"):
        require_json_lines(_file(tmp_path, gzip.compress(LINE, mtime=0)), "a.ndjson.gz")
    with pytest.raises(UnsupportedFormatError, match="a csv file"):
        require_json_lines(_file(tmp_path, b"a,b\n"), "a.csv.gz")


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("orders.ndjson", "orders.ndjson"),
        ("../../etc/orders.ndjson", "orders.ndjson"),
        ("/srv/data/orders.ndjson", "orders.ndjson"),
        ("C:\\data\\orders.ndjson", "orders.ndjson"),
        ("größe 1.ndjson", "größe 1.ndjson"),
    ],
)
def test_keeps_the_last_component_of_a_file_name(name: str, plain: str) -> None:
    assert plain_file_name(name) == plain


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "a/..",
        "a/",
        "a\\",
        " ",
        "a\0b",
        "a\nb",
        "a\x7f",
        "a\x85b",
        "\udcff",
        "é" * 128,
    ],
)
def test_refuses_harmful_file_names(name: str) -> None:
    with pytest.raises(InvalidFieldError) as caught:
        plain_file_name(name)
    assert caught.value.metadata["field"] == "file_name"


@pytest.mark.parametrize(
    ("name", "data_type"),
    [
        ("order_items_2011-01.ndjson.gz", "order_items"),
        ("orders_2011-01.ndjson", "orders"),
        ("ORDERS.JSONL.ZST", "orders"),
        ("orders-1.ndjson", "orders"),
        ("orders.2011.ndjson", "orders"),
        ("order_items", "order_items"),
        ("ordersx.ndjson", None),
        ("my_orders.ndjson", None),
        ("order.ndjson", None),
    ],
)
def test_reads_the_data_type_off_the_file_name(name: str, data_type: str | None) -> None:
    assert data_type_of(name, ["orders", "order_items", "customers"]) == data_type


def test_no_data_type_is_known_at_first() -> None:
    assert data_type_of("orders.ndjson", []) is None
