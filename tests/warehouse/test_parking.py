"""Children that come before their parents."""

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from headrace_server.model.contract import Column, ColumnType, Reference, Table

if TYPE_CHECKING:
    from warehouse.conftest import Integers, Loader, LoaderOf


async def test_releases_transitively(loader: "Loader") -> None:
    items = await loader.load("items", [(1, 5, 1), (2, 6, 1), (3, 7, 9)], file_no=2)
    orders = await loader.load("orders", [(1, 100, 1)], file_no=1)
    assert (items.rows_parked, orders.rows_parked) == (3, 1)
    assert await loader.rows("items") == []
    await loader.load("customers", [(1, 30)])
    assert await loader.rows("orders") == [(1, 100, 1)]
    assert await loader.rows("items") == [(1, 5, 1), (2, 6, 1)]
    assert await loader.tally() == {0: (1, 1, 0, 0), 1: (1, 1, 0, 0), 2: (3, 2, 0, 1)}


async def test_a_reference_may_be_longer_than_any_index_entry(loader_of: "LoaderOf") -> None:
    key = Column("id", ColumnType.STRING, max_length=100)
    referring = Column("p", ColumnType.STRING, max_length=10_000)
    child = Table("kids", (key, referring), ("id",), (Reference(("p",), "parents"),))
    loader = loader_of({"parents": Table("parents", (key,), ("id",)), "kids": child})
    long = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(9_000))
    entry = await loader.load("kids", [("a", long), ("b", "x"), ("c", "y")])
    assert entry.rows_parked == 3
    await loader.load("parents", [("x",)], file_no=1)
    assert await loader.rows("kids") == [("b", "x")]
    assert await loader.parked("kids") == 2


async def test_what_was_parked_under_a_newer_contract_is_released_whole(
    loader_of: "LoaderOf", integers: "Integers"
) -> None:
    parents, kids = integers("parents"), integers("kids", parent_id="parents")
    older = loader_of({"parents": parents, "kids": kids})
    await older.load("kids", [(1, 9)], file_no=0)
    note = Column("note", ColumnType.STRING, nullable=True)
    newer = older.with_catalog(
        {"parents": parents, "kids": replace(kids, columns=(*kids.columns, note))}
    )
    await newer.load("kids", [(2, 9, "kept")], file_no=1)
    await older.load("parents", [(9,)], file_no=2)
    assert await newer.rows("kids") == [(1, 9, None), (2, 9, "kept")]


async def test_a_row_waits_for_its_last_parent(loader_of: "LoaderOf", integers: "Integers") -> None:
    left, right = integers("left"), integers("right")
    child = integers("child", left_id="left", right_id="right")
    loader = loader_of({table.name: table for table in (left, right, child)})
    await loader.load("child", [(1, 1, 1)], file_no=0)
    assert await loader.missing("child") == ["left"]
    await loader.load("left", [(1,)], file_no=1)
    assert await loader.rows("child") == []
    assert await loader.missing("child") == ["right"]
    await loader.load("right", [(1,)], file_no=2)
    assert await loader.rows("child") == [(1, 1, 1)]
    assert await loader.parked("child") == 0


async def test_a_newer_row_removes_an_older_parked_one(loader: "Loader") -> None:
    await loader.load("orders", [(1, 100, 7), (2, 200, 7)], ingestion="old")
    await loader.load("orders", [(1, 101, None), (2, 201, 8)], ingestion="new")
    assert await loader.tally("old") == {0: (2, 2, 0, 0)}
    await loader.load("customers", [(7, 30), (8, 30)], ingestion="parents")
    assert await loader.rows("orders") == [(1, 101, None), (2, 201, 8)]


async def test_a_row_may_be_loaded_and_a_newer_one_parked(loader: "Loader") -> None:
    await loader.load("orders", [(1, 100, None)])
    await loader.load("orders", [(1, 101, 7)], chunk=1)
    assert await loader.rows("orders") == [(1, 100, None)]
    await loader.load("customers", [(7, 30)], file_no=1)
    assert await loader.rows("orders") == [(1, 101, 7)]


