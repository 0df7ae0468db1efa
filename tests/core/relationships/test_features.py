import pytest

from headrace_server.core.relationships.features import features_of, names_of, placed

from .conftest import column_of, pair_of, table_of

CUSTOMERS = table_of("customers", id=range(1, 101), age=[30, 40] * 50)
PRODUCTS = table_of("products", id=range(1, 201), stock=[1, 2, 3, 4] * 50)
ORDERS = table_of(
    "orders", id=range(1000, 1400), customer_id=[*range(1, 101)] * 4, quantity=[1, 2, 3, 4] * 100
)
SHOP = [CUSTOMERS, PRODUCTS, ORDERS]


def test_values_by_lot_lie_evenly_and_small_numbers_at_the_beginning() -> None:
    key = column_of("id", range(1, 101))
    begins, ends, distance = placed(column_of("x", range(1, 100, 2)), key)
    assert begins < 0.05
    assert ends > 0.95
    assert distance < 0.1
    begins, ends, distance = placed(column_of("x", range(1, 6)), key)
    assert ends < 0.1
    assert distance > 0.8


def test_each_is_described_beside_its_rivals() -> None:
    pairs = [
        pair_of(ORDERS, "customer_id", CUSTOMERS, "id"),
        pair_of(ORDERS, "customer_id", PRODUCTS, "id"),
        pair_of(ORDERS, "quantity", PRODUCTS, "id"),
    ]
    right, rival, number = features_of(pairs, SHOP, names_of(SHOP))
    assert (right.coverage, rival.coverage, number.coverage) == (1.0, 0.5, 0.02)
    assert right.names_table == 1
    assert right.name_lead == 1
    assert rival.name_lead == -1
    assert rival.names_other == 1
    assert (right.best_coverage, rival.best_coverage) == (1, 0)
    assert right.rivals == rival.rivals > number.rivals == 0
    assert (right.child_marked, number.child_marked) == (1, 0)
    assert right.repeats == pytest.approx(1.386, abs=0.001)


def test_gaps_between_a_parents_numbers_make_inclusion_a_surprise() -> None:
    sparse = table_of("sparse", id=[n * 10 for n in range(1, 101)])
    child = table_of("child", ref=[n * 10 for n in range(1, 51)], x=range(50))
    (found,) = features_of(
        [pair_of(child, "ref", sparse, "id")], [sparse, child], names_of([sparse, child])
    )
    assert found.surprise > 4
    assert found.register == 1
