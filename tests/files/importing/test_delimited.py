"""Delimited text read without a guess: every record is a row or a reject."""

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from imported_files import Read, csv_plan, parse, read_file

from headrace_server.files.importing.delimited import DelimitedParser
from headrace_server.files.importing.plan import FilePlan
from headrace_server.files.object_reader import RowFault
from headrace_server.files.records import LineBlock
from headrace_server.model.contract import Column, ColumnType, Table, UnknownColumns
from headrace_server.model.file_import import ImportOptions
from headrace_server.model.rows import RejectReason, Value

in_one_folder = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
TYPES = (
    *("BIGINT", "NUMERIC", "NUMERIC(6,2)", "DOUBLE PRECISION", "BOOLEAN", "DATE", "TIMESTAMP"),
    *("TIMESTAMP WITH TIME ZONE", "TIME", "UUID", "JSON", "TEXT", "VARCHAR(5)"),
)


def written(tmp_path: Path, data: str | bytes) -> Path:
    path = tmp_path / "file.csv"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def read(tmp_path: Path, data: str | bytes, *types: str, **changes: object) -> Read:
    return parse(written(tmp_path, data), csv_plan(*types, **changes))


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        ("1,a\n", [(1, "a")]),
        (",\n", [(None, None)]),
        ('"",""\n', [(None, "")]),
        (' 1 , a \n"2"," b "\n', [(1, " a "), (2, " b ")]),
        ('" 3 ","a""b"\n', [(3, 'a"b')]),
        ('4,"a\n,b"\n', [(4, "a\n,b")]),
        (' "5" ,  "x" \n', [(5, "x")]),
        ("6,a,,\n", [(6, "a")]),
        ('7,5" pipe\n', [(7, '5" pipe')]),
        ('8,"ab" c\n', [(8, '"ab" c')]),
        ("9,\x1e\n", [(9, "\x1e")]),
        ("\n  \n10,ü\n\t\n", [(10, "ü")]),
    ],
)
def test_fields_are_null_texts_or_values(
    tmp_path: Path, data: str, rows: list[tuple[Value, ...]]
) -> None:
    found = read(tmp_path, data, "BIGINT", "TEXT")
    assert (found.rows, found.rejects) == (rows, [])


@pytest.mark.parametrize(
    ("sql_type", "field", "reason"),
    [
        ("BIGINT", "007", "INVALID_VALUE"),
        ("BIGINT", "+7", "INVALID_VALUE"),
        ("BIGINT", "1 000", "INVALID_VALUE"),
        ("BIGINT", "1.0", "INVALID_VALUE"),
        ("BIGINT", "9223372036854775808", "OUT_OF_RANGE"),
        ("BIGINT", "-9223372036854775809", "OUT_OF_RANGE"),
        ("BIGINT", "9" * 5000, "OUT_OF_RANGE"),
        ("NUMERIC", "00.5", "INVALID_VALUE"),
        ("NUMERIC", "1'000.5", "INVALID_VALUE"),
        ("NUMERIC", "NaN", "INVALID_VALUE"),
        ("NUMERIC", "1e1001", "OUT_OF_RANGE"),
        ("NUMERIC(6,2)", "1.005", "OUT_OF_RANGE"),
        ("NUMERIC(6,2)", "12345", "OUT_OF_RANGE"),
        ("DOUBLE PRECISION", "1e309", "OUT_OF_RANGE"),
        ("DOUBLE PRECISION", "1e-310", "OUT_OF_RANGE"),
        ("DOUBLE PRECISION", "inf", "INVALID_VALUE"),
        ("DOUBLE PRECISION", "1_0", "INVALID_VALUE"),
        ("BOOLEAN", "yes", "INVALID_VALUE"),
        ("BOOLEAN", "1", "INVALID_VALUE"),
        ("DATE", "2023-02-29", "INVALID_VALUE"),
        ("DATE", "31.01.2024", "INVALID_VALUE"),
        ("DATE", "2024-01-31 00:00", "INVALID_VALUE"),
        ("TIMESTAMP", "2024-01-31 10:00:00Z", "INVALID_VALUE"),
        ("TIMESTAMP", "2024-02-30 10:00:00", "INVALID_VALUE"),
        ("TIMESTAMP", "2024-01-31 24:00:00", "INVALID_VALUE"),
        ("TIMESTAMP", "2024-01-31 10:00:00.1234567", "INVALID_VALUE"),
        ("TIMESTAMP WITH TIME ZONE", "9999-12-31T23:59:59-01:00", "INVALID_VALUE"),
        ("TIME", "10:00:00Z", "INVALID_VALUE"),
        ("UUID", "2dadea68", "INVALID_VALUE"),
        ("JSON", "{a}", "MALFORMED_JSON"),
        ("JSON", "NaN", "MALFORMED_JSON"),
        ("TEXT", "a\0b", "NUL_CHARACTER"),
        ("VARCHAR(5)", "abcdef", "TOO_LONG"),
    ],
)
def test_what_a_type_does_not_hold_is_a_reject_and_its_neighbours_are_rows(
    tmp_path: Path, sql_type: str, field: str, reason: str
) -> None:
    for quote in ("", '"'):
        found = read(tmp_path, f"1,\n2,{quote}{field}{quote}\n3,\n", "BIGINT", sql_type)
        assert found.rows == [(1, None), (3, None)]
        assert found.reasons == [(2, "b", reason)]
        (reject,) = found.rejects
        assert reject.byte_offset == 3
        assert "b " in reject.message
        assert reject.raw == f"2,{quote}{field}{quote}".replace("\0", "\\x00")


