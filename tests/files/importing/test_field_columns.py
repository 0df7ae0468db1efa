"""Whole columns of fields, quotes included."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imported_files import csv_plan

from headrace_server.files.importing.delimited_form import DelimitedForm
from headrace_server.files.importing.field_columns import (
    fields_reader_of,
    plain_texts,
    reads_all,
)
from headrace_server.files.importing.fields import reads_each
from headrace_server.files.importing.plan import PlannedColumn
from headrace_server.model.contract import Column, ColumnType
from headrace_server.model.rows import Value

UUID = "2dadea68-e328-4c96-844a-ba06ed89f6be"
NO_NULLS: frozenset[str] = frozenset()


def read(
    sql_type: str, *fields: str, escape: str | None = None, nulls: frozenset[str] = NO_NULLS
) -> tuple[list[Value], set[int]]:
    plan = csv_plan(sql_type, escape=escape)
    (planned,) = plan.columns
    values, faulty = fields_reader_of(planned.column, planned, DelimitedForm(plan), nulls)(fields)
    return list(values), faulty


@pytest.mark.parametrize(
    ("fields", "texts"),
    [
        (("a", "", "b"), ["a", None, "b"]),
        (('"a"', '"b"'), ["a", "b"]),
        (('"a"', '""'), ["a", ""]),
        (('""', ""), ["", None]),
        (('"a"', "b", ""), ["a", "b", None]),
        (('"a""b"', '"c"'), ['a"b', "c"]),
        (('"a""b"', 'c"d'), ['a"b', 'c"d']),
        (('""""', '""'), ['"', ""]),
    ],
)
def test_quotes_are_taken_off_texts(fields: tuple[str, ...], texts: list[Value]) -> None:
    assert read("TEXT", *fields) == (texts, set())
    texts_of = plain_texts(DelimitedForm(csv_plan("TEXT")), NO_NULLS)
    assert list(texts_of(fields)) == texts


def test_quotes_are_taken_off_escapes_and_nulls_too() -> None:
    assert read("TEXT", '"a\\"b"', '"c\\\\"', escape="\\") == (['a"b', "c\\"], set())
    nulls = frozenset({"NA"})
    assert read("TEXT", '"NA"', "NA", "b", nulls=nulls) == ([None, None, "b"], set())
    assert read("BIGINT", '"NA"', " NA ", "1", nulls=nulls) == ([None, None, 1], set())


@pytest.mark.parametrize(
    ("sql_type", "fields", "values"),
    [
        ("BIGINT", ("1", "", "-2"), [1, None, -2]),
        ("BIGINT", ('"1"', '""', '" 2 "', " 3"), [1, None, 2, 3]),
        ("NUMERIC(3,1)", ("1.5", "", "-0"), ["1.5", None, "-0"]),
        ("NUMERIC(1,1)", ("0.5", "-0.5"), ["0.5", "-0.5"]),
        ("NUMERIC(2,0)", ("5", "-55"), ["5", "-55"]),
        ("DOUBLE PRECISION", ("1.5", "", "1e5"), [1.5, None, 1e5]),
        ("DATE", ("2024-01-31", ""), ["2024-01-31", None]),
        ("TIMESTAMP", ("2024-01-31 10:00:00", ""), ["2024-01-31T10:00:00", None]),
        ("TIMESTAMP WITH TIME ZONE", ("2024-01-31t10:00:00z", ""), ["2024-01-31T10:00:00Z", None]),
        ("UUID", (UUID.upper(), ""), [UUID, None]),
    ],
)
def test_values_in_the_usual_form_are_read_at_once(
    sql_type: str, fields: tuple[str, ...], values: list[Value]
) -> None:
    assert read(sql_type, *fields) == (values, set())


@pytest.mark.parametrize(
    ("sql_type", "fields"),
    [
        ("BIGINT", ("1", "1.5", "2")),
        ("BIGINT", ("1", '"1""2"', "2")),
        ("NUMERIC(2,1)", ("1", "12", "2")),
        ("DATE", ("2024-01-31", "2023-02-29", "2024-02-29")),
        ("TIMESTAMP", ("2024-01-31 10:00:00", "2023-02-29 10:00:00", "")),
        ("TEXT", ("a", "b\0", "c")),
        ("VARCHAR(2)", ("ab", "abc", "")),
    ],
)
def test_of_values_at_fault_the_places_are_told(sql_type: str, fields: tuple[str, ...]) -> None:
    assert read(sql_type, *fields)[1] == {1}


def test_nothing_is_at_fault_where_a_value_is_required() -> None:
    (planned,) = csv_plan("TEXT").columns
    column = Column("a", ColumnType.STRING)
    form = DelimitedForm(csv_plan("TEXT"))
    _, faulty = fields_reader_of(column, planned, form, NO_NULLS)(["a", "", '""'])
    assert faulty == {1}


TYPES = [
    "BIGINT",
    "NUMERIC",
    "NUMERIC(4,2)",
    "VARCHAR(5)",
    "TEXT",
    "TIMESTAMP",
    "TIMESTAMP WITH TIME ZONE",
    "DATE",
    "BOOLEAN",
]
TEXTS = st.one_of(
    st.sampled_from(
        ["", " ", "1", "-0", "007", "1.5", "123.45", "1,5", "9" * 18, "9" * 20, "true"]
    ),
    st.sampled_from(["2024-02-29", "2023-02-29", "2024-02-29 10:00:00", "2023-02-29T10:00:00"]),
    st.sampled_from(["2024-02-30 25:00:00", "29.02.2024", "1\x1e2", "\0", "\ud800", "sixsix", "x"]),
    st.text(max_size=8),
)


@given(
    sql_type=st.sampled_from(TYPES),
    date_format=st.sampled_from(["", "%d.%m.%Y"]),
    mark=st.sampled_from([".", ","]),
    is_given=st.booleans(),
    texts=st.lists(TEXTS, max_size=4),
)
def test_fields_are_read_together_as_one_by_one(
    sql_type: str, date_format: str, mark: str, is_given: bool, texts: list[str]
) -> None:
    planned = PlannedColumn("a", 0, "a", sql_type, date_format, mark, is_given)
    assert reads_all(planned, texts) == all(reads_each(planned, texts))
