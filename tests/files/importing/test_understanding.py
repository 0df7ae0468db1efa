"""Files of every format understood, and all of their rows accounted for."""

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from imported_files import csv_plan, read_file, write_workbook

from headrace_server.files.formats import Compression
from headrace_server.files.importing.understanding import understand
from headrace_server.model.errors import InvalidFieldError, UnsupportedFormatError
from headrace_server.model.file_import import ImportOptions

DIALECTS = Path(__file__).parents[2] / "data" / "dialects"
FILES = sorted(path.name for path in DIALECTS.iterdir() if path.suffix != ".md")


def _text(text: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(text)


WRITERS: dict[str, Callable[[Path], object]] = {
    "csv": _text("id,name\n1,a\n2,b\n"),
    "tsv": _text("id\tname\n1\ta\n2\tb\n"),
    "json": _text('[{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]'),
    "ndjson": _text('{"id": 1, "name": "a"}\n{"id": 2, "name": "b"}\n'),
    "xlsx": lambda path: write_workbook(
        path,
        {1: {"A": "id", "B": "name"}, 2: {"A": 1, "B": "a"}, 3: {"A": 2, "B": "b"}},
    ),
    "parquet": lambda path: pq.write_table(pa.table({"id": [1, 2], "name": ["a", "b"]}), path),
}


@pytest.mark.parametrize("format_", WRITERS)
def test_every_format_is_told_and_read_packed_or_not(tmp_path: Path, format_: str) -> None:
    path = tmp_path / f"file.{format_}"
    WRITERS[format_](path)
    data = path.read_bytes()
    for packed, compression in (
        (data, Compression.NONE),
        (gzip.compress(data), Compression.GZIP),
        (zstandard.compress(data), Compression.ZSTD),
    ):
        path.write_bytes(packed)
        found = read_file(path, ImportOptions(format=format_), widen=True)
        assert (found.plan.format, found.plan.compression) == (format_, compression)
        assert (found.rows, found.rejects) == ([(1, "a"), (2, "b")], [])
        assert understand(path, path.name, ImportOptions(), folder=tmp_path) == found.plan


@pytest.mark.parametrize("name", FILES)
def test_every_row_of_real_files_is_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    shutil.copy(DIALECTS / name, path)
    found = read_file(path, widen=True)
    assert len(found.rows) > 0
    assert found.rejects == []


@pytest.mark.parametrize("name", ["mixedGLB.csv", "leading-zeros.csv", "table.tsv", "simple.xlsx"])
def test_all_columns_of_real_files_may_be_text(tmp_path: Path, name: str) -> None:
    shutil.copy(DIALECTS / name, tmp_path)
    found = read_file(tmp_path / name, ImportOptions(infer_schema=False))
    assert set(found.plan.sql_types().values()) == {"TEXT"}
    assert (len(found.rows), found.rejects) == (len(read_file(tmp_path / name).rows), [])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (ImportOptions(format="xml"), "format: must be one of csv, tsv, json"),
        (ImportOptions(compression="bzip2"), "compression: must be one of none, gzip, zstd"),
        (ImportOptions(encoding="klingon"), "encoding: 'klingon' is no known encoding"),
        (
            ImportOptions(data_types={"x": "INT"}),
            "data_types: the file has no column 'x'",
        ),
        (ImportOptions(data_types={"id": "money"}), "data_types: 'id': 'money' is no known type"),
        (ImportOptions(key_columns=("x",)), "key_columns: the file has no column 'x'"),
        (ImportOptions(delimiter="||"), "delimiter: must be one character, not '||'"),
        (ImportOptions(quote="ab"), "quote: must be one ASCII character, not 'ab'"),
        (ImportOptions(escape="ü"), "escape: must be one ASCII character, not 'ü'"),
        (ImportOptions(format="json"), "file: holds no json that can be read"),
        (ImportOptions(format="parquet"), "file: is a damaged Parquet file"),
    ],
)
def test_options_that_do_not_fit_are_told_by_their_names(
    tmp_path: Path, options: ImportOptions, words: str
) -> None:
    path = tmp_path / "file.csv"
    WRITERS["csv"](path)
    with pytest.raises(InvalidFieldError) as told:
        understand(path, path.name, options, folder=tmp_path)
    assert told.value.message.startswith(words)


def test_what_is_no_table_is_told(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    with pytest.raises(UnsupportedFormatError):
        understand(path, path.name, ImportOptions(), folder=tmp_path)
    path.write_bytes(gzip.compress(b"a,b\n1,2\n")[:-6])
    with pytest.raises(UnsupportedFormatError, match="stream is damaged"):
        understand(path, path.name, ImportOptions(), folder=tmp_path)


def test_a_plan_does_not_depend_on_where_the_file_lies(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text(json.dumps([{"a": 1}]))
    plan = understand(path, "a.json", ImportOptions(), folder=tmp_path)
    assert plan.columns == csv_plan("BIGINT").columns