@pytest.mark.parametrize(
    ("sql_type", "field", "value"),
    [
        ("BIGINT", "-9223372036854775808", -(2**63)),
        ("BIGINT", "9223372036854775807", 2**63 - 1),
        ("BIGINT", "1234567890123456789", 1234567890123456789),
        ("NUMERIC", "0.10", "0.10"),
        ("NUMERIC", "-.5", "-0.5"),
        ("NUMERIC", "1.5e3", "1500"),
        ("NUMERIC", "9" * 40 + ".1", "9" * 40 + ".1"),
        ("NUMERIC(6,2)", "1.500", "1.50"),
        ("DOUBLE PRECISION", "0.123456789012345", 0.123456789012345),
        ("DOUBLE PRECISION", "0e-400", 0.0),
        ("BOOLEAN", "TRUE", True),
        ("BOOLEAN", "False", False),
        ("DATE", "2024-02-29", "2024-02-29"),
        ("TIMESTAMP", "2024-01-31", "2024-01-31T00:00:00"),
        ("TIMESTAMP", "2024-01-31t9:05", "2024-01-31T09:05:00"),
        ("TIMESTAMP", "2024-01-31 10:00:00.5", "2024-01-31T10:00:00.500000"),
        ("TIMESTAMP", "2024-01-31 10:00:00.123456000", "2024-01-31T10:00:00.123456"),
        ("TIMESTAMP WITH TIME ZONE", "2024-01-31 10:00:00 +0530", "2024-01-31T04:30:00Z"),
        ("TIMESTAMP WITH TIME ZONE", "2024-01-31T10:00:00z", "2024-01-31T10:00:00Z"),
        ("TIMESTAMP WITH TIME ZONE", "2024-01-31 10:00 UTC", "2024-01-31T10:00:00Z"),
        ("TIME", "9:05", "09:05:00"),
        ("UUID", "2DADEA68-E328-4C96-844A-BA06ED89F6BE", "2dadea68-e328-4c96-844a-ba06ed89f6be"),
    ],
)
def test_values_are_carried_as_exactly_as_they_are_written(
    tmp_path: Path, sql_type: str, field: str, value: Value
) -> None:
    found = read(tmp_path, f"1,{field}\n2,\n", "BIGINT", sql_type)
    assert (found.rows, found.rejects) == ([(1, value), (2, None)], [])


def test_json_is_carried_as_it_came(tmp_path: Path) -> None:
    found = read(tmp_path, '1,"{""a"": [1.50]}"\n', "BIGINT", "JSON")
    assert found.rows == [(1, '{"a": [1.50]}')]


