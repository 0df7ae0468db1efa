import gzip
import io
import json
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from imported_files import write_workbook

from headrace_server.files.formats import Compression
from headrace_server.files.previewing.previews import preview
from headrace_server.files.previewing.request import OpenedFile, PreviewRequest
from headrace_server.files.sniffing.containers import FileFormat
from headrace_server.files.sniffing.tables import Given
from headrace_server.model.errors import (
    HeadraceError,
    InvalidFieldError,
    TooLargeError,
    UnsupportedFormatError,
)
from headrace_server.model.preview import Preview

Show = Callable[..., Preview]


@pytest.fixture
def show(tmp_path: Path) -> Show:
    """Previews bytes, or the beginning of a file of `size` bytes."""

    def shown(data: bytes, name: str = "x", size: int | None = None, **options: Any) -> Preview:
        file = tmp_path / "file"
        file.write_bytes(data)
        with file.open("rb") as opened:
            whole = len(data) if size is None else size
            request = PreviewRequest(name, **options)
            return preview(OpenedFile(opened, whole, len(data)), request, tmp_path)

    return shown


def _types(found: Preview) -> dict[str, str]:
    return {column.name: column.data_type for column in found.columns}


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
@pytest.mark.parametrize(
    ("file", "format_", "rows", "types"),
    [
        ("2010-summary.gz.parquet", "parquet", 255,
         {"DEST_COUNTRY_NAME": "string", "ORIGIN_COUNTRY_NAME": "string", "count": "integer"}),
        ("int64_decimal.parquet", "parquet", 24, {"value": "float"}),
        ("table.xlsx", "xlsx", 2, {"id": "integer", "name": "string"}),
        ("simple.xlsx", "xlsx", 6,
         {"date": "date", "temperature": "integer", "place": "string"}),
        ("with_list.json", "ndjson", 5, {"id": "integer", "name": "array"}),
        ("top_level_array.json", "json", 2, {"conclusion": "string"}),
        ("table-dicts.json", "json", 2, {"id": "integer", "name": "string"}),
        ("inconsistent_schemas.ndjson", "ndjson", 5, {"id": "mixed", "name": "string"}),
        ("table.tsv", "tsv", 3, {"id": "integer", "name": "string"}),
        ("comments_simple.csv", "csv", 2, {"a": "integer", "b": "integer"}),
    ],
)  # fmt: skip
def test_real_files_plain_and_packed(
    show: Show,
    dialects: Path,
    pack: Callable[[bytes], bytes],
    file: str,
    format_: str,
    rows: int,
    types: dict[str, str],
) -> None:
    found = show(pack((dialects / file).read_bytes()), file, limit=300)
    assert (found.format, found.estimated_total_rows, len(found.rows)) == (format_, rows, rows)
    assert _types(found) == types
    assert found.rows_are_exact
    packing = {gzip.compress: "gzip", zstandard.compress: "zstd"}.get(pack)
    assert found.compression == packing


def test_every_type_of_parquet(show: Show, dialects: Path) -> None:
    found = show((dialects / "alltypes_plain.parquet").read_bytes())
    assert list(_types(found).values()) == [
        *["integer", "boolean", "integer", "integer", "integer", "integer"],
        *["float", "float", "string", "string", "datetime"],
    ]
    assert found.rows[0][-1] == "2009-03-01T00:00:00.000000000"


def test_a_sheet_by_its_name(show: Show, dialects: Path) -> None:
    data = (dialects / "table.xlsx").read_bytes()
    assert show(data).sheets == ("\u041b\u0438\u0441\u04421", "Sheet 2")
    found = show(data, sheet="Sheet 2", given=Given(has_header=False))
    assert (found.sheet, found.rows[0][:2]) == ("Sheet 2", (1, "english"))
    with pytest.raises(InvalidFieldError, match="Sheet 2") as error:
        show(data, sheet="none")
    assert error.value.violations[0].field == "sheet"


def test_lines_of_a_sheet_can_be_skipped(show: Show, dialects: Path) -> None:
    found = show((dialects / "multiline-headers.xlsx").read_bytes(), given=Given(skip_lines=3))
    assert found.preamble_rows == 3


def test_a_format_that_is_given_is_taken(show: Show) -> None:
    data = b'{"a": 1}\n{"a": 2}\n'
    assert show(data).format == "ndjson"
    assert show(data, format=FileFormat.CSV).format == "csv"
    with pytest.raises(InvalidFieldError, match="damaged Parquet"):
        show(data, format=FileFormat.PARQUET)
    with pytest.raises(InvalidFieldError, match="damaged workbook"):
        show(data, format=FileFormat.XLSX)
    with pytest.raises(InvalidFieldError, match="no json"):
        show(b"a,b\n", format=FileFormat.JSON)
    with pytest.raises(UnsupportedFormatError, match="damaged"):
        show(data, compression=Compression.GZIP)


def test_a_sample_grows_to_the_rows_that_are_wanted(show: Show) -> None:
    lines = b"".join(b"%d,%s\n" % (n, b"x" * 500) for n in range(3000))
    found = show(b"id,text\n" + lines, limit=1500)
    assert len(found.rows) == 1500
    assert found.sample_bytes > 256 << 10
    assert not found.rows_are_exact
    assert 2700 < found.estimated_total_rows < 3300
    documents = json.dumps([{"id": n, "text": "x" * 500} for n in range(3000)]).encode()
    assert len(show(documents, limit=1500).rows) == 1500


