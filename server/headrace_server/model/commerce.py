"""The built-in contract `commerce`: customers, products, orders, order_items."""

from headrace_server.model.contract import Column, ColumnType, Contract, Reference, Table


def _key(name: str) -> Column:
    return Column(name, ColumnType.UUID)


def _text(name: str, max_length: int = 255, *, nullable: bool = False) -> Column:
    return Column(name, ColumnType.STRING, nullable=nullable, max_length=max_length)


def _amount(name: str) -> Column:
    return Column(name, ColumnType.DECIMAL)


def _instant(name: str) -> Column:
    return Column(name, ColumnType.TIMESTAMP)


CUSTOMERS = Table(
    name="customers",
    columns=(
        _key("customer_id"),
        _text("name", nullable=True),
        _text("email", 320, nullable=True),
        Column("metadata", ColumnType.JSON, nullable=True),
        _instant("created_at"),
    ),
    primary_key=("customer_id",),
)

PRODUCTS = Table(
    name="products",
    columns=(
        _key("product_id"),
        _text("sku", 100),
        _text("name", nullable=True),
        _amount("price"),
        Column("category_id", ColumnType.UUID, nullable=True),
        Column("active", ColumnType.BOOLEAN),
        _instant("created_at"),
    ),
    primary_key=("product_id",),
)

ORDERS = Table(
    name="orders",
    columns=(
        _key("order_id"),
        _text("external_order_id"),
        _key("customer_id"),
        _text("customer_name_snapshot", nullable=True),
        _text("customer_email_snapshot", 320, nullable=True),
        _amount("total_amount"),
        _text("currency", 3),
        _text("order_status", 50),
        _instant("order_date"),
        Column("raw_payload", ColumnType.JSON, nullable=True),
        _instant("created_at"),
    ),
    primary_key=("order_id",),
    references=(Reference(("customer_id",), "customers"),),
)

ORDER_ITEMS = Table(
    name="order_items",
    columns=(
        _key("order_item_id"),
        _key("order_id"),
        _key("product_id"),
        Column("quantity", ColumnType.INTEGER),
        _amount("unit_price"),
        _amount("line_total"),
    ),
    primary_key=("order_item_id",),
    references=(Reference(("order_id",), "orders"), Reference(("product_id",), "products")),
)

COMMERCE = Contract(
    name="commerce", tables=(CUSTOMERS, PRODUCTS, ORDERS, ORDER_ITEMS), builtin=True
)
