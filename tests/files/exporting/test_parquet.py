"""Parquet, read again with Arrow."""

# ruff: noqa: DTZ001  # a database has moments of no zone

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from pyarrow import parquet as pq

from headrace_server.files.exporting import parquet
from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.export import ExportFormat
from headrace_server.model.query import ValueKind

from .conftest import Files, table

K = ValueKind
PARQUET = ExportFormat.PARQUET


@pytest.mark.parametrize(
    ("value", "kind", "type_", "read"),
    [
        (2**62, K.INTEGER, "int64", 2**62),
        (Decimal("1.5"), K.DECIMAL, "decimal128(38, 18)", Decimal("1.5")),
        (0.1, K.DECIMAL, "decimal128(38, 18)", Decimal("0.1")),
        (0.1, K.FLOAT, "double", 0.1),
        (True, K.BOOLEAN, "bool", True),
        (date(2024, 1, 2), K.DATE, "date32[day]", date(2024, 1, 2)),
        ("2024-01-02", K.DATE, "date32[day]", date(2024, 1, 2)),
        (datetime(2024, 1, 2, 3), K.DATETIME, "timestamp[us]", datetime(2024, 1, 2, 3)),
        (datetime(2024, 1, 2, 3), K.TIMESTAMP, "timestamp[us, tz=UTC]",
         datetime(2024, 1, 2, 3, tzinfo=UTC)),
        (time(3, 4), K.TIME, "time64[us]", time(3, 4)),
        (b"\x01", K.BYTES, "binary", b"\x01"),
        (UUID(int=1), K.UUID, "string", str(UUID(int=1))),
        ({"a": 1}, K.JSON, "string", '{"a": 1}'),
        ('{"a":1}', K.JSON, "string", '{"a":1}'),
        ([1], K.STRING, "string", "[1]"),
        ("text", K.STRING, "string", "text"),
    ],
)  # fmt: skip
def test_values_keep_their_types(files: Files, value: Any, kind: K, type_: str, read: Any) -> None:
    files.write(*table({"a": kind}, [value], [None]), format=PARQUET)
    found = pq.read_table(files.path)
    assert str(found.schema.field("a").type) == type_
    assert found["a"].to_pylist() == [read, None]


@pytest.mark.parametrize(
    ("value", "kind"),
    [(2**70, K.INTEGER), (Decimal("1E+30"), K.DECIMAL), (Decimal("NaN"), K.DECIMAL),
     ("text", K.INTEGER), ("infinity", K.TIMESTAMP), (2.5, K.INTEGER), (1, K.DATE),
     (1, K.DATETIME), (1, K.TIMESTAMP), (1, K.TIME)],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_its_column(files: Files, value: Any, kind: K) -> None:
    with pytest.raises(InvalidFieldError, match="column 'a'") as raised:
        files.write(*table({"a": kind}, [value]), format=PARQUET)
    assert "cast the column" in raised.value.message


def test_rows_come_in_groups(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "_GROUP", 2)
    messages = table({"a": K.INTEGER}, [1], [2], [3])
    messages[2:2] = table({"a": K.INTEGER}, [4])[1:2]
    written = files.write(*messages, format=PARQUET)
    assert written.rows == 4
    file = pq.ParquetFile(files.path)
    assert (file.num_row_groups, file.read()["a"].to_pylist()) == (2, [1, 2, 3, 4])


def test_no_rows_and_more_rows(files: Files) -> None:
    files.write(*table({"a": K.INTEGER, "b": K.STRING}), format=PARQUET)
    assert pq.read_table(files.path).column_names == ["a", "b"]
    written = files.write(*table({"a": K.INTEGER}, [1], truncated=True), format=PARQUET)
    assert written.warnings == ("only 1 row was asked for; there are more",)


def test_types_that_the_database_lacks_are_told_by_more_than_the_first_rows(files: Files) -> None:
    begin, first, end = table({"a": K.ANY}, *([n] for n in range(16)))
    later = table({"a": K.ANY}, [2.5])[1]
    files.write(begin, first, later, end, format=PARQUET)
    found = pq.read_table(files.path)["a"]
    assert (str(found.type), found.to_pylist()[-1]) == ("double", 2.5)


def test_long_values_are_written_in_smaller_groups(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "_LONGEST_GROUP", 10)
    begin, rows, end = table({"a": K.STRING}, ["x" * 10])
    files.write(begin, rows, rows, end, format=PARQUET)
    assert pq.ParquetFile(files.path).num_row_groups == 2
