"""Parquet files: every value as exact as it is stored."""

import gzip
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from imported_files import Read, read_file

from headrace_server.files.importing import parquet
from headrace_server.files.importing.understanding import understand
from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.file_import import ImportOptions
from headrace_server.model.rows import Value

NOON = datetime(2024, 1, 31, 12, tzinfo=UTC)
NANOSECONDS = int(NOON.timestamp()) * 10**9


def read(tmp_path: Path, column: pa.Array, widen: bool = False, **options: object) -> Read:
    path = tmp_path / "file.parquet"
    pq.write_table(pa.table({"a": column}), path)
    return read_file(path, ImportOptions(**options), widen=widen)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("column", "sql_type", "values"),
    [
        (pa.array([2**63 - 1, None]), "BIGINT", [2**63 - 1, None]),
        (pa.array([2**64 - 1], pa.uint64()), "NUMERIC", [str(2**64 - 1)]),
        (pa.array([0.1, 1e300]), "DOUBLE PRECISION", [0.1, 1e300]),
        (pa.array([0.5], pa.float16()), "DOUBLE PRECISION", [0.5]),
        (pa.array([True, None]), "BOOLEAN", [True, None]),
        (pa.array([Decimal("-1.50")], pa.decimal128(9, 2)), "NUMERIC(9,2)", ["-1.50"]),
        (pa.array([Decimal("0E-9")], pa.decimal128(9, 9)), "NUMERIC(9,9)", ["0"]),
        (pa.array([Decimal("9" * 70)], pa.decimal256(70, 0)), "NUMERIC(70,0)", ["9" * 70]),
        (pa.array(["ü", "", None, "a" * 300]), "TEXT", ["ü", "", None, "a" * 300]),
        (pa.array(["a", None, "a"]).dictionary_encode(), "TEXT", ["a", None, "a"]),
        (pa.array([b"\x00\xff", None]), "TEXT", ["00ff", None]),
        (pa.array([date(1, 1, 1)]), "DATE", ["0001-01-01"]),
        (pa.array([36_300_000], pa.time32("ms")), "TIME", ["10:05:00"]),
        (pa.array([36_300_000_001_000], pa.time64("ns")), "TIME", ["10:05:00.000001"]),
        (pa.array([None], pa.null()), "TEXT", [None]),
        (pa.array([1500], pa.duration("ms")), "TEXT", ["1500 ms"]),
    ],
)
def test_values_keep_type_and_digits(
    tmp_path: Path, column: pa.Array, sql_type: str, values: list[Value]
) -> None:
    found = read(tmp_path, column)
    assert found.plan.sql_types() == {"a": sql_type}
    assert [row[0] for row in found.rows] == values
    assert found.rejects == []


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_moments_of_any_unit_are_read(tmp_path: Path, unit: str) -> None:
    column = pa.array([NOON, None]).cast(pa.timestamp(unit))
    found = read(tmp_path, column)
    assert found.plan.sql_types() == {"a": "TIMESTAMP"}
    assert found.rows == [("2024-01-31T12:00:00",), (None,)]
    found = read(tmp_path, pa.array([NOON]).cast(pa.timestamp(unit, "Europe/Berlin")))
    assert found.plan.sql_types() == {"a": "TIMESTAMP WITH TIME ZONE"}
    assert found.rows == [("2024-01-31T12:00:00Z",)]


def test_nanoseconds_are_never_rounded(tmp_path: Path) -> None:
    column = pa.array([NANOSECONDS + 1000, NANOSECONDS + 1], pa.timestamp("ns"))
    found = read(tmp_path, column)
    assert found.rows == [("2024-01-31T12:00:00.000001",)]
    assert found.reasons == [(2, "a", "INVALID_VALUE")]
    found = read(tmp_path, column, widen=True)
    assert found.plan.sql_types() == {"a": "TEXT"}
    assert [row[0] for row in found.rows] == [
        "2024-01-31 12:00:00.000001",
        "2024-01-31 12:00:00.000000001",
    ]


def test_days_that_python_does_not_know_are_rejects_or_text(tmp_path: Path) -> None:
    column = pa.array([10**7, 0], pa.date32())
    assert read(tmp_path, column).reasons == [(1, "a", "INVALID_VALUE")]
    assert read(tmp_path, column, widen=True).rows == [("29349-01-26",), ("1970-01-01",)]


def test_numbers_that_databases_do_not_know_are_rejects_text_or_null(tmp_path: Path) -> None:
    column = pa.array([1.5, float("nan"), None])
    assert read(tmp_path, column).reasons == [(2, "a", "WRONG_TYPE")]
    assert read(tmp_path, column, widen=True).rows == [("1.5",), ("nan",), (None,)]
    found = read(tmp_path, column, widen=True, null_values=("nan",))
    assert (found.plan.sql_types(), found.rows) == (
        {"a": "DOUBLE PRECISION"},
        [(1.5,), (None,), (None,)],
    )


NESTED = pa.struct(
    [
        ("l", pa.list_(pa.timestamp("ns"))),
        ("p", pa.list_(pa.timestamp("ns"), 1)),
        ("m", pa.map_(pa.string(), pa.decimal128(5, 2))),
    ]
)


def test_what_is_nested_is_json(tmp_path: Path) -> None:
    value = {"l": [NANOSECONDS + 1], "p": [NANOSECONDS], "m": [("k", Decimal("1.50"))]}
    found = read(tmp_path, pa.array([value, None], NESTED))
    assert found.plan.sql_types() == {"a": "JSON"}
    assert json.loads(str(found.rows[0][0]), parse_float=str) == {
        "l": ["2024-01-31 12:00:00.000000001"],
        "p": ["2024-01-31 12:00:00.000000000"],
        "m": [["k", "1.50"]],
    }
    assert found.rows[1] == (None,)


def test_names_come_once_and_rows_in_their_order_from_all_groups(tmp_path: Path) -> None:
    path = tmp_path / "file.parquet.gz"
    plain = tmp_path / "plain.parquet"
    table = pa.Table.from_arrays([pa.array(range(9000))] * 2, names=["A b", "A b"])
    pq.write_table(table, plain, row_group_size=1000)
    path.write_bytes(gzip.compress(plain.read_bytes()))
    found = read_file(path, ImportOptions(data_types={"A b_2": "TEXT"}))
    assert found.plan.sql_types() == {"a_b": "BIGINT", "a_b_2": "TEXT"}
    assert found.rows == [(n, str(n)) for n in range(9000)]
    assert found.lines == list(range(1, 9001))


def test_files_without_columns_and_damaged_ones_are_told(tmp_path: Path) -> None:
    path = tmp_path / "file.parquet"
    pq.write_table(pa.table({}), path)
    with pytest.raises(InvalidFieldError, match="holds no table"):
        understand(path, path.name, ImportOptions(), folder=tmp_path)
    path.write_bytes(path.read_bytes()[:-9] + b"\xff\0\0\0\0PAR1")
    with pytest.raises(InvalidFieldError, match="damaged Parquet file"):
        understand(path, path.name, ImportOptions(), folder=tmp_path)


def test_long_values_that_repeat_are_read_a_few_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "_BYTES_AT_ONCE", 1 << 20)
    places, values = pa.array([0] * 1000, pa.int32()), pa.array(["x" * (100 << 10)])
    path = tmp_path / "file.parquet"
    pq.write_table(
        pa.table({"a": pa.DictionaryArray.from_arrays(places, values)}), path, row_group_size=600
    )
    batches = [len(batch) for batch in parquet._batches(pq.ParquetFile(path))]
    assert (sum(batches), max(batches) <= 10) == (1000, True)
