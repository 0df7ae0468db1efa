from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from headrace_server.files.sniffing.kinds import column_of_values, keys_of


@pytest.mark.parametrize(
    ("values", "type_", "sql"),
    [
        ([1, 2], "integer", "BIGINT"),
        ([1, Decimal("2.5")], "float", "NUMERIC"),
        ([1.5], "float", "NUMERIC"),
        ([True], "boolean", "BOOLEAN"),
        ([True, 1], "mixed", "JSON"),
        (["1", "2"], "string", "VARCHAR(255)"),
        (["2024-01-31", "2024-02-01"], "date", "DATE"),
        (["2024-01-31T10:00:00Z"], "datetime", "TIMESTAMP WITH TIME ZONE"),
        ([date(2024, 1, 31), datetime(2024, 1, 31, 10, tzinfo=UTC)], "datetime", None),
        ([[1]], "array", "JSON"),
        ([{"a": 1}], "object", "JSON"),
        ([1, "a", [2]], "mixed", "JSON"),
        ([], "empty", "VARCHAR(255)"),
    ],
)
def test_types_of_values(values: list[Any], type_: str, sql: str | None) -> None:
    column = column_of_values("c", values)
    assert column.type.value == type_
    assert sql is None or column.sql_type == sql


def test_keys_keep_their_order() -> None:
    assert keys_of([{"b": 1, "a": 2}, {"c": 3, "a": 4}]) == ["b", "a", "c"]
