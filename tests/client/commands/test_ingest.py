import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from headrace.v1.ingestion_pb2 import Ingestion
from typer.testing import Result

if TYPE_CHECKING:
    from client.conftest import State


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "orders_1.ndjson"
    path.write_text("{}\n" * 3)
    return str(path)


def test_a_clean_file(run: Callable[..., Result], file: str) -> None:
    result = run("ingest", file)
    assert result.exit_code == 0
    assert "COMPLETED" in result.stdout
    assert "3 rows" in result.stdout


def test_a_bad_row_is_3_with_the_next_step(run: Callable[..., Result], file: str) -> None:
    Path(file).write_text("{}\nno\n")
    result = run("ingest", file)
    assert result.exit_code == 3
    assert "1 rejected" in result.stdout
    assert "headrace rejects " in result.stdout


def test_a_failed_load_is_1(run: Callable[..., Result], state: "State", file: str) -> None:
    state.outcome = Ingestion.FAILED
    result = run("ingest", file)
    assert result.exit_code == 1
    assert "headrace retry " in result.stdout


def test_json_is_one_document_a_file(run: Callable[..., Result], file: str, tmp_path: Path) -> None:
    other = tmp_path / "orders_2.ndjson"
    other.touch()
    result = run("ingest", file, str(other), "--json")
    first, second = map(json.loads, result.stdout.splitlines())
    assert (first["status"], first["rows_loaded"]) == ("COMPLETED", "3")
    assert second["rows_loaded"] == "0"


def test_nobody_has_to_wait(run: Callable[..., Result], state: "State", file: str) -> None:
    state.running.clear()
    result = run("ingest", file, "--no-watch", "--json", "--priority", "HIGH")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["status"] == "PENDING"


def test_a_refused_file_stops_no_other(run: Callable[..., Result], file: str) -> None:
    result = run("ingest", file, "--data-type", "nonsense")
    assert result.exit_code == 1
    assert result.stderr == "error: orders_1.ndjson: no such data type\n"


def test_the_same_key_finds_the_same_upload(
    run: Callable[..., Result], state: "State", file: str
) -> None:
    for _ in range(2):
        assert run("ingest", file, "--idempotency-key", "k1").exit_code == 0
    assert len(state.loads) == 1
    assert run("ingest", file, file, "--idempotency-key", "k1").exit_code == 2
