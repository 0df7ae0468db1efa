"""CSV, read again with Python's own reader."""

import csv
import gzip
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace_server.model.export import ExportFormat
from headrace_server.model.query import ValueKind

from .conftest import Files, table

K = ValueKind


def test_values_are_written_without_loss(files: Files) -> None:
    row: list[Any] = [
        2**70, Decimal("1.500"), 0.1, True, date(2024, 1, 2),
        datetime(2024, 1, 2, 3, tzinfo=UTC), b"\x01", [1, "a"], None, "",
    ]  # fmt: skip
    names = "abcdefghij"
    text = files.text(*table(dict.fromkeys(names, K.ANY), row))
    assert text == (
        "a,b,c,d,e,f,g,h,i,j\r\n"
        '1180591620717411303424,1.500,0.1,true,2024-01-02,2024-01-02 03:00:00+00:00,01,"[1, ""a""]"'
        ',,""\r\n'
    )


@given(st.lists(st.tuples(st.text(max_size=6), st.text(max_size=6)), max_size=5))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_text_comes_back(files: Files, rows: list[tuple[str, str]]) -> None:
    text = files.text(*table({"a": K.STRING, "b": K.STRING}, *rows))
    found = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert found[0] == ["a", "b"]
    assert [tuple(row) for row in found[1:]] == [
        tuple(value.encode("utf-8", "replace").decode() for value in row) for row in rows
    ]


def test_formulas_are_left_unless_they_are_to_be_escaped(files: Files) -> None:
    rows: list[list[Any]] = [["=1+1"], [" @a"], ["\tb"], ["-5"], ["plain"], [-5]]
    plain = files.text(*table({"a": K.ANY}, *rows))
    assert plain.splitlines()[1] == "=1+1"
    escaped = files.text(*table({"a": K.ANY}, *rows), escape_formulas=True)
    assert escaped.splitlines()[1:] == ["'=1+1", "' @a", "'\tb", "'-5", "plain", "-5"]


def test_a_packed_file_is_gzip(files: Files) -> None:
    written = files.write(*table({"a": K.INTEGER}, [1]), format=ExportFormat.CSV, gzip=True)
    assert gzip.decompress(files.path.read_bytes()) == b"a\r\n1\r\n"
    assert (written.rows, written.sheets, written.warnings) == (1, (), ())


def test_no_rows_and_more_rows(files: Files) -> None:
    assert files.text(*table({"a": K.INTEGER, "b,c": K.STRING})) == 'a,"b,c"\r\n'
    written = files.write(*table({"a": K.INTEGER}, [1], truncated=True), format=ExportFormat.CSV)
    assert written.truncated
    assert written.warnings == ("only 1 row was asked for; there are more",)
