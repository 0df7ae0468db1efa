import pytest

from headrace_server.core.relationships.names import Name, Names, alike, singular, split_words

SHOP = Names(
    {
        "customers": ["id", "name"],
        "OrderItems": ["OrderItemId", "CustID", "productCode"],
        "part": ["p_partkey", "p_name", "p_size"],
        "employees": ["employee_id", "reports_to"],
    }
)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("customer_id", ["customer", "id"]),
        ("CustomerID", ["customer", "id"]),
        ("HTTPServerId2", ["http", "server", "id", "2"]),
        ("Überschrift Nr.", ["überschrift", "nr"]),
        ("__", []),
    ],
)
def test_words(name: str, words: list[str]) -> None:
    assert split_words(name) == words


@pytest.mark.parametrize(
    ("plural", "one"),
    [("companies", "company"), ("boxes", "box"), ("classes", "class"), ("orders", "order"),
     ("status", "status"), ("bus", "bus"), ("branches", "branch")],
)  # fmt: skip
def test_singular(plural: str, one: str) -> None:
    assert singular(plural) == one


def test_likeness() -> None:
    assert alike("customer", "customer") == 1
    assert alike("cust", "customer") > alike("cstmr", "customer") > 0.5
    assert alike("organisation", "organization") > 0.5
    assert alike("customer", "product") == 0
    assert alike("x", "xylophone") == 0


def test_marks_and_prefixes_are_told_apart() -> None:
    assert SHOP.columns["customers", "id"] == Name((), ("id",))
    assert SHOP.columns["OrderItems", "productCode"] == Name(("product",), ("code",))
    assert SHOP.columns["part", "p_partkey"] == Name(("part",), ("key",))
    assert SHOP.columns["part", "p_size"] == Name(("size",))


def test_pointing() -> None:
    assert SHOP.pointing("OrderItems", "CustID", "customers") > 0.8
    assert SHOP.pointing("OrderItems", "CustID", "employees") == 0
    assert SHOP.pointing("employees", "reports_to", "customers") == 0
    assert SHOP.pointing_at_column("OrderItems", "CustID", "customers", "id") == 0
    roles = Names({"orders": ["billing_customer_id"], "customers": ["id"]})
    assert 0.7 < roles.pointing("orders", "billing_customer_id", "customers") < 1


def test_marks_of_another_language_are_learned_from_the_keys() -> None:
    tables = {name: [f"{name}_nummer", "x"] for name in ("kunde", "auftrag", "ware", "lager")}
    names = Names(tables, [(name, f"{name}_nummer") for name in tables])
    assert names.columns["kunde", "kunde_nummer"] == Name(("kunde",), ("nummer",))


def test_a_prefix_of_all_tables_says_nothing() -> None:
    names = Names({"app_customers": ["id"], "app_orders": ["id", "customer_id"], "app_x": ["id"]})
    assert names.pointing("app_orders", "customer_id", "app_customers") == 1
