import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from headrace.v1.contract_pb2 import Column, Table
from typer.testing import Result

if TYPE_CHECKING:
    from client.fake.state import State


def test_list(run: Callable[..., Result]) -> None:
    assert "customers, products, orders, order_items" in run("contracts", "list").stdout
    assert json.loads(run("contracts", "list", "--json").stdout)["name"] == "commerce"


def test_show(run: Callable[..., Result], state: "State") -> None:
    table = state.contracts["commerce"].tables[0]
    table.columns.add(name="total", type=Column.DECIMAL, scale=0)
    table.columns.add(name="weight", type=Column.DECIMAL, precision=0)
    table.columns.add(name="order_id", type=Column.STRING, nullable=True)
    state.contracts["commerce"].tables[2].columns.add(name="customer_id", type=Column.UUID)
    text = run("contracts", "show", "commerce").stdout
    assert "customer_id *" in text
    assert "decimal(18,0)" in text
    assert re.search(r"weight +decimal +", text)
    assert "string(255)" in text
    assert "→ customers" in text
    assert "commerce, version 1" in text
    assert "unknown columns: REJECT" in text


def test_show_tells_the_rules(run: Callable[..., Result], state: "State") -> None:
    table = state.contracts["commerce"].tables[0]
    table.unknown_columns, table.rescue_column = Table.RESCUE, "rest"
    table.columns.add(name="a", type=Column.INTEGER, minimum="1", maximum="9")
    table.columns.add(name="b", type=Column.STRING, pattern="[A-Z]+", allowed_values=["X", "Y"])
    text = run("contracts", "show", "commerce").stdout
    assert "unknown columns: RESCUE into rest" in text
    assert ">= 1; <= 9" in text
    assert "matches [A-Z]+; one of X, Y" in text


def test_a_version_is_asked_for(run: Callable[..., Result], state: "State") -> None:
    result = run("contracts", "show", "commerce", "--version", "1")
    assert "customer_id" in result.stdout
    assert [name for name, _ in state.calls] == ["GetContract"]
    assert run("contracts", "--version", "show", "commerce").exit_code == 2


def test_what_show_prints_is_what_register_takes(
    run: Callable[..., Result], state: "State", tmp_path: Path
) -> None:
    fields = json.loads(run("contracts", "show", "commerce", "--json").stdout)
    assert '\n  "name": "commerce"' in run("contracts", "show", "commerce", "--json").stdout
    fields["name"] = "mine"
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(fields))
    assert "registered mine, version 1" in run("contracts", "register", str(file)).stdout
    assert state.contracts["mine"].tables == state.contracts["commerce"].tables
    assert json.loads(run("contracts", "register", str(file), "--json").stdout)["name"] == "mine"


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", '{"nam": 1}', '{"name": "x"}',
     '{"name": "x", "tables": [{"columns": [{"type": "TEXT"}]}]}',
     '{"name": "x", "tables": [{"columns": [{"minimum": 0}]}]}'],
)  # fmt: skip
def test_what_is_no_contract_is_wrong_usage(
    run: Callable[..., Result], state: "State", tmp_path: Path, text: str
) -> None:
    file = tmp_path / "mine.json"
    file.write_text(text)
    result = run("contracts", "register", str(file), env={"COLUMNS": "2000"})
    assert result.exit_code == 2
    assert "not a contract" in result.stderr
    assert "STRING, UUID, INTEGER" in result.stderr
    assert "minimum and maximum are strings" in " ".join(result.stderr.replace("│", " ").split())
    assert state.count("RegisterContract") == 0
