"""Delimited text understood by a sample."""

from pathlib import Path
from typing import Any

import pytest
from imported_files import Read, read_file

from headrace_server.files.importing.plan import FilePlan
from headrace_server.files.importing.understanding import understand
from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.file_import import ImportOptions


def plan_of(tmp_path: Path, data: str | bytes, **options: Any) -> FilePlan:
    path = tmp_path / "file.csv"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return understand(path, path.name, ImportOptions(**options), folder=tmp_path)


def read(tmp_path: Path, data: str | bytes, **options: Any) -> Read:
    plan_of(tmp_path, data, **options)
    return read_file(tmp_path / "file.csv", ImportOptions(**options))


def test_what_stands_before_the_table_is_passed(tmp_path: Path) -> None:
    data = "Prices\r\n\r\n# of today\r\nid;name\r\n1;a\r\n# not this\r\n2;b\r\n3;c\r\n"
    found = read(tmp_path, data)
    assert (found.plan.first_line, found.plan.comment, found.plan.delimiter) == (5, "#", ";")
    assert (found.lines, found.rows) == ([5, 7, 8], [(1, "a"), (2, "b"), (3, "c")])


def test_what_was_given_is_not_found_out(tmp_path: Path) -> None:
    data = "x\n1|'a\\'|'\n2|b\n"
    found = read(
        tmp_path,
        data,
        delimiter="|",
        quote="'",
        escape="\\",
        has_header=False,
        skip_lines=1,
        comment="",
        null_values=("b",),
    )
    assert found.rows == [(1, "a'|"), (2, None)]
    assert (found.plan.has_header, found.plan.first_line) == (False, 2)
    assert list(found.plan.sql_types()) == ["column_1", "column_2"]


def test_a_table_of_tabs_is_one_whatever_its_name(tmp_path: Path) -> None:
    assert plan_of(tmp_path, "a\tb\n1\t2\n").format == "tsv"
    assert plan_of(tmp_path, "a b\tc\n1 2\t3\n", format="tsv").format == "tsv"


def test_quotes_may_come_after_the_sample(tmp_path: Path) -> None:
    data = "id,name\n" + "1,a\n" * 50 + '2,"b,c"\n'
    found = read(tmp_path, data, sample_bytes=100)
    assert (found.plan.quote, found.rows[-1]) == ('"', (2, "b,c"))
    assert plan_of(tmp_path, 'id,inch\n1,"5\n2,"6\n').quote is None


def test_text_of_old_machines_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, b"id,name\r1,a\r2,b\r")
    assert (found.plan.line_end, found.lines) == ("\r", [2, 3])
    assert found.rows == [(1, "a"), (2, "b")]
    found = read(tmp_path, "id;name\r\n1;käse\r\n2;öl\r\n".encode("utf-16"))
    assert found.rows == [(1, "käse"), (2, "öl")]


def test_types_that_a_value_of_the_sample_breaks_are_widened(tmp_path: Path) -> None:
    data = "a,b,c,d,e\n2023-02-28,+1,10:00Z,9223372036854775808,007\n2023-02-29,2,10:00,1,8\n"
    types = plan_of(tmp_path, data).sql_types()
    assert list(types.values()) == ["TEXT", "TEXT", "TEXT", "NUMERIC", "VARCHAR(255)"]


def test_null_values_say_nothing_of_types(tmp_path: Path) -> None:
    found = read(tmp_path, "a,b\n1,x\nNA,y\n", null_values=("NA",))
    assert found.rows == [(1, "x"), (None, "y")]


def test_columns_at_the_end_with_neither_name_nor_value_are_none(tmp_path: Path) -> None:
    found = read(tmp_path, "a,b,,\n1,x,,\n2,y,,\n")
    assert (list(found.plan.sql_types()), found.rows) == (["a", "b"], [(1, "x"), (2, "y")])
    assert list(plan_of(tmp_path, "a,b,,\n1,x,,\n2,y,,5\n").sql_types()) == [
        *("a", "b", "column_3", "column_4")
    ]


def test_a_table_without_rows_has_columns_and_no_records(tmp_path: Path) -> None:
    found = read(tmp_path, "id,name\n", has_header=True)
    assert (list(found.plan.sql_types()), found.rows) == (["id", "name"], [])
    with pytest.raises(InvalidFieldError, match="holds no table: it has no columns"):
        plan_of(tmp_path, "")


def test_a_first_record_longer_than_the_sample_is_not_passed(tmp_path: Path) -> None:
    data = f'id,name\n1,"{"x" * 5000}\ny"\n2,b\n'
    found = read(tmp_path, data, sample_bytes=1000, has_header=True)
    assert (found.plan.first_line, found.lines) == (2, [2, 4])
    assert [row[0] for row in found.rows] == [1, 2]


def test_a_first_record_that_nobody_could_hold_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidFieldError, match="no whole record in its first 33554432 bytes"):
        plan_of(tmp_path, b"id,name\n1," + bytes(b"x" * (33 << 20)), has_header=True)
