import pytest

from headrace_server.core.relationships.graph import explanation

from .conftest import pair_of, scored_of, table_of

CUSTOMERS = table_of("customers", id=range(1, 11), age=[30, 40] * 5)
PRODUCTS = table_of("products", id=range(1, 21), stock=[1, 2, 3, 4] * 5)
ORDERS = table_of("orders", id=range(100, 140), customer_id=[1, 2, 3, 4] * 10)
SHOP = [CUSTOMERS, PRODUCTS, ORDERS]


def test_a_column_has_one_parent_the_likeliest() -> None:
    scored = scored_of(
        SHOP,
        (pair_of(ORDERS, "customer_id", PRODUCTS, "id"), 0.6),
        (pair_of(ORDERS, "customer_id", CUSTOMERS, "id"), 0.9),
    )
    (chosen,) = explanation(scored)
    assert chosen.parent == ("customers", "id")
    assert chosen.probability == pytest.approx(18 / 19)


def test_no_key_refers_to_what_refers_to_it() -> None:
    one = table_of("people", id=range(1, 11), x=[1, 2] * 5)
    other = table_of("students", id=range(1, 11), y=[1, 2] * 5)
    scored = scored_of(
        [one, other],
        (pair_of(other, "id", one, "id"), 0.9),
        (pair_of(one, "id", other, "id"), 0.8),
    )
    (chosen,) = explanation(scored)
    assert chosen.child == ("students", "id")


def test_equal_keys_refer_to_the_table_that_holds_nothing_else() -> None:
    register = table_of("a", k=range(1, 11))
    others = [table_of(name, k=range(1, 11), v=[1, 2] * 5) for name in ("b", "c", "d")]
    tables = [register, *others]
    pairs = [
        (pair_of(child, "k", parent, "k"), 0.3)
        for child in tables
        for parent in tables
        if child is not parent
    ]
    chosen = explanation(scored_of(tables, *pairs))
    assert [(each.child, each.parent) for each in chosen] == [
        ((name, "k"), ("a", "k")) for name in ("b", "c", "d")
    ]
    assert all(each.probability > 0.9 for each in chosen)