def test_types_that_somebody_gave_take_more_spellings(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b,c\n+1,yes,+1.5\n2,0,2\n3,maybe,3\n")
    options = ImportOptions(data_types={"a": "INT", "b": "bool", "c": "numeric(3,1)"})
    found = read_file(path, options)
    assert found.rows == [(1, True, "1.5"), (2, False, "2")]
    assert found.reasons == [(4, "b", "INVALID_VALUE")]


def test_decimal_commas_and_days_are_read_as_the_plan_says(tmp_path: Path) -> None:
    path = written(tmp_path, "a;b;c\n" + "1,5;31.12.99;1/2/2024 10:30\n" * 3)
    found = read_file(path)
    assert found.plan.sql_types() == {"a": "NUMERIC", "b": "DATE", "c": "TIMESTAMP"}
    assert found.rows[0] == ("1.5", "1999-12-31", "2024-02-01T10:30:00")
    path = written(tmp_path, "a;b;c\n1.5;;\n;30.02.24;\n;1999-12-31;\n;;1/2/24 10:30\n")
    found = parse(path, found.plan, target_bytes=1)
    assert found.rows == []
    assert [(line, column) for line, column, _ in found.reasons] == [
        (2, "a"),
        (3, "b"),
        (4, "b"),
        (5, "c"),
    ]
    assert (
        found.rejects[1].message
        == "b takes a day such as 2011-01-31 written %d.%m.%y; found '30.02.24'"
    )


@pytest.mark.parametrize(
    ("record", "found"), [("1", 1), ("1,a,b", 3), ("1,a,b,,", 5), ('1,"a,b', 3)]
)
def test_records_of_other_widths_are_rejects_that_tell_both(
    tmp_path: Path, record: str, found: int
) -> None:
    read_ = read(tmp_path, f"{record}\n2,b\n", "BIGINT", "TEXT")
    assert read_.rows == [(2, "b")]
    assert read_.reasons == [(1, None, "WRONG_FIELD_COUNT")]
    assert read_.rejects[0].message == f"the record has {found} fields; the file has 2 columns"


def test_bytes_that_are_no_utf8_spoil_their_record_only(tmp_path: Path) -> None:
    found = read(tmp_path, b'1,\xff\n2,"b"\n3,c\n', "BIGINT", "TEXT")
    assert found.rows == [(2, "b"), (3, "c")]
    assert found.reasons == [(1, None, "INVALID_UTF8")]
    assert found.rejects[0].message == "the record is not UTF-8 at its byte 3"
    assert found.rejects[0].raw == "1,\\xff"


def test_null_values_are_null_quoted_or_not(tmp_path: Path) -> None:
    data = '1,NA,NA\n2,"NA"," NA "\nNA,NAN,x\n'
    found = read(tmp_path, data, "BIGINT", "TEXT", "DATE", null_values=("NA",))
    assert found.rows == [(1, None, None), (2, None, None)]
    assert found.reasons == [(3, "c", "INVALID_VALUE")]
    found = read(tmp_path, "NA,a,\n,b,\n", "BIGINT", "TEXT", "DATE", null_values=("NA",))
    assert found.rows == [(None, "a", None), (None, "b", None)]


def test_comments_are_no_records(tmp_path: Path) -> None:
    found = read(tmp_path, "#x\n1,a\n# 2,b\n3,#c\n", "BIGINT", "TEXT", comment="#")
    assert (found.rows, found.lines) == ([(1, "a"), (3, "#c")], [2, 4])


def test_files_of_one_column_are_read_line_by_line(tmp_path: Path) -> None:
    data = '1\n\n"2"\n3,4\n'
    found = read(tmp_path, data, "BIGINT", delimiter=None)
    assert found.rows == [(1,), (2,)]
    assert found.reasons == [(4, "a", "INVALID_VALUE")]
    assert read(tmp_path, "a,b\nc\n", "TEXT", delimiter=None).rows == [("a,b",), ("c",)]
    assert read(tmp_path, '"a" b\n"c"\n', "TEXT", delimiter=None).rows == [('"a" b',), ("c",)]


@pytest.mark.parametrize("delimiter", ["\t", " ", ";", "|", "^", "]", "-", "¦", "\x1e", "\x1f"])
def test_fields_are_parted_by_any_character(tmp_path: Path, delimiter: str) -> None:
    data = f'1{delimiter}a\n2{delimiter}"b{delimiter}"\n{delimiter}\n'
    found = read(tmp_path, data, "BIGINT", "TEXT", delimiter=delimiter)
    assert (found.rows, found.rejects) == ([(1, "a"), (2, f"b{delimiter}"), (None, None)], [])


def test_escaped_and_other_quotes_are_taken_off(tmp_path: Path) -> None:
    data = "1,'it\\'s'\n2,'a\\\\'\n3,'b''c'\n4,'\\n'\n5,''\n6,\\'\n"
    found = read(tmp_path, data, "BIGINT", "TEXT", quote="'", escape="\\")
    assert [row[1] for row in found.rows] == ["it's", "a\\", "b'c", "\\n", "", "\\'"]
    data = "1,'x'\n2,'y'\n3,''\n"
    found = read(tmp_path, data, "BIGINT", "TEXT", quote="'", escape="\\")
    assert [row[1] for row in found.rows] == ["x", "y", ""]


def test_columns_belong_together_by_name_and_the_others_are_rescued(tmp_path: Path) -> None:
    text = Column("b", ColumnType.STRING, nullable=True)
    rescue = Column("_rescued", ColumnType.JSON, nullable=True)
    table = Table(
        "t",
        (Column("z", ColumnType.DATE, nullable=True), text, rescue),
        (),
        unknown_columns=UnknownColumns.RESCUE,
        rescue_column="_rescued",
    )
    data = '1,x,ü\n,y,\n"","z",\n2,w,"a\0"\n3,v,\\u0000\n'
    found = parse(written(tmp_path, data), csv_plan("BIGINT", "TEXT", "TEXT"), table)
    rescued = [None if row[2] is None else json.loads(str(row[2])) for row in found.rows]
    assert [row[:2] for row in found.rows] == [(None, each) for each in "xyzv"]
    assert rescued == [{"a": "1", "c": "ü"}, None, {"a": ""}, {"a": "3", "c": "\\u0000"}]
    assert found.reasons == [(4, "_rescued", "NUL_CHARACTER")]
    dropped = parse(written(tmp_path, "1,x,ü\n"), found.plan, Table("t", (text,), ()))
    assert dropped.rows == [("x",)]


def test_values_that_a_table_requires_are_missed_by_name(tmp_path: Path) -> None:
    columns = (Column("a", ColumnType.INTEGER), Column("b", ColumnType.STRING))
    plan = csv_plan("BIGINT", "TEXT")
    found = parse(written(tmp_path, '1,x\n,y\n2,\n3,""\n'), plan, Table("t", columns, ()))
    assert found.rows == [(1, "x"), (3, "")]
    assert found.reasons == [(2, "a", "NULL_VALUE"), (3, "b", "NULL_VALUE")]
    table = Table("t", (*columns, Column("z", ColumnType.DATE)), ())
    found = parse(written(tmp_path, "1,x\n"), plan, table)
    assert found.reasons == [(1, "z", "MISSING_COLUMN")]


def test_rules_of_a_table_hold_for_its_columns(tmp_path: Path) -> None:
    columns = (
        Column("a", ColumnType.INTEGER, nullable=True, minimum="2"),
        Column("b", ColumnType.STRING, nullable=True, pattern="[a-z]+"),
    )
    found = parse(
        written(tmp_path, "1,x\n2,X\n3,x\n,\n"), csv_plan("BIGINT", "TEXT"), Table("t", columns, ())
    )
    assert found.rows == [(3, "x"), (None, None)]
    assert found.reasons == [(1, "a", "OUT_OF_RANGE"), (2, "b", "PATTERN_MISMATCH")]


def test_rejects_that_are_read_again_keep_their_places() -> None:
    plan = csv_plan("BIGINT", "TEXT")
    parser = DelimitedParser(Table("t", plan.table_columns(), ()), plan)
    raws = [b"1,a", b'2,"x\ny"', b"", b"3\n,b", b"4,a\nb", b"x,d", b"5,e"]
    rows, rejects = parser.parse_block(
        LineBlock([2, 9, 11, 12, 20, 30, 31], [0, 10, 20, 30, 40, 50, 60], raws)
    )
    assert list(zip(rows.lines, rows.byte_offsets, *rows.columns, strict=True)) == [
        (2, 0, 1, "a"),
        (9, 10, 2, "x\ny"),
        (31, 60, 5, "e"),
    ]
    assert [(each.line, each.reason) for each in rejects] == [
        (12, RejectReason.WRONG_FIELD_COUNT),
        (20, RejectReason.WRONG_FIELD_COUNT),
        (30, RejectReason.INVALID_VALUE),
    ]
    assert "quotes would hold it" in rejects[0].message


#: what people write, and what only looks like it
FIELDS = st.one_of(
    st.sampled_from(
        [
            *("", '""', " ", "0", "-0", "007", "+1", "1.50", "1,5", "1e3", "1E-400", "true", "F"),
            *("9223372036854775807", "-9223372036854775809", "0.1234567890123456789", "1.005"),
            *("2024-01-31", "2023-02-29", "31.01.2024", "2024-01-31 10:00:00", "10:00", "NA"),
            *("2024-01-31T10:00:00Z", "2024-01-31T10:00:00.123456789", "24:00:00", "{", "\0"),
            *("9999-12-31T23:59:59-01:00", "2dadea68-e328-4c96-844a-ba06ed89f6be", "abcdef"),
            *('"{""a"":1}"', '" 1"'),
        ]
    ),
    st.integers().map(str),
    st.floats().map(str),
    st.text(st.sampled_from('a"\\, \x1eü\0#1'), max_size=6),
)
RECORDS = st.lists(st.lists(FIELDS, min_size=13, max_size=13), min_size=1, max_size=4)


def careful(plan: FilePlan, table: Table, raw: bytes) -> list[Value] | RejectReason:
    try:
        return DelimitedParser(table, plan).read(raw)
    except RowFault as fault:
        return fault.reason


@settings(deadline=None, max_examples=120)
@given(
    RECORDS,
    st.sampled_from([(), ("NA", "1")]),
    st.sampled_from([None, "\\"]),
    st.booleans(),
    st.booleans(),
)
def test_both_paths_agree_on_every_record(
    records: list[list[str]],
    null_values: tuple[str, ...],
    escape: str | None,
    given_: bool,
    nullable: bool,
) -> None:
    plan = csv_plan(*TYPES, null_values=null_values, escape=escape)
    columns = [column for column in plan.table_columns() if nullable or column.name != "l"]
    rules = Column("l", ColumnType.STRING, pattern="[^b]*")
    table = Table("t", tuple(columns if nullable else [*columns, rules]), ())
    raws = [",".join(fields).encode() for fields in records]
    parser = DelimitedParser(table, plan)
    rows, rejects = parser.parse_block(LineBlock(range(len(raws)), range(len(raws)), raws))
    found: dict[int, object] = dict(
        zip(rows.lines, map(list, zip(*rows.columns, strict=True)), strict=True)
    )
    found |= {reject.line: reject.reason for reject in rejects}
    alone = {place: careful(plan, table, raw) for place, raw in enumerate(raws)}
    assert repr(sorted(found.items())) == repr(sorted(alone.items()))


TEXTS = st.text(st.sampled_from("ab,;\"'\n\r\t \\#ü€1.-\x1e\x85"), max_size=8)
QUOTING = st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])


