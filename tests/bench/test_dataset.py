import csv
import json
import subprocess
import sys
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from headrace_server.files.chunks import plan_chunks
from headrace_server.files.ndjson import parse_range
from headrace_server.model.commerce import COMMERCE
from headrace_server.model.contract import Table

SCRIPT = Path(__file__).with_name("dataset.py")


def generate(folder: Path, *options: str) -> Path:
    subprocess.run(
        [sys.executable, SCRIPT, folder, "--scale", "0.001", *options],
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(tmp_path_factory.mktemp("dataset"))


def objects(folder: Path, table: str) -> list[dict[str, object]]:
    lines = (folder / f"{table}_0001.ndjson").read_text().splitlines()
    return [json.loads(line, parse_float=Decimal) for line in lines]


@pytest.mark.parametrize("table", COMMERCE.tables, ids=lambda table: table.name)
def test_every_row_is_valid_against_the_contract(folder: Path, table: Table) -> None:
    path = folder / f"{table.name}_0001.ndjson"
    rejects, rows = [], 0
    for chunk in plan_chunks(path, 1 << 20):
        for block, rejected in parse_range(path, chunk, table, 1 << 20):
            rows += len(block.lines)
            rejects += rejected
    sizes = {"customers": 100, "products": 20, "orders": 250, "order_items": 1000}
    assert (rows, rejects) == (sizes[table.name], [])


@pytest.mark.parametrize("table", COMMERCE.tables, ids=lambda table: table.name)
def test_the_csv_holds_the_same_rows(folder: Path, table: Table) -> None:
    with (folder / f"{table.name}.csv").open(newline="") as file:
        records = list(csv.DictReader(file))
    rows = objects(folder, table.name)
    assert list(records[0]) == [column.name for column in table.columns]
    assert [
        [value if isinstance(value, str) else json.dumps(value, default=str) for value in row]
        for row in (list(row.values()) for row in rows)
    ] == [
        [
            json.dumps(json.loads(text)) if text.startswith("{") else _as_dumped(text, name)
            for name, text in record.items()
        ]
        for record in records
    ]


def _as_dumped(text: str, column: str) -> str:
    """Decimals become quoted strings in the other side's dump."""
    decimals = {"price", "unit_price", "line_total", "total_amount"}
    return json.dumps(text) if column in decimals else text


def test_references_lead_to_rows_and_orders_add_up(folder: Path) -> None:
    orders, items = objects(folder, "orders"), objects(folder, "order_items")
    customers = {row["customer_id"] for row in objects(folder, "customers")}
    products = {row["product_id"]: row["price"] for row in objects(folder, "products")}
    assert {row["customer_id"] for row in orders} <= customers
    assert all(products[row["product_id"]] == row["unit_price"] for row in items)
    sums: dict[object, Decimal] = {}
    for row in items:
        assert isinstance(row["line_total"], Decimal)
        sums[row["order_id"]] = sums.get(row["order_id"], Decimal()) + row["line_total"]
    assert sums == {row["order_id"]: row["total_amount"] for row in orders}


def test_same_seed_same_bytes(folder: Path, tmp_path: Path) -> None:
    again, other = generate(tmp_path / "again"), generate(tmp_path / "other", "--seed", "2")
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 8
    for name in names:
        before = (folder / name).read_bytes()
        assert (again / name).read_bytes() == before
        assert (other / name).read_bytes() != before


def test_shuffling_scatters_the_items_of_an_order(folder: Path, tmp_path: Path) -> None:
    def changes(rows: list[dict[str, object]]) -> int:
        keys = [row["order_id"] for row in rows]
        return sum(a != b for a, b in pairwise(keys))

    shuffled = objects(generate(tmp_path, "--shuffled-items"), "order_items")
    assert changes(objects(folder, "order_items")) == 249
    assert changes(shuffled) > 900
