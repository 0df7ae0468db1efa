from headrace_server.core.relationships.joins import suggested_joins
from headrace_server.model.relationship import DetectionMethod, Relationship, RelationshipType


def _relationship(
    child: str, columns: tuple[str, ...], parent: str, keys: tuple[str, ...], through: str = ""
) -> Relationship:
    type_ = RelationshipType.MANY_TO_MANY if through else RelationshipType.MANY_TO_ONE
    method = DetectionMethod.AI_INFERENCE
    return Relationship(child, columns, parent, keys, type_, 0.9, method, through)


def test_joins_are_sql() -> None:
    found = [
        _relationship("orders", ("customer_id",), "customers", ("customer_id",)),
        _relationship("items", ("a", "b"), "stock", ("x", "y")),
        _relationship("Staff", ("reports to",), "Staff", ("Id",)),
        _relationship("orders", ("id",), "products", ("id",), through="items"),
    ]
    assert suggested_joins(found, "public") == [
        "customers JOIN orders ON customers.customer_id = orders.customer_id",
        "stock JOIN items ON stock.x = items.a AND stock.y = items.b",
        '"Staff" JOIN "Staff" AS "Staff_child" ON "Staff"."Id" = "Staff_child"."reports to"',
    ]
    assert suggested_joins(found[:1], "raw") == [
        "raw.customers JOIN raw.orders ON raw.customers.customer_id = raw.orders.customer_id"
    ]
