"""Relationships of real tables, on both engines."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

from headrace_server.core.relationships.gathering import gather
from headrace_server.core.relationships.graph import Scored
from headrace_server.core.relationships.inference import Inference
from headrace_server.core.relationships.model import Model
from headrace_server.model.relationship import (
    Decisions,
    DetectionMethod,
    Edge,
    Relationship,
    RelationshipType,
)
from headrace_server.warehouse.sql_warehouse import SqlWarehouse

from .conftest import Fill

CHINOOK = Path(__file__).parents[2] / "data" / "relationships" / "chinook"
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) SELECT"
PRODUCT = "1 + (i / 300 * 31 + i) % 80"
SHOP = (
    "CREATE TABLE customers (id BIGINT, name TEXT)",
    f"INSERT INTO customers {NUMBERS.format(50)} i, 'name ' || (i % 9) FROM n",
    "CREATE TABLE products (id BIGINT, title TEXT)",
    f"INSERT INTO products {NUMBERS.format(80)} i, 'title ' || (i % 9) FROM n",
    "CREATE TABLE orders (id BIGINT, customer_id BIGINT)",
    f"INSERT INTO orders {NUMBERS.format(300)} i + 500, 1 + (i * 7) % 50 FROM n",
    "CREATE TABLE order_items (order_id BIGINT, product_id BIGINT, quantity BIGINT)",
    f"INSERT INTO order_items {NUMBERS.format(900)} 501 + (i % 300), {PRODUCT}, 1 + i % 4 FROM n",
)
ORDERS = Edge("orders", ("customer_id",), "customers", ("id",))
LINES = Edge("order_items", ("order_id",), "orders", ("id",))
PRODUCTS = Edge("order_items", ("product_id",), "products", ("id",))
JOINED = Edge("orders", ("id",), "products", ("id",), "order_items")


async def _ignore(_count: int) -> None:
    pass


async def infer(
    warehouse: SqlWarehouse,
    *tables: str,
    use_ai: bool = True,
    decisions: Decisions | None = None,
    inference: Inference | None = None,
) -> dict[Edge, Relationship]:
    facts = await gather(warehouse, "public", tables, _ignore)
    by_model = inference or Inference(Model.shipped())
    found = await by_model.infer(
        warehouse, facts, use_ai=use_ai, decisions=decisions or Decisions()
    )
    return {each.edge: each for each in found if each.confidence >= 0.8}


TABLES = ("customers", "orders", "order_items", "products")


async def test_a_shop_without_constraints(warehouse: SqlWarehouse, fill: Fill) -> None:
    await fill(*SHOP)
    found = await infer(warehouse, *TABLES)
    assert found.keys() == {ORDERS, LINES, PRODUCTS, JOINED}
    assert found[ORDERS].type is RelationshipType.MANY_TO_ONE
    assert found[JOINED].type is RelationshipType.MANY_TO_MANY
    assert found[ORDERS].method is DetectionMethod.AI_INFERENCE
    assert "the name customer_id names the table customers" in found[ORDERS].evidence
    ruled = await infer(warehouse, *TABLES, use_ai=False)
    assert ruled.keys() >= {ORDERS, LINES, PRODUCTS}
    assert ruled[ORDERS].method is DetectionMethod.NAME_MATCH


async def test_decisions_come_before_all(warehouse: SqlWarehouse, fill: Fill) -> None:
    await fill(*SHOP)
    wrong = Edge("order_items", ("quantity",), "products", ("id",))
    gone = Edge("order_items", ("gone",), "products", ("id",))
    decisions = Decisions({wrong: None, gone: None}, frozenset({ORDERS, JOINED}))
    found = await infer(warehouse, *TABLES, decisions=decisions)
    assert found.keys() == {LINES, PRODUCTS, wrong}
    assert found[wrong].method is DetectionMethod.CONFIRMED
    assert found[wrong].confidence == 1
    kept = Decisions({JOINED: RelationshipType.MANY_TO_MANY}, frozenset())
    joined = (await infer(warehouse, *TABLES, decisions=kept))[JOINED]
    assert (joined.method, joined.through) == (DetectionMethod.CONFIRMED, "order_items")


async def test_what_is_declared_is_not_inferred(warehouse: SqlWarehouse, fill: Fill) -> None:
    await fill(
        "CREATE TABLE people (id BIGINT PRIMARY KEY, boss BIGINT REFERENCES people)",
        "CREATE TABLE badges (person BIGINT PRIMARY KEY REFERENCES people, number BIGINT)",
        "INSERT INTO people VALUES (1, NULL), (2, 1), (3, 1)",
        "INSERT INTO badges VALUES (1, 7), (2, 8)",
    )
    found = await infer(warehouse, "people", "badges")
    boss = found[Edge("people", ("boss",), "people", ("id",))]
    badge = found[Edge("badges", ("person",), "people", ("id",))]
    assert (boss.type, boss.confidence) == (RelationshipType.MANY_TO_ONE, 1.0)
    assert badge.type is RelationshipType.ONE_TO_ONE
    assert {boss.method, badge.method} == {DetectionMethod.FOREIGN_KEY_CONSTRAINT}


async def test_references_of_two_columns(warehouse: SqlWarehouse, fill: Fill) -> None:
    await fill(
        "CREATE TABLE part (part_key BIGINT, size BIGINT)",
        f"INSERT INTO part {NUMBERS.format(40)} i, i % 5 FROM n",
        "CREATE TABLE supplier (supplier_key BIGINT, city TEXT)",
        f"INSERT INTO supplier {NUMBERS.format(30)} i + 100, 'c' || (i % 3) FROM n",
        "CREATE TABLE part_supplier (part_key BIGINT, supplier_key BIGINT, cost DOUBLE PRECISION)",
        f"INSERT INTO part_supplier {NUMBERS.format(120)} 1 + i % 40,"
        " 101 + (i % 40 + i / 40 * 7) % 30, i FROM n",
        "CREATE TABLE line (part_key BIGINT, supplier_key BIGINT, tax DOUBLE PRECISION)",
        "INSERT INTO line SELECT part_key, supplier_key, cost FROM part_supplier WHERE cost <= 90",
        "INSERT INTO line SELECT part_key, supplier_key, cost FROM part_supplier WHERE cost > 60",
    )
    found = await infer(warehouse, "part", "supplier", "part_supplier", "line")
    key = ("part_key", "supplier_key")
    several = found[Edge("line", key, "part_supplier", key)]
    assert several.type is RelationshipType.MANY_TO_ONE
    assert several.method is DetectionMethod.VALUE_INCLUSION
    assert "100.0% of 120 different combinations" in several.evidence[0]


async def test_values_that_lack_a_parent(warehouse: SqlWarehouse, fill: Fill) -> None:
    await fill(
        "CREATE TABLE cities (code TEXT, inhabitants BIGINT)",
        f"INSERT INTO cities {NUMBERS.format(200)} 'C' || (1000 + i), i * 311 FROM n",
        "CREATE TABLE trips (id BIGINT, city_code TEXT)",
        f"INSERT INTO trips {NUMBERS.format(900)} i, 'C' || (1000 + i % 204) FROM n",
        "CREATE TABLE visits (id BIGINT, city_code TEXT)",
        f"INSERT INTO visits {NUMBERS.format(900)} i, 'C' || (1000 + i % 400) FROM n",
    )
    found = await infer(warehouse, "cities", "trips", "visits")
    trips = found[Edge("trips", ("city_code",), "cities", ("code",))]
    assert "98.0% of 204 different values" in trips.evidence[0]
    assert Edge("visits", ("city_code",), "cities", ("code",)) not in found


async def test_a_judge_is_asked_about_the_doubtful(warehouse: SqlWarehouse, fill: Fill) -> None:
    await fill(*SHOP)
    asked: list[Scored] = []

    async def judge(doubtful: Sequence[Scored]) -> Sequence[Scored]:
        asked.extend(doubtful)
        return ()

    inference = Inference(Model.shipped(), judge)
    found = await infer(warehouse, *TABLES, inference=inference)
    assert all(0.3 <= each.probability <= 0.95 for each in asked)
    assert not {each.child for each in asked} & {
        (edge.from_table, edge.from_columns[0]) for edge in found if not edge.through
    }


async def test_a_real_database(warehouse: SqlWarehouse, fill: Fill) -> None:
    await fill()
    tables = sorted(path.stem for path in CHINOOK.glob("*.csv"))
    for table in tables:
        await _load(fill, table)
    found = await infer(warehouse, *tables)
    document = json.loads((CHINOOK / "relationships.json").read_text())
    truth = {
        Edge(r["from_table"], (r["from_column"],), r["to_table"], (r["to_column"],))
        for r in document["relationships"]
    }
    single = {edge for edge in found if not edge.through}
    assert single <= truth
    assert len(single) >= 9
    assert Edge("Playlist", ("PlaylistId",), "Track", ("TrackId",), "PlaylistTrack") in found


async def _load(fill: Fill, table: str) -> None:
    with (CHINOOK / f"{table}.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    columns = ", ".join(
        f'"{name}" {"BIGINT" if name.endswith("Id") or name == "ReportsTo" else "TEXT"}'
        for name in header
    )
    kinds = [name.endswith("Id") or name == "ReportsTo" for name in header]
    values = ", ".join(
        "(" + ", ".join(_literal(v, n) for v, n in zip(row, kinds, strict=True)) + ")"
        for row in rows
    )
    await fill(f'CREATE TABLE "{table}" ({columns})', f'INSERT INTO "{table}" VALUES {values}')


def _literal(value: str, number: bool) -> str:
    if not value:
        return "NULL"
    quoted = value.replace("'", "''").replace(":", "\\:")
    return value if number else f"'{quoted}'"
