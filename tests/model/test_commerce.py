import pytest

from headrace_server.model.commerce import COMMERCE
from headrace_server.model.contract import ColumnType, Table, UnknownColumns

#: column: type, nullable, length of a text
_DOCUMENTED: dict[str, dict[str, tuple[str, bool, int | None]]] = {
    "customers": {
        "customer_id": ("UUID", False, None),
        "name": ("STRING", True, 255),
        "email": ("STRING", True, 320),
        "metadata": ("JSON", True, None),
        "created_at": ("TIMESTAMP", False, None),
    },
    "products": {
        "product_id": ("UUID", False, None),
        "sku": ("STRING", False, 100),
        "name": ("STRING", True, 255),
        "price": ("DECIMAL", False, None),
        "category_id": ("UUID", True, None),
        "active": ("BOOLEAN", False, None),
        "created_at": ("TIMESTAMP", False, None),
    },
    "orders": {
        "order_id": ("UUID", False, None),
        "external_order_id": ("STRING", False, 255),
        "customer_id": ("UUID", False, None),
        "customer_name_snapshot": ("STRING", True, 255),
        "customer_email_snapshot": ("STRING", True, 320),
        "total_amount": ("DECIMAL", False, None),
        "currency": ("STRING", False, 3),
        "order_status": ("STRING", False, 50),
        "order_date": ("TIMESTAMP", False, None),
        "raw_payload": ("JSON", True, None),
        "created_at": ("TIMESTAMP", False, None),
    },
    "order_items": {
        "order_item_id": ("UUID", False, None),
        "order_id": ("UUID", False, None),
        "product_id": ("UUID", False, None),
        "quantity": ("INTEGER", False, None),
        "unit_price": ("DECIMAL", False, None),
        "line_total": ("DECIMAL", False, None),
    },
}
_PARENTS = {
    "customers": {},
    "products": {},
    "orders": {("customer_id",): "customers"},
    "order_items": {("order_id",): "orders", ("product_id",): "products"},
}
_KEYS = {
    "customers": ("customer_id",),
    "products": ("product_id",),
    "orders": ("order_id",),
    "order_items": ("order_item_id",),
}


def test_the_tables_are_those_documented() -> None:
    assert COMMERCE.name == "commerce"
    assert COMMERCE.builtin
    assert [table.name for table in COMMERCE.tables] == list(_DOCUMENTED)


@pytest.mark.parametrize("table", COMMERCE.tables, ids=lambda table: table.name)
def test_columns_keys_and_references_are_those_documented(table: Table) -> None:
    found = {
        column.name: (
            column.type.value,
            column.nullable,
            column.max_length if column.type is ColumnType.STRING else None,
        )
        for column in table.columns
    }
    assert found == _DOCUMENTED[table.name]
    assert list(found) == list(_DOCUMENTED[table.name])
    assert table.primary_key == _KEYS[table.name]
    assert {ref.columns: ref.table for ref in table.references} == _PARENTS[table.name]


def test_decimals_have_18_digits_4_of_them_after_the_point() -> None:
    columns = [column for table in COMMERCE.tables for column in table.columns]
    digits = {(c.precision, c.scale) for c in columns if c.type is ColumnType.DECIMAL}
    assert digits == {(18, 4)}


def test_values_have_no_rules_and_unknown_keys_are_rejected() -> None:
    for table in COMMERCE.tables:
        assert table.unknown_columns is UnknownColumns.REJECT
        for column in table.columns:
            assert (column.minimum, column.maximum, column.pattern) == (None, None, None)
            assert column.allowed_values == ()