def test_the_sample_may_be_the_whole_file(show: Show) -> None:
    lines = b"a\n" + b"1111111\n" * 40_000 + b"x\n"
    assert _types(show(lines)) == {"a": "integer"}
    whole = show(lines, sample_bytes=1 << 20)
    assert _types(whole) == {"a": "string"}
    assert (whole.rows_are_exact, whole.estimated_total_rows) == (True, 40_001)


def test_the_beginning_of_a_file_is_enough_for_text_only(show: Show, dialects: Path) -> None:
    lines = b"id\n" + b"1234567\n" * 1000
    found = show(lines, size=len(lines) * 100)
    assert (found.file_size_bytes, found.rows_are_exact) == (len(lines) * 100, False)
    assert 90_000 < found.estimated_total_rows < 110_000
    data = (dialects / "table.xlsx").read_bytes()
    with pytest.raises(InvalidFieldError, match="whole"):
        show(data, size=len(data) + 1)


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_rows_are_told_whatever_ends_lines(show: Show, end: bytes) -> None:
    lines = b"id,name" + end + b"".join(b"%06d,name%s" % (n, end) for n in range(50_000))
    found = show(lines, sample_bytes=64 << 10)
    assert 49_000 < found.estimated_total_rows < 51_000


def test_what_is_not_as_the_others_is_counted(show: Show) -> None:
    found = show(b"a,b\n1,2\n3\n4,5,6\n7,8\n")
    assert found.ragged_rows == 2
    assert found.rows[1] == (3, None)
    lines = show(b'{"a": 1}\nnot json\n{"a": 2}\n[', "x.ndjson")
    assert (len(lines.rows), lines.unreadable_rows) == (2, 2)


def test_values_of_json(show: Show) -> None:
    found = show(b'[[1, "a"], [2, "b"]]')
    assert _types(found) == {"column_1": "integer", "column_2": "string"}
    assert _types(show(b"[1.5, 2]")) == {"value": "float"}
    assert show(b'{\n"a": {"b": [1, null]}}').rows == (({"b": [1, None]},),)
    assert show(b"[]").rows == ()
    assert show(b'{"a": 1' + b"0" * 5000 + b"}\n{}\n").rows[0] == ("1" + "0" * 1999 + "…",)


def test_what_is_shown_is_bounded(show: Show) -> None:
    found = show(b"a,b\n1," + b"x" * 10_000 + b"\n")
    assert found.rows[0][1] == "x" * 2000 + "…"
    assert found.truncated_cells == 1
    wide = show(b"a,b\n" + b"1,%s\n" % (b"x" * 1900) * 3000, limit=3000)
    assert 500 < len(wide.rows) < 600
    deep = b'{"a": ' + b"[" * 500 + b"]" * 500 + b"}\n"
    assert isinstance(show(deep * 2).rows[0][0], list)


@pytest.mark.parametrize(
    "data",
    [
        b",".join(b"c%d" % n for n in range(5001)) + b"\n",
        json.dumps([{f"c{n}": n for n in range(5001)}]).encode(),
    ],
)
def test_too_many_columns(show: Show, data: bytes) -> None:
    with pytest.raises(TooLargeError, match="5001 columns"):
        show(data)


def test_bombs(show: Show) -> None:
    sheet = io.BytesIO()
    with zipfile.ZipFile(sheet, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "x")
        archive.writestr("xl/worksheets/sheet1.xml", b"\0" * (64 << 20))
    with pytest.raises(TooLargeError, match="unpacks"):
        show(sheet.getvalue())
    packed = zstandard.compress(b"PAR1" + b"\0" * (300 << 20))
    with pytest.raises(TooLargeError, match="inflates"):
        show(packed)
    text = gzip.compress(b"a,b\n" + b"1,2\n" * (8 << 20))
    found = show(text)
    assert found.sample_bytes == 256 << 10
    assert len(found.rows) == 100


@given(data=st.binary(max_size=300), start=st.sampled_from([b"", b"PAR1", b"PK\x03\x04xl/", b"["]))
def test_any_bytes_end_in_a_preview_or_in_words(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, start: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp()
    file = io.BytesIO(start + data)
    request = PreviewRequest("x")
    with suppress(HeadraceError):
        found = preview(OpenedFile(file, len(start + data)), request, folder)
        assert all(len(row) == len(found.columns) for row in found.rows)


@given(place=st.integers(0, 3920), value=st.integers(0, 255))
def test_a_damaged_parquet_ends_in_a_preview_or_in_words(
    tmp_path_factory: pytest.TempPathFactory, place: int, value: int
) -> None:
    dialects = Path(__file__).parents[2] / "data" / "dialects"
    data = bytearray((dialects / "2010-summary.gz.parquet").read_bytes())
    data[place] = value
    opened = OpenedFile(io.BytesIO(data), len(data))
    request = PreviewRequest("x", format=FileFormat.PARQUET)
    with suppress(HeadraceError):
        found = preview(opened, request, tmp_path_factory.getbasetemp())
        assert all(len(row) == len(found.columns) for row in found.rows)


def test_a_sheet_of_one_row_is_shown(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "one.xlsx", {1: {"A": "Ada", "B": 1}})
    with path.open("rb") as file:
        found = preview(OpenedFile(file, path.stat().st_size), PreviewRequest("one.xlsx"), tmp_path)
    assert found.estimated_total_rows == 1
    assert [len(row) for row in found.rows] == [2]
