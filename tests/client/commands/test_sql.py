import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result


def test_rows_are_a_table(run: Callable[..., Result]) -> None:
    text = run("sql", "SELECT 1").stdout
    assert text.splitlines()[0].split() == ["id", "price", "share", "name", "more"]
    assert "an apple" in text
    assert "3 rows in 0.50 s" in text
    assert "there are more" in run("sql", "SELECT 1", "--limit", "3").stdout


def test_rows_are_csv(run: Callable[..., Result]) -> None:
    ended = run("sql", "SELECT 1", "--csv", "--limit", "3")
    assert ended.stdout.splitlines()[:3] == ["id,price,share,name,more", '1,1.5,2,"an', 'apple",']
    assert 'apple","{""a"": [1]}"' in ended.stdout
    assert "there are more" in ended.stderr


def test_rows_are_a_document_a_line(run: Callable[..., Result]) -> None:
    rows = [json.loads(line) for line in run("--json", "sql", "SELECT 1").stdout.splitlines()]
    assert rows[0] == {"id": 1, "price": 1.5, "share": 2, "name": "an\napple", "more": None}
    assert rows[1]["id"] == "9007199254740993"


def test_the_query_comes_from_a_file_or_a_pipe(run: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "query.sql").write_text("SELECT nope")
    file = str(tmp_path / "query.sql")
    assert run("sql", "--file", file).exit_code == 2
    assert run("sql", stdin="SELECT nope").exit_code == 2
    assert run("sql", "-", stdin="SELECT 1").exit_code == 0
    assert "not both" in run("sql", "SELECT 1", "--file", file).stderr


def test_what_is_wrong_is_shown(run: Callable[..., Result]) -> None:
    ended = run("sql", "SELECT nope")
    assert ended.exit_code == 2
    assert ended.stderr.splitlines() == [
        "error: no such column: nope", "  SELECT nope", "         ^",
    ]  # fmt: skip


def test_a_query_that_ends_too_early_fails(run: Callable[..., Result]) -> None:
    ended = run("sql", "SELECT slow", "--timeout", "1")
    assert ended.exit_code == 1
    assert "longer than 1 s (--timeout)" in ended.stderr
    assert "cut" in run("sql", "SELECT cut").stderr


@pytest.mark.parametrize(
    ("name", "told"),
    [("raw.orders", "there is orders"), ("costumers", "there is customers"), ("zebra", "")],
)
def test_another_table_is_named(run: Callable[..., Result], name: str, told: str) -> None:
    ended = run("sql", f"SELECT 1 -- missing from {name}")
    assert ended.exit_code == 2
    assert ended.stderr.splitlines() == [f"error: no such table: {name}", *([told] if told else [])]
