import pytest

from headrace_server.files.sniffing.columns import sniff_columns, unique_names
from headrace_server.files.sniffing.findings import Column, ColumnType, Dialect
from headrace_server.files.sniffing.records import records


def _columns(text: str) -> list[Column]:
    found = records(text, Dialect(";", '"'))
    names = [f"c{place}" for place in range(len(found[0]))]
    return list(sniff_columns(names, found))


@pytest.mark.parametrize(
    ("values", "type_", "sql"),
    [
        ("1 2 3", "integer", "BIGINT"),
        ("999999999999999999 1", "integer", "BIGINT"),
        ("9999999999999999999 1", "integer", "NUMERIC"),
        ("1.5 2", "float", "NUMERIC"),
        ("1e5 2", "float", "DOUBLE PRECISION"),
        ("007 8", "string", "VARCHAR(255)"),
        ("x" * 256, "string", "TEXT"),
        ("2024-01-31", "date", "DATE"),
        ("2024-01-31T10:00:00", "datetime", "TIMESTAMP"),
        ("2024-01-31T10:00:00Z", "datetime", "TIMESTAMP WITH TIME ZONE"),
        ("2024-01-31T10:00:00-05:00", "datetime", "TIMESTAMP WITH TIME ZONE"),
        ("10:00", "time", "TIME"),
        ("true", "boolean", "BOOLEAN"),
        ("123e4567-e89b-12d3-a456-426614174000", "uuid", "UUID"),
    ],
)
def test_types_and_their_sql(values: str, type_: str, sql: str) -> None:
    (column,) = _columns("\n".join(values.split()))
    assert (column.type.value, column.sql_type) == (type_, sql)


def test_quoted_digits_are_text_where_others_are_plain() -> None:
    zip_code, amount = _columns('"10115";1\n"20095";2\n')
    assert (zip_code.type, amount.type) == (ColumnType.STRING, ColumnType.INTEGER)
    every, field = _columns('"10115";"1"\n"20095";"2"\n')
    assert every.type is field.type is ColumnType.INTEGER


def test_days_that_can_be_read_in_two_ways_are_less_sure() -> None:
    (sure,) = _columns("13/02/2024\n14/02/2024")
    (unsure,) = _columns("11/02/2024\n12/02/2024")
    assert sure.date_format == unsure.date_format == "%d/%m/%Y"
    assert unsure.confidence < sure.confidence


def test_decimal_commas() -> None:
    (column,) = _columns("1,5\n2,25")
    assert (column.type, column.decimal_mark) == (ColumnType.FLOAT, ",")


def test_a_column_without_values_has_no_type() -> None:
    first, second = _columns("1;\n2;\n")
    assert (first.type, second.type, second.confidence) == (
        ColumnType.INTEGER,
        ColumnType.EMPTY,
        0.0,
    )


def test_confidence_grows_with_values() -> None:
    few, many = _columns("1"), _columns("\n".join("1" * 50))
    assert few[0].confidence < many[0].confidence == 1.0


def test_names_are_unique() -> None:
    names = ["a", "", "a", "a_2", "a"]
    assert unique_names(names, 6) == ["a", "column_2", "a_3", "a_2", "a_4", "column_6"]


def test_names_that_all_repeat_take_linear_time() -> None:
    # Were it squared, the limit on a test's time would end it.
    assert unique_names(["a"] * 200_000, 0)[-1] == "a_200000"