@in_one_folder
@given(
    st.lists(st.tuples(TEXTS, TEXTS, st.integers(-5, 5)), min_size=1, max_size=6),
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n", "\r"]),
    QUOTING,
    st.integers(1, 50),
)
def test_what_csv_writers_write_comes_back(
    tmp_path: Path,
    rows: list[tuple[str, str, int]],
    delimiter: str,
    line_end: str,
    quoting: int,
    target: int,
) -> None:
    file = io.StringIO()
    writer = csv.writer(
        file,
        delimiter=delimiter,
        lineterminator=line_end,
        quoting=quoting,  # type: ignore[arg-type]
    )
    writer.writerows(rows)
    plan = csv_plan("TEXT", "TEXT", "BIGINT", delimiter=delimiter)
    found = parse(written(tmp_path, file.getvalue()), plan, target_bytes=target)
    assert (found.rows, found.rejects) == (rows, [])


@in_one_folder
@given(st.text(st.sampled_from('1a,"\n\r \\#'), max_size=60), st.integers(1, 20))
def test_every_record_is_a_row_or_a_reject(tmp_path: Path, text: str, target: int) -> None:
    found = read(tmp_path, text, "BIGINT", "VARCHAR(5)", comment="#")
    again = parse(tmp_path / "file.csv", found.plan, target_bytes=target)
    assert (again.rows, again.reasons) == (found.rows, found.reasons)
    lines = sorted([*found.lines, *(each.line for each in found.rejects)])
    assert len(set(lines)) == len(lines)
