from collections.abc import Callable
from dataclasses import replace

import pytest

from headrace_server.core.contracts.succession import check_successor, is_same
from headrace_server.model.commerce import COMMERCE
from headrace_server.model.contract import (
    Column,
    ColumnType,
    Contract,
    Reference,
    Table,
    UnknownColumns,
)
from headrace_server.model.errors import InvalidContractError

_NEW = Column("note", ColumnType.STRING, nullable=True)


def _with(table_name: str, change: Callable[[Table], Table]) -> Contract:
    tables = (change(table) if table.name == table_name else table for table in COMMERCE.tables)
    return replace(COMMERCE, tables=tuple(tables))


def _with_column(table_name: str, name: str, change: Callable[[Column], Column]) -> Contract:
    def changed(table: Table) -> Table:
        columns = (change(c) if c.name == name else c for c in table.columns)
        return replace(table, columns=tuple(columns))

    return _with(table_name, changed)


def _faults(new: Contract, old: Contract = COMMERCE) -> list[str]:
    try:
        check_successor(old, new)
    except InvalidContractError as error:
        return [found.field.removeprefix("contract.tables") for found in error.violations]
    return []


def _columns(table: Table, *columns: Column) -> Table:
    return replace(table, columns=columns)


@pytest.mark.parametrize(
    "new",
    [
        COMMERCE,
        replace(COMMERCE, tables=COMMERCE.tables[::-1]),
        replace(COMMERCE, tables=(*COMMERCE.tables, Table("notes", (_NEW,), ("note",)))),
        _with("orders", lambda t: _columns(t, *t.columns, _NEW)),
        _with("orders", lambda t: replace(t, unknown_columns=UnknownColumns.DISCARD)),
        _with("order_items", lambda t: replace(t, references=t.references[::-1])),
        _with_column("orders", "currency", lambda c: replace(c, max_length=4)),
        _with_column("orders", "currency", lambda c: replace(c, nullable=True)),
        _with_column("orders", "currency", lambda c: replace(c, pattern="[A-Z]{3}")),
        _with_column("orders", "currency", lambda c: replace(c, allowed_values=("EUR",))),
        _with_column("orders", "total_amount", lambda c: replace(c, precision=30)),
        _with_column("order_items", "quantity", lambda c: replace(c, minimum="1", maximum="9")),
    ],
)
def test_what_loaded_rows_allow_may_change(new: Contract) -> None:
    check_successor(COMMERCE, new)


@pytest.mark.parametrize(
    ("new", "faults"),
    [
        (replace(COMMERCE, tables=COMMERCE.tables[1:]), [""]),
        (_with("orders", lambda t: replace(t, primary_key=("customer_id",))), ["[2].primary_key"]),
        (_with("orders", lambda t: replace(t, references=())), ["[2].references"]),
        (
            _with("orders", lambda t: replace(t, references=(Reference(("order_id",), "orders"),))),
            ["[2].references"],
        ),
        (_with("orders", lambda t: _columns(t, *t.columns[:-1])), ["[2].columns"]),
        (
            _with("orders", lambda t: _columns(t, *t.columns[:-2], *t.columns[:-3:-1])),
            ["[2].columns"],
        ),
        (
            _with("orders", lambda t: _columns(t, *t.columns[:-1], _NEW, t.columns[-1])),
            ["[2].columns[10]"],
        ),
        (
            _with("orders", lambda t: _columns(t, *t.columns, replace(_NEW, nullable=False))),
            ["[2].columns[11].nullable"],
        ),
        (
            _with_column("orders", "currency", lambda c: replace(c, type=ColumnType.JSON)),
            ["[2].columns[6].type"],
        ),
        (
            _with_column("orders", "currency", lambda c: replace(c, max_length=2)),
            ["[2].columns[6].max_length"],
        ),
        (
            _with_column("customers", "name", lambda c: replace(c, nullable=False)),
            ["[0].columns[1].nullable"],
        ),
        (
            _with_column("products", "price", lambda c: replace(c, precision=17)),
            ["[1].columns[3].precision"],
        ),
        (
            _with_column("products", "price", lambda c: replace(c, precision=20, scale=5)),
            ["[1].columns[3].scale"],
        ),
        (
            _with_column("products", "price", lambda c: replace(c, scale=3)),
            ["[1].columns[3].scale"],
        ),
    ],
)
def test_what_would_not_fit_loaded_rows_may_not(new: Contract, faults: list[str]) -> None:
    assert _faults(new) == faults


def test_the_error_names_table_and_column_and_the_way_out() -> None:
    new = _with_column("orders", "currency", lambda c: replace(c, type=ColumnType.INTEGER))
    with pytest.raises(InvalidContractError, match="add a nullable column") as caught:
        check_successor(COMMERCE, new)
    assert caught.value.metadata == {"table": "orders", "column": "currency"}


def test_order_says_nothing_but_any_rule_does() -> None:
    assert is_same(COMMERCE, replace(COMMERCE, tables=COMMERCE.tables[::-1], version=9))
    items = _with("order_items", lambda t: replace(t, references=t.references[::-1]))
    assert is_same(COMMERCE, items)
    currency = _with_column("orders", "currency", lambda c: replace(c, pattern="[A-Z]+"))
    assert not is_same(COMMERCE, currency)
    assert not is_same(COMMERCE, replace(COMMERCE, tables=COMMERCE.tables[1:]))
