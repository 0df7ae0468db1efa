import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.v1.contract_pb2 import Column
from typer.testing import Result

if TYPE_CHECKING:
    from client.conftest import State


def test_list(run: Callable[..., Result]) -> None:
    assert "customers, products, orders, order_items" in run("contracts", "list").stdout
    assert json.loads(run("contracts", "list", "--json").stdout)["name"] == "commerce"


def test_show(run: Callable[..., Result], state: "State") -> None:
    table = state.contracts["commerce"].tables[0]
    table.columns.add(name="total", type=Column.DECIMAL, scale=0)
    table.columns.add(name="order_id", type=Column.STRING, nullable=True)
    state.contracts["commerce"].tables[2].columns.add(name="customer_id", type=Column.UUID)
    text = run("contracts", "show", "commerce").stdout
    assert "customer_id *" in text
    assert "decimal(18,0)" in text
    assert "string(255)" in text
    assert "→ customers" in text


def test_a_version_is_asked_for(run: Callable[..., Result], state: "State") -> None:
    result = run("contracts", "show", "commerce", "--version", "1")
    assert "customer_id" in result.stdout
    assert [name for name, _ in state.calls] == ["GetContract"]
    assert run("contracts", "--version", "show", "commerce").exit_code == 2


def test_what_show_prints_is_what_register_takes(
    run: Callable[..., Result], state: "State", tmp_path: Path
) -> None:
    fields = json.loads(run("contracts", "show", "commerce", "--json").stdout)
    fields["name"] = "mine"
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(fields))
    assert "registered mine, version 1" in run("contracts", "register", str(file)).stdout
    assert state.contracts["mine"].tables == state.contracts["commerce"].tables
    assert json.loads(run("contracts", "register", str(file), "--json").stdout)["name"] == "mine"


def test_what_is_no_contract_is_wrong_usage(run: Callable[..., Result], tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text('{"nam": 1}')
    result = run("contracts", "register", str(file))
    assert result.exit_code == 2
    assert "not a contract" in result.stderr.replace("\n", " ")
