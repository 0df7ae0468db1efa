"""Whole files looked at, so that their columns hold whatever comes."""

import json
from functools import reduce
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from imported_files import csv_plan, parse, read_file

from headrace_server.files.formats import Compression
from headrace_server.files.importing.plan import FilePlan, PlannedColumn
from headrace_server.files.importing.records import plan_records
from headrace_server.files.importing.widening import Shapes, merge, shapes_of, widened
from headrace_server.model.errors import TooLargeError
from headrace_server.model.file_import import ImportOptions

in_one_folder = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
TYPES = st.sampled_from(
    ["BIGINT", "NUMERIC", "DOUBLE PRECISION", "DATE", "TIMESTAMP", "VARCHAR(255)", "TEXT", "JSON"]
)
SHAPES = st.builds(
    Shapes, st.tuples(TYPES, TYPES), st.dictionaries(st.sampled_from("xyz"), TYPES, max_size=3)
)


def looked_at(path: Path, plan: FilePlan, target: int = 1 << 20) -> FilePlan:
    looks = [shapes_of(path, each, plan) for each in plan_records(path, plan, target)]
    return widened(plan, reduce(merge, looks))


def types_of(tmp_path: Path, data: str, plan: FilePlan, target: int = 1 << 20) -> list[str]:
    path = tmp_path / "file"
    path.write_bytes(data.encode())
    return list(looked_at(path, plan, target).sql_types().values())


@settings(deadline=None)
@given(SHAPES, SHAPES, SHAPES)
def test_merging_does_not_depend_on_any_order(a: Shapes, b: Shapes, c: Shapes) -> None:
    assert merge(a, merge(b, c)) == merge(merge(a, b), c)
    assert list(merge(a, merge(b, c)).new) == list(merge(merge(a, b), c).new)
    for one, two, three in permutations((a, b, c)):
        assert merge(merge(one, two), three) == merge(merge(a, b), c)
    assert merge(a, a) == a


@pytest.mark.parametrize(
    ("sql_type", "fields", "wider"),
    [
        ("BIGINT", ["1", "", '"2"'], "BIGINT"),
        ("BIGINT", ["1", "9223372036854775808"], "NUMERIC"),
        ("BIGINT", ["1", "1.5"], "NUMERIC"),
        ("BIGINT", ["1", "007"], "TEXT"),
        ("DOUBLE PRECISION", ["1e5", "1e400"], "NUMERIC"),
        ("NUMERIC", ["1.5", "x"], "TEXT"),
        ("DATE", ["2024-01-31", "2024-01-31 10:00"], "TIMESTAMP"),
        ("DATE", ["2024-01-31", "2023-02-29"], "TEXT"),
        ("TIMESTAMP", ["2024-01-31 10:00", "2024-01-31 10:00Z"], "TEXT"),
        ("BOOLEAN", ["true", "1"], "TEXT"),
        ("VARCHAR(255)", ["a" * 256], "TEXT"),
        # Records that are not regular count as well, but for those that cannot be read.
        ("BIGINT", ["1", ' "x" '], "TEXT"),
        ("BIGINT", ["1", "2,3"], "BIGINT"),
    ],
)
def test_types_are_widened_no_more_than_values_ask_for(
    tmp_path: Path, sql_type: str, fields: list[str], wider: str
) -> None:
    data = "".join(f"{field},b\n" for field in fields)
    for target in (1, 1 << 20):
        assert types_of(tmp_path, data, csv_plan(sql_type, "TEXT"), target) == [wider, "TEXT"]


def test_null_values_and_given_types_widen_nothing(tmp_path: Path) -> None:
    data = 'NA,1\n"NA" ,1\n NA,1\n'
    plan = csv_plan("BIGINT", "BIGINT", null_values=("NA",))
    assert types_of(tmp_path, data, plan) == ["BIGINT", "BIGINT"]
    path = tmp_path / "file.csv"
    path.write_text("a,b\n1,1\n2,2\nx,y\n")
    found = read_file(path, ImportOptions(data_types={"a": "INT"}, sample_bytes=9), widen=True)
    assert found.plan.sql_types() == {"a": "BIGINT", "b": "TEXT"}
    assert found.reasons == [(4, "a", "INVALID_VALUE")]


FIELDS = st.one_of(
    st.sampled_from(
        [
            *("", "1", "-5", "007", "1.5", "1e5", "true", "2024-01-31", "2023-02-29", "x" * 300),
            *("2024-01-31 10:00:00", "10:00:00", "9" * 30, '"1"', ' "2" ', '"a""b"', '"'),
        ]
    ),
    st.text(st.sampled_from('a1"- \x1eü'), max_size=4),
)
RECORDS = st.lists(st.lists(FIELDS, min_size=6, max_size=6), min_size=1, max_size=6)
PLANNED = ("BIGINT", "NUMERIC", "DOUBLE PRECISION", "DATE", "BOOLEAN", "VARCHAR(255)")


