import csv
import io
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace_server.files.sniffing.findings import Dialect
from headrace_server.files.sniffing.records import line_terminator, records

MINIMAL: Literal[0] = csv.QUOTE_MINIMAL
ALL: Literal[1] = csv.QUOTE_ALL
COMMAS = Dialect(",", '"')
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
AWKWARD = st.text(st.sampled_from("ab ,;\t|\"'\\\r\n#1"), max_size=8)


@given(
    rows=st.lists(st.lists(TEXT | AWKWARD, min_size=2, max_size=4), min_size=1, max_size=6),
    delimiter=st.sampled_from(",;\t|^~# "),
    quote=st.sampled_from("\"'"),
    quoting=st.sampled_from([MINIMAL, ALL]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_what_csv_writes_is_read_back(
    rows: list[list[str]], delimiter: str, quote: str, quoting: Literal[0, 1], end: str
) -> None:
    if any("\r" in field or "\n" in field for row in rows for field in row):
        quoting = ALL  # csv quotes none but its own line terminator
    text = io.StringIO(newline="")
    csv.writer(
        text, delimiter=delimiter, quotechar=quote, quoting=quoting, lineterminator=end
    ).writerows(rows)
    assert [list(row) for row in records(text.getvalue(), Dialect(delimiter, quote))] == rows


def test_a_quote_within_a_field_is_data() -> None:
    found = records('a "b" c,5" pipe\n"x" y,z\n', COMMAS)
    assert found == [['a "b" c', '5" pipe'], ['"x" y', "z"]]
    assert [record.stray for record in found] == [False, True]


def test_an_open_quote_spoils_its_own_field_only() -> None:
    assert records('"open,1\nb,2\n', COMMAS) == [['"open', "1"], ["b", "2"]]


def test_spaces_around_quotes_are_style() -> None:
    (found,) = records("'a',   'b' ,c", Dialect(",", "'"))
    assert (found, found.quoted) == (["a", "b", "c"], {0, 1})


def test_escapes() -> None:
    dialect = Dialect(",", '"', "\\")
    assert records(r'"say \"hi\", \\ \n",2', dialect) == [[r'say "hi", \ \n', "2"]]


def test_a_quote_that_escapes_itself_is_doubled() -> None:
    dialect = Dialect(",", '"', '"')
    assert records('"a","b""""c"\n"d,"', dialect) == [["a", 'b""c'], ["d,"]]


def test_lines_are_counted_within_quotes_too() -> None:
    found = records('a,"1\r\n2\n3"\r\n\nb,2', COMMAS)
    assert [record.first_line for record in found] == [0, 3, 4]


def test_a_single_column_has_one_field_a_line() -> None:
    assert records("a,b\nc", Dialect(None, None)) == [["a,b"], ["c"]]


def test_at_most_so_many() -> None:
    assert len(records("a\n" * 10, Dialect(None, None), most=3)) == 3


def test_time_is_linear_in_open_quotes() -> None:
    # Were it squared, the limit on a test's time would end it.
    assert len(records("'x,1\n" * 100_000, Dialect(",", "'"))) == 100_000


@pytest.mark.parametrize(
    ("text", "end"),
    [("a", ""), ("a\nb\n", "\n"), ("a\r\nb", "\r\n"), ("a\rb", "\r"), ("a\r\nb\n", "mixed")],
)
def test_line_terminators(text: str, end: str) -> None:
    assert line_terminator(text) == end
