"""SQL types in the spellings that people use."""

import pytest

from headrace_server.files.importing.sql_types import TEXT_LENGTH, column_of, sql_type_of
from headrace_server.model.contract import Column, ColumnType
from headrace_server.model.errors import InvalidFieldError


@pytest.mark.parametrize(
    ("spelled", "known"),
    [
        ("varchar(20)", "VARCHAR(20)"),
        ("Character  Varying ( 20 )", "VARCHAR(20)"),
        ("VARCHAR", "TEXT"),
        ("char", "VARCHAR(1)"),
        ("CHAR(3)", "VARCHAR(3)"),
        ("text", "TEXT"),
        ("String", "TEXT"),
        ("smallint", "BIGINT"),
        ("INT", "BIGINT"),
        ("integer", "BIGINT"),
        ("bigint", "BIGINT"),
        ("numeric", "NUMERIC"),
        ("decimal(8)", "NUMERIC(8,0)"),
        ("Decimal( 8 , 2 )", "NUMERIC(8,2)"),
        ("real", "DOUBLE PRECISION"),
        ("float(24)", "DOUBLE PRECISION"),
        ("double", "DOUBLE PRECISION"),
        ("DOUBLE PRECISION", "DOUBLE PRECISION"),
        ("bool", "BOOLEAN"),
        ("date", "DATE"),
        ("time", "TIME"),
        ("time(6) without time zone", "TIME"),
        ("timestamp", "TIMESTAMP"),
        ("timestamp(3) without time zone", "TIMESTAMP"),
        ("datetime", "TIMESTAMP"),
        ("timestamptz", "TIMESTAMP WITH TIME ZONE"),
        ("Timestamp With Time Zone", "TIMESTAMP WITH TIME ZONE"),
        ("uuid", "UUID"),
        ("jsonb", "JSON"),
    ],
)
def test_usual_spellings_are_known_and_told_in_one_way(spelled: str, known: str) -> None:
    column = column_of("c", spelled)
    assert sql_type_of(column) == known
    assert column_of("c", known) == column
    assert column.nullable


@pytest.mark.parametrize(
    "spelled",
    [
        "",
        "money",
        "varchar(0)",
        "varchar(10485761)",
        "varchar(2,1)",
        "numeric(0)",
        "numeric(1001)",
        "numeric(2,3)",
        "int(4)",
        "time with time zone",
        "date with time zone",
        "timestamp(1,2)",
        "text; drop table t",
        "a " * 5000,
    ],
)
def test_other_types_are_refused_with_the_column_and_those_that_are_known(spelled: str) -> None:
    with pytest.raises(
        InvalidFieldError, match=r"'price'.*is no known type; known are VARCHAR"
    ) as e:
        column_of("price", spelled)
    assert e.value.message.startswith("data_types")
    assert len(e.value.message) < 400


def test_text_is_as_long_as_databases_take() -> None:
    assert column_of("c", "TEXT") == Column(
        "c", ColumnType.STRING, nullable=True, max_length=TEXT_LENGTH
    )
