"""Lines of JSON read as a plan names and types their keys."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from imported_files import Read, parse

from headrace_server.files.formats import Compression
from headrace_server.files.importing.objects import ObjectParser, holds
from headrace_server.files.importing.plan import FilePlan, PlannedColumn
from headrace_server.files.records import LineBlock
from headrace_server.model.contract import Column, ColumnType, Table, UnknownColumns
from headrace_server.model.rows import RejectReason, Value


def plan_of(*columns: PlannedColumn, **changes: object) -> FilePlan:
    known = {"encoding": "utf-8", **changes}
    return FilePlan("ndjson", Compression.NONE, columns, **known)  # type: ignore[arg-type]


def column(sql_type: str, source: str = "a", name: str = "a", **changes: object) -> PlannedColumn:
    return PlannedColumn(source, 0, name, sql_type, **changes)  # type: ignore[arg-type]


def read(tmp_path: Path, plan: FilePlan, *lines: str | bytes, table: Table | None = None) -> Read:
    path = tmp_path / "file.ndjson"
    raws = [line.encode() if isinstance(line, str) else line for line in lines]
    path.write_bytes(b"".join(raw + b"\n" for raw in raws))
    return parse(path, plan, table)


@pytest.mark.parametrize(
    ("sql_type", "raw", "value"),
    [
        ("TEXT", '"x"', "x"),
        ("TEXT", "1.50", "1.50"),
        ("TEXT", '{"b": [1]}', '{"b": [1]}'),
        ("TEXT", "true", "true"),
        ("TEXT", "null", None),
        ("BIGINT", "12", 12),
        ("NUMERIC", "1e3", "1000"),
        ("NUMERIC", '"1.50"', "1.50"),
        ("DATE", '"2024-01-31"', "2024-01-31"),
        ("TIMESTAMP", '"2024-01-31 9:05"', "2024-01-31T09:05:00"),
        ("TIMESTAMP", '"2024-01-31"', "2024-01-31T00:00:00"),
        ("TIMESTAMP WITH TIME ZONE", '"2024-01-31T10:00:00+0200"', "2024-01-31T08:00:00Z"),
        ("TIME", '"9:05"', "09:05:00"),
        ("JSON", '["a", 1.50]', '["a", 1.50]'),
    ],
)
def test_values_are_carried_as_their_types_say(
    tmp_path: Path, sql_type: str, raw: str, value: Value
) -> None:
    found = read(tmp_path, plan_of(column(sql_type)), f'{{"a": {raw}}}')
    assert (found.rows, found.rejects) == ([(value,)], [])


@pytest.mark.parametrize(
    ("sql_type", "raw", "reason"),
    [
        ("BIGINT", '"12"', "WRONG_TYPE"),
        ("BIGINT", "1.5", "WRONG_TYPE"),
        ("BOOLEAN", "1", "WRONG_TYPE"),
        ("TIMESTAMP", '"2023-02-29 10:00"', "INVALID_VALUE"),
        ("TIMESTAMP", "5", "WRONG_TYPE"),
        ("TIME", '"10:00Z"', "INVALID_VALUE"),
        ("VARCHAR(2)", '"abc"', "TOO_LONG"),
        ("VARCHAR(2)", "123", "TOO_LONG"),
        ("TEXT", '"\\u0000"', "NUL_CHARACTER"),
    ],
)
def test_what_a_type_does_not_hold_is_a_reject(
    tmp_path: Path, sql_type: str, raw: str, reason: str
) -> None:
    lines = ('{"b": 1, "a": null}', f'{{"b": 2, "a": {raw}}}', '{"b": 3}')
    found = read(tmp_path, plan_of(column("BIGINT", "b", "b"), column(sql_type)), *lines)
    assert found.rows == [(1, None), (3, None)]
    assert found.reasons == [(2, "a", reason)]
    assert found.rejects[0].raw == lines[1]


def test_types_that_were_given_take_strings_as_fields_are_written(tmp_path: Path) -> None:
    columns = (
        column("BIGINT", "n", "n", given=True),
        column("NUMERIC(8,2)", "p", "p", given=True, decimal_mark=","),
        column("BOOLEAN", "b", "b", given=True),
        column("DATE", "d", "d", given=True, date_format="%d.%m.%Y"),
    )
    found = read(
        tmp_path,
        plan_of(*columns),
        '{"n": " 12 ", "p": "19,90", "b": "yes", "d": "31.1.2024"}',
        '{"n": 12, "p": 19.90, "b": 1, "d": null}',
        '{"n": "012", "p": 1, "b": true}',
        '{"n": 1, "p": "1.5"}',
        '{"b": 2}',
        '{"d": "2024-01-31"}',
    )
    assert found.rows == [(12, "19.90", True, "2024-01-31"), (12, "19.90", True, None)]
    assert [each[:2] for each in found.reasons] == [(3, "n"), (4, "p"), (5, "b"), (6, "d")]


def test_null_values_are_null_where_they_are_strings(tmp_path: Path) -> None:
    plan = plan_of(column("BIGINT"), null_values=("NA", "1"))
    found = read(tmp_path, plan, '{"a": " NA "}', '{"a": 1}', '{"a": "1"}', '{"a": "x"}')
    assert found.rows == [(None,), (1,), (None,)]
    assert found.reasons == [(4, "a", "WRONG_TYPE")]
    table = Table("t", (Column("a", ColumnType.INTEGER),), ())
    found = read(tmp_path, plan, '{"a": "NA"}', '{"a": null}', "{}", table=table)
    assert [each[2] for each in found.reasons] == ["NULL_VALUE", "NULL_VALUE", "MISSING_COLUMN"]
    assert found.rejects[0].message == "a is required; found what stands for null"


def test_keys_belong_to_columns_of_other_names(tmp_path: Path) -> None:
    plan = plan_of(column("BIGINT", "Order ID", "order_id"), column("DATE", "Day", "day"))
    found = read(tmp_path, plan, '{"Order ID": 1}', '{"Order ID": "x"}', '{"order_id": 2}')
    assert found.rows == [(1, None)]
    assert found.reasons == [(2, "order_id", "WRONG_TYPE"), (3, "order_id", "UNKNOWN_COLUMN")]


def test_unknown_keys_are_rescued_and_one_of_the_rescue_column_keeps_its_own(
    tmp_path: Path,
) -> None:
    plan = plan_of(column("TEXT", "_rescued", "__rescued"))
    table = Table(
        "t",
        (*plan.table_columns(), Column("_rescued", ColumnType.JSON, nullable=True)),
        (),
        unknown_columns=UnknownColumns.RESCUE,
        rescue_column="_rescued",
    )
    found = read(tmp_path, plan, '{"_rescued": "x", "z": 1.50}', '{"_rescued": "y"}', table=table)
    assert found.rows[0][0] == "x"
    assert json.loads(str(found.rows[0][1]), parse_float=str) == {"z": "1.50"}
    assert found.rows[1] == ("y", None)


def test_a_column_of_the_table_that_another_key_is_called_as_is_null(tmp_path: Path) -> None:
    plan = plan_of(column("BIGINT", "a b", "a_b"), column("BIGINT", "a_b", "a_b_2"))
    others = [Column(name, ColumnType.STRING, nullable=True) for name in ("a b", "z")]
    table = Table("t", (*plan.table_columns(), *others), ())
    found = read(tmp_path, plan, '{"a b": 1, "a_b": 2, "z": "x"}', table=table)
    assert found.rows == [(1, 2, None, "x")]


def test_lines_that_are_no_objects_are_rejects(tmp_path: Path) -> None:
    lines = ("", "{", "[1]", b'{"a": "\xff"}', '{"a": 1, "a": 2}', '{"a": "ok"}')
    found = read(tmp_path, plan_of(column("TEXT")), *lines)
    assert found.rows == [("ok",)]
    assert [each[2] for each in found.reasons] == [
        "MALFORMED_JSON",
        "NOT_AN_OBJECT",
        "INVALID_UTF8",
        "DUPLICATE_COLUMN",
    ]


def test_rejects_that_are_read_again_keep_their_places() -> None:
    plan = plan_of(column("VARCHAR(1)"))
    parser = ObjectParser(Table("t", plan.table_columns(), ()), plan)
    raws = [b'{"a": "x"}', b'{"a": "xy"}\r', b'{"a": "y"}', b'{"a": "yz"}', b"["]
    rows, rejects = parser.parse_block(LineBlock([3, 7, 8, 20, 25], [30, 70, 80, 200, 250], raws))
    assert (list(rows.lines), list(rows.byte_offsets)) == ([3, 8], [30, 80])
    assert [(each.line, each.byte_offset, each.raw, each.reason) for each in rejects] == [
        (7, 70, '{"a": "xy"}', RejectReason.TOO_LONG),
        (20, 200, '{"a": "yz"}', RejectReason.TOO_LONG),
        (25, 250, "[", RejectReason.MALFORMED_JSON),
    ]


def test_a_column_holds_what_it_takes_of_all_rows() -> None:
    number = column("BIGINT")
    assert holds(number, [{"a": 1}, {"a": None}, {}], frozenset())
    assert not holds(number, [{"a": 1}, {"a": "NA"}], frozenset())
    assert holds(number, [{"a": 1}, {"a": "NA"}], frozenset({"NA"}))
    assert holds(replace(number, sql_type="TEXT"), [{"a": {"b": [1]}}], frozenset())
