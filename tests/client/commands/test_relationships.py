import json
from collections.abc import Callable

from typer.testing import Result


def test_detect_follows_to_the_end_and_draws(run: Callable[..., Result]) -> None:
    result = run("relationships", "detect", "orders", "customers", "--evidence")
    assert result.exit_code == 0
    text = result.stdout
    assert "orders.customer_id" in text
    assert "ai_inference" in text
    assert "100.0% of 3 different values are there" in text
    assert "customers JOIN orders ON customers.id = orders.customer_id" in text
    assert "7 relationships; detection detection-1" in text
    lines = [line.rstrip() for line in text.splitlines()]
    at = lines.index("customers")
    assert lines[at + 1 : at + 3] == [
        "└── >- orders.customer_id",
        "    └── >- order_items.order_id",
    ]
    assert "left" in lines or "right" in lines


def test_show_prints_a_document(run: Callable[..., Result]) -> None:
    document = json.loads(run("relationships", "show", "detection-1", "--json").stdout)
    assert document["relationships"][0]["relationship_type"] == "MANY_TO_ONE"
    assert run("relationships", "show", "other").exit_code == 1


def test_one_that_failed_says_why(run: Callable[..., Result]) -> None:
    result = run("relationships", "show", "detection-2")
    assert result.exit_code == 1
    assert "FAILED no disk" in result.stdout


def test_decide(run: Callable[..., Result]) -> None:
    assert run("relationships", "accept", "orders.customer_id", "customers.id").exit_code == 0
    assert run("relationships", "reject", "a.x,y", "b.x,y", "--schema", "raw").exit_code == 0
    assert run("relationships", "accept", "nothing.x", "b.y").exit_code == 1
    wrong = run("relationships", "accept", "orders", "customers.id")
    assert wrong.exit_code == 2
    assert "must be TABLE.COLUMN" in wrong.output