@in_one_folder
@given(RECORDS, st.integers(1, 60))
def test_a_widened_plan_holds_every_value_that_can_be_read(
    tmp_path: Path, records: list[list[str]], target: int
) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes("".join(",".join(fields) + "\n" for fields in records).encode())
    plan = looked_at(path, csv_plan(*PLANNED), target)
    assert plan == looked_at(path, csv_plan(*PLANNED))
    assert {reason for _, _, reason in parse(path, plan).reasons} <= {"WRONG_FIELD_COUNT"}


def json_plan(*types: str, **changes: object) -> FilePlan:
    columns = tuple(
        PlannedColumn(chr(97 + place), place, chr(97 + place), each)
        for place, each in enumerate(types)
    )
    known = {"encoding": "utf-8", **changes}
    return FilePlan("ndjson", Compression.NONE, columns, **known)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sql_type", "raws", "wider"),
    [
        ("BIGINT", ["1", "null"], "BIGINT"),
        ("BIGINT", ["1", "1.5"], "NUMERIC"),
        ("BIGINT", ["1", "true"], "TEXT"),
        ("VARCHAR(255)", ['"a"', "5"], "VARCHAR(255)"),
        ("DATE", ['"2024-01-31"', '"2024-01-31T10:00:00"'], "TIMESTAMP"),
        ("BOOLEAN", ["true", '{"b": 1}'], "TEXT"),
        ("BIGINT", ["1", "2 3"], "BIGINT"),
    ],
)
def test_types_of_keys_are_widened_too(
    tmp_path: Path, sql_type: str, raws: list[str], wider: str
) -> None:
    data = "".join(f'{{"a": {raw}}}\n' for raw in raws)
    for target in (1, 1 << 20):
        assert types_of(tmp_path, data, json_plan(sql_type), target) == [wider]


def test_keys_past_the_sample_are_columns_with_names_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "file.ndjson"
    rows = ['{"a": 1}', '{"a": 2, "A": 1, "b c": "x"}', '{"b c": 5, "z": null}', "[1]"]
    path.write_text("\n".join([*rows, "", '{"A": 1.5}']))
    plan = looked_at(path, json_plan("BIGINT"), 1)
    assert [(column.source, column.name) for column in plan.columns] == [
        ("a", "a"),
        ("A", "a_2"),
        ("b c", "b_c"),
        ("z", "z"),
    ]
    assert plan.sql_types() == {"a": "BIGINT", "a_2": "NUMERIC", "b_c": "TEXT", "z": "VARCHAR(255)"}
    found = parse(path, plan)
    assert found.rows[1] == (2, "1", "x", None)
    assert found.reasons == [(4, None, "NOT_AN_OBJECT")]


def test_keys_past_the_sample_are_text_where_types_are_not_found_out(tmp_path: Path) -> None:
    data = '{"a": 1}\n{"b": 2}\n'
    assert types_of(tmp_path, data, json_plan("TEXT", infers_types=False)) == ["TEXT", "TEXT"]


def test_names_of_columns_stay_when_others_join_them() -> None:
    columns = (PlannedColumn("a", 0, "a", "TEXT"), PlannedColumn("A", 1, "a_2", "TEXT"))
    plan = FilePlan("ndjson", Compression.NONE, columns)
    joined = widened(plan, Shapes(("TEXT", "TEXT"), {"a_2": "DATE", "é" * 40: "DATE"}))
    assert [column.name for column in joined.columns[:3]] == ["a", "a_2", "a_2_2"]
    with pytest.raises(TooLargeError, match="5002 columns"):
        widened(plan, Shapes(("TEXT", "TEXT"), {f"k{n}": "DATE" for n in range(5000)}))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "1", "2024-01-31", "2024-01-31T10:00:00Z", "10:00:00", "x" * 300, "ü"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab"), inner, max_size=2),
    max_leaves=4,
)


ROWS = st.lists(st.fixed_dictionaries({"a": JSON, "b": JSON}, optional={"z": JSON}), min_size=1)


@settings(in_one_folder, max_examples=10)
@given(ROWS, st.sampled_from([1, 80]))
def test_a_widened_plan_holds_every_object(
    tmp_path: Path, rows: list[dict[str, object]], target: int
) -> None:
    path = tmp_path / "file.ndjson"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    plan = json_plan("BIGINT", "DATE")
    found = looked_at(path, plan, target)
    assert found.columns[:2] == looked_at(path, plan).columns[:2]
    read = parse(path, found)
    assert (len(read.rows), read.rejects) == (len(rows), [])
