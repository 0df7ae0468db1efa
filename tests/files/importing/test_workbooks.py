"""Sheets of workbooks: line n is row n."""

import gzip
import zipfile
from pathlib import Path
from typing import Any

import pytest
from imported_files import DAY, MOMENT, Read, read_file, write_workbook

from headrace_server.files.importing import workbooks
from headrace_server.files.importing.plain import make_plain
from headrace_server.files.importing.understanding import understand
from headrace_server.model.errors import InvalidFieldError, TooLargeError
from headrace_server.model.file_import import ImportOptions

Rows = dict[int, dict[str, object]]

HEADER: dict[str, object] = {"A": "id", "B": "name"}


def read(tmp_path: Path, rows: Rows, widen: bool = False, **options: Any) -> Read:
    path = write_workbook(tmp_path / "book.xlsx", rows)
    return read_file(path, ImportOptions(**options), widen=widen)


def test_rows_keep_their_numbers_and_cells_their_types(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        {
            3: {"B": "n", "C": "x", "D": "day", "E": "at", "F": "ok", "G": "text"},
            4: {"B": 1, "C": 1.5, "D": (45322, DAY), "E": (45322.5, MOMENT), "F": True, "G": "a"},
            6: {"B": 2, "C": ["#N/A"], "F": False, "G": "007"},
        },
    )
    assert found.plan.sql_types() == {
        "n": "BIGINT",
        "x": "NUMERIC",
        "day": "DATE",
        "at": "TIMESTAMP",
        "ok": "BOOLEAN",
        "text": "VARCHAR(255)",
    }
    assert found.lines == [4, 6]
    assert found.rows == [
        (1, "1.5", "2024-01-31", "2024-01-31T12:00:00", True, "a"),
        (2, None, None, None, False, "007"),
    ]
    assert (found.plan.has_header, found.plan.first_line, found.plan.sheet) == (True, 4, "Prices")


def test_cells_of_other_kinds_past_the_sample_are_rejects_or_widen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbooks, "_TYPED_ROWS", 3)
    rows: Rows = {
        1: HEADER,
        2: {"A": 1, "B": "a"},
        3: {"A": 2, "B": "b"},
        4: {"A": "x", "B": 3},
        5: {"A": 1.5, "B": "c"},
    }
    found = read(tmp_path, rows)
    assert found.rows == [(1, "a"), (2, "b")]
    assert found.reasons == [(4, "id", "WRONG_TYPE"), (5, "id", "WRONG_TYPE")]
    found = read(tmp_path, rows, widen=True)
    assert found.plan.sql_types() == {"id": "TEXT", "name": "VARCHAR(255)"}
    assert found.rows[2:] == [("x", "3"), ("1.5", "c")]
    assert found.rejects == []


def test_a_plan_that_was_widened_reads_the_sheet_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbooks, "_TYPED_ROWS", 2)
    rows: Rows = {1: {"A": 1, "B": 2}, 2: {"A": 3}, 3: {"A": 4, "E": 5}}
    found = read(tmp_path, rows, widen=True, has_header=False)
    assert list(found.plan.sql_types()) == ["column_1", "column_2", "column_5"]
    assert found.rows == [(1, 2, None), (3, None, None), (4, None, 5)]
    again = tmp_path / "again"
    make_plain(tmp_path / "book.xlsx", found.plan, again, max_ratio=9, max_bytes=1 << 20)
    assert again.read_bytes() == (tmp_path / "book.xlsx.plain").read_bytes()


def test_options_are_those_of_the_sheet(tmp_path: Path) -> None:
    rows: Rows = {1: {"A": "note"}, 2: HEADER, 3: {"A": "1", "B": "NA"}}
    found = read(
        tmp_path, rows, skip_lines=1, null_values=("NA",), data_types={"id": "INT"}, sheet="Prices"
    )
    assert (found.rows, found.lines) == ([(1, None)], [3])
    found = read(tmp_path, {1: {"A": 1, "B": 2}, 2: {"A": 3, "B": 4}}, has_header=False)
    assert found.rows == [(1, 2), (3, 4)]
    found = read(tmp_path, {1: HEADER, 2: {"A": 1}}, infer_schema=False)
    assert (found.plan.sql_types(), found.rows) == ({"id": "TEXT", "name": "TEXT"}, [("1", None)])


def test_packed_workbooks_are_read_too(tmp_path: Path) -> None:
    book = write_workbook(tmp_path / "book.xlsx", {1: HEADER, 2: {"A": 1, "B": "a"}})
    packed = tmp_path / "book.xlsx.gz"
    packed.write_bytes(gzip.compress(book.read_bytes()))
    assert read_file(packed).rows == [(1, "a")]


@pytest.mark.parametrize(
    ("rows", "options", "words"),
    [
        ({1: HEADER}, {"sheet": "Costs"}, "no sheet 'Costs'; it has Prices"),
        ({}, {}, "holds no table: it has no columns"),
        ({1: HEADER, 2: {"A": 1}}, {"data_types": {"x": "INT"}}, "no column 'x'; it has id, name"),
    ],
)
def test_sheets_that_cannot_be_read_are_told(
    tmp_path: Path, rows: Rows, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidFieldError, match=words):
        read(tmp_path, rows, **options)


def test_damaged_and_exploding_workbooks_are_refused(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "book.xlsx", {1: HEADER, 2: {"A": "x" * (17 << 20)}})
    with pytest.raises(TooLargeError, match="unpacks to"):
        understand(path, path.name, ImportOptions(), folder=tmp_path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InvalidFieldError, match="damaged workbook"):
        understand(path, path.name, ImportOptions(format="xlsx"), folder=tmp_path)


def test_a_cell_far_from_all_others_is_refused_before_memory_is_taken(tmp_path: Path) -> None:
    rows: Rows = {1: HEADER, 1_048_576: {"XFD": 1}}
    path = write_workbook(tmp_path / "book.xlsx", rows)
    with pytest.raises(TooLargeError, match="spreads 3 cells over 17179869184"):
        understand(path, path.name, ImportOptions(), folder=tmp_path)


@pytest.mark.parametrize("other", ["xl/workbook.bin", "content.xml"])
def test_a_workbook_of_another_kind_is_refused(tmp_path: Path, other: str) -> None:
    path = write_workbook(tmp_path / "book.xlsx", {1: HEADER})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(other, "")
    with pytest.raises(InvalidFieldError, match="save it as XLSX"):
        understand(path, path.name, ImportOptions(), folder=tmp_path)