async def test_others_whose_parked_rows_changed_are_settled(loader: "Loader") -> None:
    await loader.load("items", [(1, 5, 1)], ingestion="items")
    await loader.load("orders", [(1, 100, 7), (2, 200, 8)], ingestion="orders")
    assert await loader.warehouse.settlements() == {}
    await loader.load("customers", [(7, 30)], ingestion="customers")
    first = await loader.warehouse.settlements()
    assert list(first) == ["items", "orders"]
    await loader.load("orders", [(2, 201, None)], ingestion="newer")
    await loader.warehouse.settle("items", first["items"])
    await loader.warehouse.settle("orders", first["orders"])
    second = await loader.warehouse.settlements()
    assert list(second) == ["orders"]
    await loader.warehouse.settle("orders", second["orders"])
    assert await loader.warehouse.settlements() == {}


async def test_ones_own_release_is_no_settlement(loader: "Loader") -> None:
    await loader.load("orders", [(1, 100, 7)], file_no=1)
    await loader.load("customers", [(7, 30)])
    assert await loader.warehouse.settlements() == {}


@pytest.fixture
def staff(loader_of: "LoaderOf", integers: "Integers") -> "Loader":
    """People (id, boss, deputy) of one table."""
    return loader_of({"staff": integers("staff", boss="staff", deputy="staff")})


async def test_self_references_resolve_within_a_chunk(staff: "Loader") -> None:
    rows = [(3, 2, 3), (2, 1, None), (1, None, 3), (6, 5, None), (5, 9, None), (7, None, 6)]
    entry = await staff.load("staff", rows)
    assert entry.rows_parked == 3
    assert await staff.rows("staff") == [(1, None, 3), (2, 1, None), (3, 2, 3)]


async def test_self_references_release_down_the_chain(staff: "Loader") -> None:
    await staff.load("staff", [(n, n - 1, None) for n in range(40, 1, -1)])
    await staff.load("staff", [(50, 40, 60)], chunk=1)
    assert await staff.count("staff") == 0
    await staff.load("staff", [(1, None, None)], chunk=2)
    assert await staff.count("staff") == 40
    assert await staff.missing("staff") == ["staff"]
    await staff.load("staff", [(60, 50, None)], chunk=3)
    assert await staff.count("staff") == 42


async def test_a_superseded_row_is_nobodys_parent(staff: "Loader") -> None:
    entry = await staff.load("staff", [(1, None, None), (2, 1, None), (1, 9, None)])
    assert (entry.rows_parked, entry.rows_superseded) == (2, 1)
    assert await staff.count("staff") == 0


async def test_a_circle_across_chunks_is_closed(staff: "Loader") -> None:
    await staff.load("staff", [(1, 3, None)])
    await staff.load("staff", [(2, 1, None)], chunk=1)
    assert await staff.count("staff") == 0
    await staff.load("staff", [(3, 2, None)], chunk=2)
    assert await staff.rows("staff") == [(1, 3, None), (2, 1, None), (3, 2, None)]
    assert await staff.parked("staff") == 0


async def test_a_deep_chain_in_one_chunk(staff: "Loader") -> None:
    entry = await staff.load("staff", [(n, n + 1, None) for n in range(1, 3000)])
    assert entry.rows_parked == 2999
    await staff.load("staff", [(3000, None, None)], chunk=1)
    assert await staff.count("staff") == 3000


async def test_composite_references_count_as_a_whole(loader_of: "LoaderOf") -> None:
    number = Column("a", ColumnType.INTEGER)
    word = Column("b", ColumnType.STRING)
    parent = Table("parent", (number, word), ("a", "b"))
    child = Table(
        "child",
        (
            Column("id", ColumnType.INTEGER),
            replace(word, name="b", nullable=True),
            replace(number, name="a", nullable=True),
        ),
        ("id",),
        (Reference(("a", "b"), "parent"),),
    )
    loader = loader_of({"parent": parent, "child": child})
    await loader.load("parent", [(1, "x"), (2, "y")])
    entry = await loader.load(
        "child", [(1, "x", 1), (2, "y", 1), (3, None, 9), (4, "z", None)], file_no=1
    )
    assert entry.rows_parked == 1
    assert await loader.rows("child") == [(1, "x", 1), (3, None, 9), (4, "z", None)]
    await loader.load("parent", [(1, "y")], chunk=1)
    assert await loader.count("child") == 4
