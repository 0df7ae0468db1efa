import json
from collections.abc import Callable

from typer.testing import Result


def test_list(run: Callable[..., Result]) -> None:
    text = run("tables").stdout
    assert "public.order_items" in text
    assert "4.1 kB" in text
    assert len(run("tables", "--json").stdout.splitlines()) == 4


def test_one(run: Callable[..., Result]) -> None:
    text = run("tables", "orders").stdout
    assert "public.orders, 3 rows" in text
    assert "id *" in text
    assert json.loads(run("tables", "public.orders", "--json").stdout)["name"] == "orders"
    assert run("tables", "nothing").exit_code == 1
