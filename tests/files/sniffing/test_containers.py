import pytest

from headrace_server.files.sniffing.containers import FileFormat, sniff_format
from headrace_server.model.errors import UnsupportedFormatError


@pytest.mark.parametrize(
    ("sample", "name", "format_"),
    [
        (b"a,b\n", "x", FileFormat.CSV),
        (b"", "x", FileFormat.CSV),
        (b"PAR1...", "x.csv", FileFormat.PARQUET),
        (b"PK\x03\x04....[Content_Types].xml", "x", FileFormat.XLSX),
        (b'{"a": 1}\n{"a": 2}\n', "x.csv", FileFormat.NDJSON),
        (b'{"a": 1}\n', "x.json", FileFormat.JSON),
        (b'{"a": 1}\n', "x.ndjson.gz", FileFormat.NDJSON),
        (b'{\n "a": 1\n}\n', "x", FileFormat.JSON),
        (b'[{"a": 1}, {"a": ', "x", FileFormat.JSON),
        (b"[]", "x", FileFormat.JSON),
        (b"[1, 2]", "x", FileFormat.JSON),
        (b'[1, "a"]\n[2, "b"]\n', "x", FileFormat.NDJSON),
        (b"[2024-01-01] started\n[2024-01-02] ended\n", "x", FileFormat.CSV),
        (b"[x],y\n", "x", FileFormat.CSV),
        (b"{x},y\n", "x", FileFormat.CSV),
        ('\ufeff{"a": "ö"}\n{"a": 2}\n'.encode("utf-16"), "x", FileFormat.NDJSON),
    ],
)
def test_formats(sample: bytes, name: str, format_: FileFormat) -> None:
    assert sniff_format(sample, name).value is format_


@pytest.mark.parametrize(
    ("sample", "what"),
    [
        (b"%PDF-1.7", "PDF"),
        (b"PK\x03\x04 something", "zip"),
        (b"SQLite format 3\0", "SQLite"),
        (b"a\0b\xff\xfe\0c\0\0x", "binary"),
        (b"abc\0defg hijk", "binary"),
    ],
)
def test_what_is_no_table(sample: bytes, what: str) -> None:
    with pytest.raises(UnsupportedFormatError, match=what):
        sniff_format(sample, "x.csv")


def test_deep_json_is_no_trouble() -> None:
    assert sniff_format(b"[" * 100_000, "x").value is FileFormat.CSV
