"""Spellings told by most values."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imported_files import read_file

from headrace_server.files.importing.fields import reads
from headrace_server.files.importing.plan import PlannedColumn
from headrace_server.files.importing.spellings import _BEGINNING, _spellings, spelled
from headrace_server.model.file_import import ImportOptions

#: what numbers and days are written with, in any order
_ALMOST = r"[ +.,\-(]{0,2}[0-9A-Za-z]{1,4}([-./:, TZ+eE]{1,2}[0-9]{1,4}){0,6} ?"


def told(sql_type: str, *texts: str, given: bool = True) -> tuple[str, str]:
    column = spelled(PlannedColumn("a", 0, "a", sql_type, given=given), texts)
    assert (column.sql_type, column.given) == (sql_type, given)
    return column.decimal_mark, column.date_format


@pytest.mark.parametrize(
    ("sql_type", "texts", "spelling"),
    [
        ("NUMERIC(8,2)", ["249,00", "19,90", "on request"], (",", "")),
        ("DOUBLE PRECISION", ["1,5", "2,5", "3.5"], (",", "")),
        ("NUMERIC", ["1,5", "2.5"], (".", "")),
        ("NUMERIC", ["1", "2"], (".", "")),
        ("NUMERIC", [], (".", "")),
        ("BIGINT", ["1,5"], (".", "")),
        ("DATE", ["31.12.2024", "1.1.2025", "unknown"], (".", "%d.%m.%Y")),
        ("DATE", ["1/2/2024", "?"], (".", "%d/%m/%Y")),
        ("DATE", ["1/2/2024", "12/31/2024", "?"], (".", "%m/%d/%Y")),
        ("DATE", ["2024-12-31", "?"], (".", "")),
        ("TIMESTAMP", ["31.12.24 9:05", "?"], (".", "%d.%m.%y %H:%M")),
        ("TIMESTAMP WITH TIME ZONE", ["2024/12/31 09:05:06", "?"], (".", "%Y/%m/%d %H:%M:%S")),
    ],
)
def test_of_given_types_most_values_tell(
    sql_type: str, texts: list[str], spelling: tuple[str, str]
) -> None:
    assert told(sql_type, *texts) == spelling


def test_of_texts_more_than_half_tell() -> None:
    assert told("TEXT", "1,5", "2,5", "x", given=False) == (",", "")
    assert told("TEXT", "1,5", "x", given=False) == (".", "")
    assert told("VARCHAR(255)", "1.2.2024", "?", "3.4.2024", " ", given=False) == (".", "%d.%m.%Y")
    assert told("BIGINT", "1,5", given=False) == (".", "")


def test_a_text_does_not_hide_the_decimal_commas_of_a_given_type(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("sku;price\nA;249,00\nB;19,90\nC;auf Anfrage\n")
    found = read_file(path, ImportOptions(data_types={"price": "NUMERIC(8,2)"}))
    assert found.rows == [("A", "249.00"), ("B", "19.90")]
    assert found.reasons == [(4, "price", "INVALID_VALUE")]
    assert read_file(path).rows == [("A", "249,00"), ("B", "19,90"), ("C", "auf Anfrage")]


@given(st.sampled_from(["NUMERIC", "TIMESTAMP"]), st.from_regex(_ALMOST, fullmatch=True))
def test_whatever_may_stand_behind_a_text_begins_as_numbers_and_days_do(
    sql_type: str, text: str
) -> None:
    given_type = PlannedColumn("a", 0, "a", sql_type, given=True)
    if any(reads(each, text) for each in _spellings(given_type)):
        assert _BEGINNING.match(text.strip()) or not text.strip()
