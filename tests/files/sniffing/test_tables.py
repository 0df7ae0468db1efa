import csv
import io
from datetime import date
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, example, settings
from hypothesis import given as generated
from hypothesis import strategies as st

from headrace_server.files.sniffing.findings import ColumnType, Dialect
from headrace_server.files.sniffing.tables import Given, sniff_table

MINIMAL: Literal[0] = csv.QUOTE_MINIMAL
ALL: Literal[1] = csv.QUOTE_ALL
WORD = st.from_regex(r"[A-Za-zÄÖÜäöüéß]{2,9}", fullmatch=True)
#: texts of people, also with what parts fields elsewhere
PHRASE = st.lists(WORD, min_size=1, max_size=3).map(" ".join)
MARKED = st.tuples(PHRASE, st.sampled_from([", ", "; ", '"', "\n", " | "]), PHRASE).map("".join)
HEADER = ["order_id", "customer", "placed", "amount"]


def _written(
    rows: list[list[str]],
    delimiter: str,
    quote: str,
    quoting: Literal[0, 1],
    end: str,
    encoding: str,
) -> bytes:
    text = io.StringIO(newline="")
    if any("\n" in field for row in rows for field in row) and quoting == MINIMAL:
        quoting = ALL
    csv.writer(
        text, delimiter=delimiter, quotechar=quote, quoting=quoting, lineterminator=end
    ).writerows(rows)
    return text.getvalue().encode(encoding)


@generated(
    rows=st.lists(
        st.tuples(
            st.integers(1, 99_999).map(str),
            PHRASE | MARKED,
            st.dates(date(1990, 1, 1), date(2030, 1, 1)).map(str),
            st.decimals(0, 10_000, places=2).map(str),
        ).map(list),
        min_size=4,
        max_size=12,
    ),
    delimiter=st.sampled_from(",;\t|"),
    quote=st.sampled_from("\"'"),
    quoting=st.sampled_from([MINIMAL, ALL]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    header=st.booleans(),
)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_a_table_in_any_dialect_is_read_back(
    rows: list[list[str]],
    delimiter: str,
    quote: str,
    quoting: Literal[0, 1],
    end: str,
    encoding: str,
    header: bool,
) -> None:
    written = [HEADER, *rows] if header else rows
    data = _written(written, delimiter, quote, quoting, end, encoding)
    table = sniff_table(data)
    assert table.rows == rows
    assert table.dialect.value.delimiter == delimiter
    assert table.has_header.value is header
    assert table.encoding.value == encoding
    names = HEADER if header else [f"column_{n}" for n in range(1, 5)]
    assert [column.name for column in table.columns] == names
    types = [column.type for column in table.columns]
    assert types == [ColumnType.INTEGER, ColumnType.STRING, ColumnType.DATE, ColumnType.FLOAT]


FIELD = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)


@generated(
    rows=st.lists(st.lists(FIELD, min_size=3, max_size=3), min_size=1, max_size=5),
    delimiter=st.sampled_from(",;\t|^"),
)
@example(rows=[["#", "", ""]], delimiter=",")
def test_what_is_given_is_taken_as_it_is(rows: list[list[str]], delimiter: str) -> None:
    rows = [row for row in rows if any(row)] or [["a", "b", "c"]]
    data = _written(rows, delimiter, '"', ALL, "\n", "utf-8")
    known = Given(
        encoding="utf-8",
        delimiter=delimiter,
        quote='"',
        has_header=False,
        skip_lines=0,
        comment="",
    )
    table = sniff_table(data, known)
    assert table.rows == rows
    assert table.confidence == 1.0


@generated(st.binary(max_size=400))
def test_any_bytes_are_some_table(sample: bytes) -> None:
    for whole in (True, False):
        table = sniff_table(sample, whole=whole)
        names = [column.name for column in table.columns]
        assert len(set(names)) == len(names)


@generated(st.text(st.sampled_from("ab1,;\"'\\#\n\r\t |"), max_size=120))
def test_any_text_is_some_table(text: str) -> None:
    table = sniff_table(text.encode())
    assert 0 <= table.confidence <= 1


def test_a_sample_ends_anywhere() -> None:
    data = b"".join(b"%d;name %d;%d,5\n" % (n, n, n) for n in range(100))
    whole = sniff_table(data)
    for end in range(400, 420):
        cut = sniff_table(data[:end], whole=False)
        assert cut.dialect.value == whole.dialect.value
        assert cut.rows == whole.rows[: len(cut.rows)]


@pytest.mark.parametrize(
    ("file", "dialect", "header", "preamble", "first", "types"),
    [
        ("comments_simple.csv", Dialect(";", None), True, 2, "a", "integer integer"),
        ("auto_backslash_escape.csv", Dialect("|", '"', "\\"), False, 0, "column_1",
         "integer string string"),
        ("auto_multi_column_string_mix_r_n.csv", Dialect("|", '"'), False, 0, "column_1",
         "integer integer integer string"),
        ("auto_multiple_skip_row.csv", Dialect(",", None), True, 2, "number", "float string date"),
        ("excel_pasting.csv", Dialect(",", '"'), True, 3, "Year", None),
        ("mixedGLB.csv", Dialect(",", None), True, 3, "Year", None),
        ("newlines_crlf.csv", Dialect(",", '"'), True, 0, "a", None),
        ("accent.csv", Dialect(";", None), True, 0, None, None),
        ("leading-zeros.csv", Dialect(None, None), True, 0, "value", "string"),
        ("issue-1232.csv", Dialect(";", None), True, 0, None, None),
        ("table.tsv", Dialect("\t", None), True, 0, "id", "integer string"),
    ],
)  # fmt: skip
def test_real_files(
    dialects: Path,
    file: str,
    dialect: Dialect,
    header: bool,
    preamble: int,
    first: str | None,
    types: str | None,
) -> None:
    table = sniff_table((dialects / file).read_bytes())
    assert table.dialect.value == dialect
    assert (table.has_header.value, table.preamble_rows) == (header, preamble)
    if first is not None:
        assert table.columns[0].name == first
    if types is not None:
        assert [column.type.value for column in table.columns] == types.split()


def test_names_behind_a_mark_of_comments() -> None:
    table = sniff_table(b"# id;name\n1;Ada\n2;Grace\n")
    assert ([column.name for column in table.columns], table.comment) == (["# id", "name"], None)
    table = sniff_table(b"# made by hand\nid;name\n1;Ada\n2;Grace\n")
    assert ([column.name for column in table.columns], table.comment) == (["id", "name"], "#")
    assert table.preamble_rows == 1


def test_lines_before_the_table_that_are_given() -> None:
    data = b"x;y\n1;2\nid;name\n1;Ada\n2;Grace\n"
    table = sniff_table(data, Given(skip_lines=2))
    assert [column.name for column in table.columns] == ["id", "name"]
    assert table.preamble_rows == 2


def test_columns_that_only_trailing_delimiters_make_are_none() -> None:
    table = sniff_table(b"id;name\n1;Ada;\n2;Grace;\n3;Edsger;\n")
    assert [column.name for column in table.columns] == ["id", "name"]


def test_an_empty_file_has_no_columns() -> None:
    table = sniff_table(b"")
    assert (table.columns, table.rows, table.line_terminator) == ((), [], "")
