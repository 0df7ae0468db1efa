"""What cells of workbooks hold, opened again with openpyxl."""

# ruff: noqa: DTZ001  # a database has moments of no zone

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape

from headrace_server.files.exporting.cells import LONGEST_TEXT, escaped, shortened
from headrace_server.model.query import ValueKind

from .conftest import Cell, Files, table

K = ValueKind
EAST = timezone(timedelta(hours=3))


@pytest.mark.parametrize(
    ("value", "kind", "read"),
    [
        (7, K.INTEGER, 7),
        (-(10**15) + 1, K.INTEGER, -(10**15) + 1),
        (2.5, K.FLOAT, 2.5),
        (1e-7, K.FLOAT, 1e-7),
        (Decimal("12.3400"), K.DECIMAL, 12.34),
        (Decimal("1E+3"), K.DECIMAL, 1000),
        (Decimal("0.00000000000123456789012345"), K.DECIMAL, 1.23456789012345e-12),
        (True, K.BOOLEAN, True),
        (False, K.BOOLEAN, False),
        (date(2024, 2, 29), K.DATE, datetime(2024, 2, 29)),
        ("2024-02-29", K.DATE, datetime(2024, 2, 29)),
        ("2024-02-30", K.DATE, "2024-02-30"),
        (datetime(2024, 6, 1, 23, 59, 59), K.DATETIME, datetime(2024, 6, 1, 23, 59, 59)),
        (datetime(2024, 6, 1, 2, tzinfo=EAST), K.TIMESTAMP, datetime(2024, 5, 31, 23)),
        (time(6, 30), K.TIME, time(6, 30)),
        ("text & <more>", K.STRING, "text & <more>"),
        (UUID(int=1), K.UUID, "00000000-0000-0000-0000-000000000001"),
        (b"\x00\xff", K.BYTES, "00ff"),
        ([1, None, "é"], K.STRING, '[1, null, "é"]'),
        (None, K.STRING, None),
    ],
)
def test_values_keep_what_they_are(cell: Cell, value: Any, kind: ValueKind, read: Any) -> None:
    assert cell(value, kind).value == read


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\n@a"])
def test_what_looks_like_a_formula_is_a_text(cell: Cell, text: str) -> None:
    found = cell(text, K.STRING)
    assert (found.data_type, found.value, found.quotePrefix) == ("s", text, True)


@pytest.mark.parametrize(
    ("value", "kind", "text", "words"),
    [
        (10**15, K.INTEGER, "1000000000000000", "of more than 15 digits"),
        (2**63 - 1, K.INTEGER, "9223372036854775807", "of more than 15 digits"),
        (Decimal("1234567890123456.7"), K.DECIMAL, "1234567890123456.7", "of more than 15"),
        (Decimal("1E+400"), K.DECIMAL, f"1{'0' * 400}", "of more than 15 digits"),
        (Decimal(-(10**400)), K.DECIMAL, f"-1{'0' * 400}", "of more than 15 digits"),
        (float("nan"), K.FLOAT, "NaN", "NaN, Infinity"),
        (float("inf"), K.FLOAT, "Infinity", "NaN, Infinity"),
        (float("-inf"), K.FLOAT, "-Infinity", "NaN, Infinity"),
        (Decimal("NaN"), K.DECIMAL, "NaN", "NaN, Infinity"),
        (date(1900, 2, 28), K.DATE, "1900-02-28", "before March 1900"),
        (datetime(1815, 6, 18, 11), K.DATETIME, "1815-06-18 11:00:00", "before March 1900"),
    ],
)
def test_what_excel_has_not_is_a_text_and_told(
    files: Files, value: Any, kind: ValueKind, text: str, words: str
) -> None:
    written = files.write(*table({"a": kind}, [value]))
    (warning,) = written.warnings
    assert warning.endswith("(1 value)")
    assert words in warning
    book = files.book(*table({"a": kind}, [value]))
    assert book["Data"]["A2"].value == text
    assert book["Notes"]["A2"].value == warning


def test_long_fractions_are_rounded_and_told(files: Files) -> None:
    third = Decimal(10) / Decimal(3)
    messages = table({"a": K.DECIMAL}, [third], [Decimal("2.5000000000000000")])
    assert files.write(*messages).warnings == (
        "a: fractions are rounded to 15 digits, because Excel holds no more (1 value)",
    )
    sheet = files.book(*messages)["Data"]
    assert (sheet["A2"].value, sheet["A3"].value) == (pytest.approx(10 / 3), 2.5)


@pytest.mark.parametrize("mark", ["x", "\U0001f680"])
def test_texts_that_no_cell_holds_end_early_and_are_told(files: Files, mark: str) -> None:
    text = mark * 40_000
    written = files.write(*table({"a": K.STRING}, ["short"], [text]))
    assert written.warnings == (
        "a: texts end with … after 32767 characters, because a cell holds no more (1 value)",
    )
    found = files.book(*table({"a": K.STRING}, ["short"], [text]))["Data"]["A3"].value
    assert found.endswith("…")
    assert text.startswith(found[:-1])
    assert LONGEST_TEXT - 1 <= len(found.encode("utf-16-le")) // 2 <= LONGEST_TEXT


def test_the_longest_text_that_a_cell_holds_is_whole() -> None:
    assert shortened("x" * LONGEST_TEXT) == "x" * LONGEST_TEXT


@given(st.lists(st.text(max_size=8), min_size=1, max_size=5))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_text_comes_back(files: Files, texts: list[str]) -> None:
    sheet = files.book(*table({"a": K.STRING}, *([text] for text in texts)))["Data"]
    for row, text in enumerate(texts, 2):
        found = sheet.cell(row, 1).value or ""
        sent = text.encode("utf-8", "replace").decode().replace("\r", "_x000D_")
        assert unescape(found) == unescape(sent) or unescape(found) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a\x07b", "a_x0007_b"),
        ("_x0041_", "_x005F_x0041_"),
        ("\ufffe\udcff", "_xFFFE_?"),
        ("a<b>&c", "a&lt;b&gt;&amp;c"),
    ],
)
def test_characters_that_xml_has_not_are_escaped(text: str, written: str) -> None:
    assert escaped(text) == written


def test_values_of_several_types_in_a_column_keep_theirs(files: Files) -> None:
    values: list[Any] = [1, "one", None, 2.5, date(2024, 1, 1), True]
    sheet = files.book(*table({"a": K.ANY}, *([value] for value in values)))["Data"]
    assert [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)] == [
        1, "one", None, 2.5, datetime(2024, 1, 1), True,
    ]  # fmt: skip


def test_moments_with_a_zone_say_theirs(files: Files) -> None:
    moment = datetime(2024, 6, 1, tzinfo=UTC)
    sheet = files.book(*table({"at": K.TIMESTAMP}, [moment]))["Data"]
    assert sheet["A1"].value == "at (UTC)"


def test_numbers_nearer_to_zero_than_any_of_excel_are_zero_and_told(files: Files) -> None:
    messages = table({"a": K.DECIMAL}, [Decimal("1E-400")])
    assert "rounded to 15 digits" in files.write(*messages).warnings[0]
    assert files.book(*messages)["Data"]["A2"].value == 0


def test_numbers_that_no_cell_holds_end_early_and_are_told(files: Files) -> None:
    messages = table({"a": K.DECIMAL}, [Decimal("1" * 40_000)])
    assert "no more (1 value)" in files.write(*messages).warnings[1]
    assert len(files.book(*messages)["Data"]["A2"].value) == LONGEST_TEXT
