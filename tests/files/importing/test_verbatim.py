"""Ranges that PostgreSQL may read as they are."""

from pathlib import Path

import pytest

from headrace_server.files.formats import Compression
from headrace_server.files.importing.plan import FilePlan, PlannedColumn
from headrace_server.files.importing.records import plan_records
from headrace_server.files.importing.verbatim import verbatim_rows
from headrace_server.model.contract import Table

TYPES = {
    "i": "BIGINT",
    "d": "NUMERIC",
    "p": "NUMERIC(6,2)",
    "f": "DOUBLE PRECISION",
    "b": "BOOLEAN",
    "day": "DATE",
    "at": "TIMESTAMP",
    "tz": "TIMESTAMP WITH TIME ZONE",
    "t": "TIME",
    "u": "UUID",
    "s": "VARCHAR(5)",
    "j": "JSON",
}


def plan_of(names: str, **changes: object) -> FilePlan:
    columns = tuple(
        PlannedColumn(name, place, name, TYPES[name]) for place, name in enumerate(names.split())
    )
    known = {"encoding": "utf-8", "delimiter": ",", "quote": '"', **changes}
    return FilePlan("csv", Compression.NONE, columns, **known)  # type: ignore[arg-type]


def count(tmp_path: Path, data: bytes, plan: FilePlan) -> int | None:
    path = tmp_path / "file.csv"
    path.write_bytes(data)
    table = Table("t", plan.table_columns(), ())
    counted = [verbatim_rows(path, each, table, plan) for each in plan_records(path, plan, 1 << 30)]
    return None if None in counted else sum(each.rows for each in counted if each)


@pytest.mark.parametrize(
    ("names", "data", "rows"),
    [
        ("i s", b"1,a\n2,\n", 2),
        ("i s", b"1,a\r\n2,b\r\n", 2),
        ("i s", b"1,a\n2,b", 2),
        ("i s", b"-5,\xc3\xbc\n", 1),
        ("d p", b"1.50,-12.5\n,\n", 2),
        ("f i", b"0.25,1\n", 1),
        ("b day", b"TRUE,2024-01-31\n", 1),
        ("at t", b"2024-01-31T10:00:00.5,10:00:00\n", 1),
        ("tz u", b"2024-01-31 10:00:00+02:00,2DADEA68-e328-4c96-844a-ba06ed89f6be\n", 1),
        ("s", b"a\nb\n", 2),
    ],
)
def test_rows_of_the_strict_form_are_counted(
    tmp_path: Path, names: str, data: bytes, rows: int
) -> None:
    assert count(tmp_path, data, plan_of(names)) == rows


@pytest.mark.parametrize(
    ("names", "data"),
    [
        ("i s", b"007,a\n"),
        ("i s", b"1 ,a\n"),
        ("i s", b"+1,a\n"),
        ("i s", b"1234567890123456789,a\n"),
        ("i s", b'1,"a"\n'),
        ("i s", b"1,a\n2,b\r\n"),
        ("i s", b"1,a\n\n"),
        ("i s", b"1,a,\n"),
        ("i s", b"1\n"),
        ("i s", b"1,a\x00\n"),
        ("i s", b"1,abcdef\n"),
        # PostgreSQL would cut the last of the spaces.
        ("i s", b"1,a     \n"),
        ("s", b"a\n\n"),
        ("s", b"a\n\\.\n"),
        ("p i", b"12345.00,1\n"),
        ("p i", b"1.005,1\n"),
        ("d i", b"1e5,1\n"),
        ("d i", b"NaN,1\n"),
        ("f i", b"0.1234567890123456789,1\n"),
        ("at i", b"2024-01-31 24:00:00,1\n"),
        ("at i", b"2024-01-31 10:00:00Z,1\n"),
        ("tz i", b"2024-01-31 10:00:00,1\n"),
        ("day i", b"31.01.2024,1\n"),
        ("b i", b"t,1\n"),
        ("j i", b"1,1\n"),
    ],
)
def test_rows_of_any_other_form_are_not(tmp_path: Path, names: str, data: bytes) -> None:
    assert count(tmp_path, data, plan_of(names)) is None


@pytest.mark.parametrize(
    "changes",
    [{"null_values": ("NA",)}, {"comment": "#"}, {"delimiter": None}, {"delimiter": "¦"}],
)
def test_rows_whose_values_are_to_be_changed_are_not(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    assert count(tmp_path, b"1,2\n", plan_of("i d", **changes)) is None


def test_rows_with_columns_that_the_table_has_not_are_not(tmp_path: Path) -> None:
    path, plan = tmp_path / "file.csv", plan_of("i d")
    path.write_bytes(b"1,2\n")
    (chunk,) = plan_records(path, plan, 1 << 30)
    assert verbatim_rows(path, chunk, Table("t", plan.table_columns()[:1], ()), plan) is None
