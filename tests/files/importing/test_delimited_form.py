"""The form of delimited text, and what stands between quotes."""

import pytest
from imported_files import csv_plan

from headrace_server.files.importing.delimited_form import (
    RECORD_END,
    DelimitedForm,
    count_lines,
    end_of_lines,
    form_of,
)


@pytest.mark.parametrize(
    ("data", "lines", "end"),
    [(b"", 0, 0), (b"a\nb", 1, 2), (b"a\r\nb\r\n", 2, 6), (b"a\rb\n\r\n", 3, 6)],
)
def test_lines_end_in_any_way(data: bytes, lines: int, end: int) -> None:
    assert count_lines(data) == lines
    assert end_of_lines(data, 99) == (end, lines)
    assert end_of_lines(data, 0) == (0, 0)


@pytest.mark.parametrize(
    ("quote", "escape", "inside", "text"),
    [
        ('"', None, 'a""b', 'a"b'),
        ('"', None, "a\\b", "a\\b"),
        ('"', "\\", 'a\\"b', 'a"b'),
        ('"', "\\", "a\\\\b\\n", "a\\b\\n"),
        ("'", "^", "a''b^'", "a'b'"),
        ('"', '"', '""', '"'),
        ('"', '"', 'a""""b""', 'a""b"'),
    ],
)
def test_quotes_inside_are_doubled_or_escaped(
    quote: str, escape: str | None, inside: str, text: str
) -> None:
    assert DelimitedForm(csv_plan("TEXT", quote=quote, escape=escape)).unquoted(inside) == text


def test_a_form_is_made_once() -> None:
    assert form_of(csv_plan("TEXT")) is form_of(csv_plan("TEXT"))


def test_records_that_are_not_regular_are_whole_in_the_last_group() -> None:
    regular = DelimitedForm(csv_plan("TEXT", "TEXT")).regular_records(2)
    texts = ['1,"a\n"', "2", '3,"b" ', '4,5"', '5,"c', ' "6",d']
    found = regular.findall("".join(text + RECORD_END for text in texts))
    assert found == [
        ("1", '"a\n"', ""),
        ("", "", "2"),
        ("", "", '3,"b" '),
        ("4", '5"', ""),
        ("", "", '5,"c'),
        ("", "", ' "6",d'),
    ]


def test_time_is_linear_in_text_that_looks_open() -> None:
    form = DelimitedForm(csv_plan("TEXT", "TEXT"))
    data = b'"a\n' * 100_000
    whole = form.whole_records(at_end=True).match(data)
    assert whole
    assert whole.end() == len(data)
    assert len(form.each_record().findall(data)) == 100_000
