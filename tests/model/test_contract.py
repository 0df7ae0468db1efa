from dataclasses import replace
from graphlib import CycleError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace_server.model.commerce import COMMERCE
from headrace_server.model.contract import (
    Column,
    ColumnType,
    Reference,
    Table,
    in_dependency_order,
)


def _table(name: str, *parents: str) -> Table:
    columns = (Column("id", ColumnType.UUID),)
    return Table(name, columns, ("id",), tuple(Reference(("id",), parent) for parent in parents))


def _names(tables: list[Table]) -> list[str]:
    return [table.name for table in in_dependency_order(tables)]


def test_a_column_is_found_by_name() -> None:
    assert COMMERCE.tables[0].column("email").max_length == 320
    with pytest.raises(StopIteration):
        COMMERCE.tables[0].column("nowhere")


@given(st.permutations(COMMERCE.tables))
def test_commerce_is_loaded_parents_first(tables: list[Table]) -> None:
    assert _names(tables) == ["customers", "products", "orders", "order_items"]


@st.composite
def _graphs(draw: st.DrawFn) -> list[Table]:
    """Tables that refer to earlier ones and to themselves, in any order."""
    size = draw(st.integers(0, 8))
    order = draw(st.permutations([f"t{i}" for i in range(size)]))
    tables = [
        _table(name, *(draw(st.lists(st.sampled_from(order[: i + 1]), max_size=4))))
        for i, name in enumerate(order)
    ]
    return draw(st.permutations(tables))


@given(_graphs())
def test_parents_come_before_children(tables: list[Table]) -> None:
    names = _names(tables)
    assert sorted(names) == sorted(table.name for table in tables)
    for table in tables:
        for reference in table.references:
            assert names.index(reference.table) <= names.index(table.name)
    assert names == _names(tables[::-1])


def test_ties_are_broken_by_name() -> None:
    assert _names([_table("c"), _table("a"), _table("b")]) == ["a", "b", "c"]


def test_parents_that_are_not_among_the_tables_do_not_matter() -> None:
    assert _names([_table("b", "elsewhere"), _table("a", "b")]) == ["b", "a"]


@pytest.mark.parametrize(
    "tables",
    [
        [_table("a", "b"), _table("b", "a")],
        [_table("a", "b"), _table("b", "c"), _table("c", "a", "c"), _table("d")],
    ],
)
def test_a_circle_is_an_error(tables: list[Table]) -> None:
    with pytest.raises(CycleError):
        in_dependency_order(tables)


def test_a_table_may_refer_to_itself() -> None:
    own = _table("a", "a")
    assert in_dependency_order([own]) == [own]
    assert in_dependency_order([replace(own, name="b"), own])[0] == own
