"""What table a file goes into."""

import pytest

from headrace_server.core.imports.accepting import table_name, target_of, versioned
from headrace_server.model.commerce import COMMERCE

CATALOG = {table.name: table for table in COMMERCE.tables}


@pytest.mark.parametrize(
    ("path", "named", "table"),
    [
        ("/in/customers_2024_06.csv", "", "customers"),
        ("/in/order_items.csv.gz", "", "order_items"),
        ("/in/deep/Prices 2024.XLSX", "", "raw.prices_2024"),
        ("/in/customers.csv", "raw.customers", "raw.customers"),
        ("/in/customers.csv", "public.towns", "towns"),
        ("/in/x.csv", "towns", "towns"),
    ],
)
def test_the_table_is_named_or_told_by_the_file(path: str, named: str, table: str) -> None:
    assert target_of(path, named, CATALOG) == table


@pytest.mark.parametrize(
    ("file_name", "table"),
    [
        ("a.b-c.csv", "a_b_c"),
        ("2024.csv", "_2024"),
        ("ümläut.json", "ml_ut"),
        ("....csv", "file"),
        ("x" * 100 + ".parquet", "x" * 63),
    ],
)
def test_a_file_names_a_table(file_name: str, table: str) -> None:
    assert table_name(file_name) == table


@pytest.mark.parametrize(
    ("table", "version", "named"),
    [
        ("raw.t", 1, "raw.t"),
        ("raw.t", 2, "raw.t_v2"),
        ("t", 12, "t_v12"),
        ("raw." + "x" * 63, 2, "raw." + "x" * 60 + "_v2"),
    ],
)
def test_versions_have_names_of_their_own(table: str, version: int, named: str) -> None:
    assert versioned(table, version) == named
