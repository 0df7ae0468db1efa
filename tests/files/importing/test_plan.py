"""What was found out of a file, kept as JSON and named by its columns."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace_server.files.formats import Compression
from headrace_server.files.importing.plan import FilePlan, PlannedColumn, plan_columns
from headrace_server.files.sniffing.findings import Column, ColumnType
from headrace_server.model.errors import InvalidFieldError, TooLargeError
from headrace_server.model.file_import import ImportOptions

MARKS = st.none() | st.characters(codec="utf-8")
COLUMNS = st.builds(
    PlannedColumn,
    source=st.text(),
    place=st.integers(-1, 5000),
    name=st.text(min_size=1),
    sql_type=st.sampled_from(["BIGINT", "VARCHAR(255)"]),
    date_format=st.sampled_from(["", "%d.%m.%Y"]),
    decimal_mark=st.sampled_from(".,"),
    given=st.booleans(),
)
PLANS = st.builds(
    FilePlan,
    format=st.sampled_from(["csv", "tsv", "json", "ndjson", "xlsx", "parquet"]),
    compression=st.sampled_from(Compression),
    columns=st.lists(COLUMNS, max_size=3).map(tuple),
    encoding=st.sampled_from(["", "utf-8", "cp1252"]),
    delimiter=MARKS,
    quote=MARKS,
    escape=MARKS,
    has_header=st.booleans(),
    first_line=st.integers(1),
    line_end=st.sampled_from(["\n", "\r"]),
    comment=MARKS,
    sheet=st.none() | st.text(),
    null_values=st.lists(st.text(), max_size=2).map(tuple),
    infers_types=st.booleans(),
)


@settings(deadline=None)
@given(PLANS)
def test_a_plan_comes_back_from_json_as_it_was(plan: FilePlan) -> None:
    assert FilePlan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


def sniffed(*names: str) -> list[Column]:
    return [Column(name, ColumnType.INTEGER, 1.0, "BIGINT") for name in names]


def plan_of(names: tuple[str, ...], options: ImportOptions) -> FilePlan:
    return FilePlan("csv", Compression.NONE, plan_columns(sniffed(*names), options))


def test_options_name_columns_as_the_file_does_or_the_table() -> None:
    options = ImportOptions(data_types={"Order ID": "text", "total": "decimal(8,2)"})
    plan = plan_of(("Order ID", "Total", "n"), options)
    assert plan.sql_types() == {"order_id": "TEXT", "total": "NUMERIC(8,2)", "n": "BIGINT"}
    assert [column.given for column in plan.columns] == [True, True, False]
    assert plan.names_of("key_columns", ["Order ID", "total"]) == ("order_id", "total")


def test_a_name_in_the_file_goes_before_that_of_a_table() -> None:
    plan = plan_of(("A b", "a_b"), ImportOptions())
    assert plan.names_of("key_columns", ["A b", "a_b"]) == ("a_b", "a_b_2")


def test_without_inference_all_is_text_but_what_was_given() -> None:
    options = ImportOptions(infer_schema=False, data_types={"b": "DATE"})
    assert plan_of(("a", "b"), options).sql_types() == {"a": "TEXT", "b": "DATE"}


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (ImportOptions(data_types={"x": "TEXT"}), "data_types"),
        (ImportOptions(key_columns=("x",)), "key_columns"),
    ],
)
def test_unknown_columns_are_refused_with_those_that_there_are(
    options: ImportOptions, field: str
) -> None:
    with pytest.raises(InvalidFieldError, match=r"no column 'x'; it has a, b$") as refused:
        plan_of(("a", "b"), options)
    assert refused.value.message.startswith(field)


def test_of_many_columns_some_are_named() -> None:
    with pytest.raises(InvalidFieldError, match=r"c39 and 60 more$"):
        plan_of(tuple(f"c{n}" for n in range(100)), ImportOptions(key_columns=("x",)))


def test_more_columns_than_are_taken_are_refused() -> None:
    with pytest.raises(TooLargeError, match="5001 columns"):
        plan_of(tuple(f"c{n}" for n in range(5001)), ImportOptions())


@pytest.mark.parametrize(
    ("encoding", "line_end", "is_utf8"),
    [
        ("utf-8", "\n", True),
        ("UTF8", "\n", True),
        ("utf-8-sig", "\n", True),
        ("us-ascii", "\n", True),
        ("utf-8", "\r", False),
        ("cp1252", "\n", False),
        ("", "\n", False),
    ],
)
def test_text_is_utf8_by_any_name_of_it(encoding: str, line_end: str, is_utf8: bool) -> None:
    plan = FilePlan("csv", Compression.NONE, (), encoding=encoding, line_end=line_end)
    assert plan.is_utf8 is is_utf8
