import json
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result


def test_a_local_file(run: Callable[..., Result], tmp_path: Path) -> None:
    file = tmp_path / "data.csv.gz"
    file.write_bytes(b"x" * 2048)
    result = run("preview", str(file))
    first, *rest = result.stdout.splitlines()
    assert first.startswith("data.csv.gz: csv, gzip, utf-8, fields parted by ';', 2.0 kB, about")
    assert first.endswith("12,345 rows")
    assert "not sure of: header" in rest
    assert "3 rows with more or fewer fields than columns" in rest
    assert "Ada [bold] Lovelace" in result.stdout
    assert f"{'x' * 39}…" in result.stdout
    assert "integer  string" in result.stdout
    document = json.loads(run("preview", str(file), "--json").stdout)
    assert document["data_types"] == {"id": "integer", "name": "string"}


def test_a_file_that_the_server_reads(run: Callable[..., Result]) -> None:
    words = ("preview", "/share/data.xlsx", "--remote", "--sheet", "one", "--limit", "5")
    text = run(*words).stdout
    assert "data.xlsx: xlsx, sheet 'one', 0 B, 0 rows" in text
    assert "5 lines before the table" in text


def test_a_file_that_is_not_there(run: Callable[..., Result]) -> None:
    assert run("preview", "/nowhere/data.csv").exit_code == 1
    assert run("preview", "/nowhere/data.csv", "--remote").exit_code == 1
