import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from headrace.v1.ingestion_pb2 import Ingestion
from headrace.v1.priority_pb2 import Priority
from typer.testing import Result

if TYPE_CHECKING:
    from client.fake.state import State


@pytest.fixture
def file(tmp_path: Path) -> Callable[[Iterable[str]], str]:
    def write(targets: Iterable[str]) -> str:
        path = tmp_path / "mappings.json"
        mappings = [
            {"id": f"map_{n:03}", "source": "source_1", "target": target}
            for n, target in enumerate(targets)
        ]
        path.write_text(json.dumps({"mappings": mappings, "priority": "HIGH"}))
        return str(path)

    return write


@pytest.mark.parametrize(
    ("targets", "status", "exit_code"),
    [
        (["up", "up"], "COMPLETED", 0),
        (["up", "down"], "COMPLETED_WITH_ERRORS", 3),
        (["down", "down"], "FAILED", 1),
    ],
)
def test_submit(
    run: Callable[..., Result],
    file: Callable[[Iterable[str]], str],
    targets: list[str],
    status: str,
    exit_code: int,
) -> None:
    result = run("mappings", "submit", file(targets))
    assert result.exit_code == exit_code
    assert status in result.stdout
    assert "2 of 2 mappings" in result.stdout
    assert ("headrace mappings results" in result.stdout) == bool(exit_code)
    fields = json.loads(run("mappings", "submit", file(targets), "--json").stdout)
    assert fields["status"] == status


def test_a_terminal_shows_the_mappings(
    run: Callable[..., Result], file: Callable[[Iterable[str]], str]
) -> None:
    wide = {"TTY_COMPATIBLE": "1", "COLUMNS": "160"}
    result = run("mappings", "submit", file(["up", "down"]), env=wide)
    assert "2 of 2 mappings 1 failed" in result.stderr


def test_the_option_goes_before_the_file(
    run: Callable[..., Result], state: "State", file: Callable[[Iterable[str]], str]
) -> None:
    path = file(["down"])
    assert run("mappings", "submit", path, "--no-wait").exit_code == 0
    assert run("mappings", "submit", path, "--no-wait", "--priority", "LOW").exit_code == 0
    priorities = [ingestion.priority for ingestion in state.ingestions.values()]
    assert priorities == [Priority.HIGH, Priority.LOW]


def test_the_same_key_is_the_same_request(
    run: Callable[..., Result], state: "State", file: Callable[[Iterable[str]], str]
) -> None:
    for _ in range(2):
        run("mappings", "submit", file(["up"]), "--idempotency-key", "k")
    assert len(state.ingestions) == 1


def test_a_wrong_file(run: Callable[..., Result], tmp_path: Path) -> None:
    path = tmp_path / "mappings.ndjson"
    path.write_text('{"id": "a", "source": "s"}')
    result = run("mappings", "submit", str(path))
    assert result.exit_code == 2
    assert "target missing" in result.stderr


def test_results(
    run: Callable[..., Result], state: "State", file: Callable[[Iterable[str]], str]
) -> None:
    run("mappings", "submit", file(["up", "down", "up"]))
    (request_id,) = state.ingestions
    text = run("mappings", "results", request_id).stdout
    assert "map_000" in text
    assert "20 ms" in text
    assert "no answer" in text
    lines = run("mappings", "results", request_id, "--json").stdout.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["map_000", "map_001", "map_002"]
    (line,) = run("mappings", "results", request_id, "--failed", "--json").stdout.splitlines()
    assert json.loads(line)["error"] == "no answer"
    assert len(run("mappings", "results", request_id, "--limit", "1").stdout.splitlines()) == 2


def test_a_table_has_an_end(
    run: Callable[..., Result], state: "State", file: Callable[[Iterable[str]], str]
) -> None:
    run("mappings", "submit", file(["up"] * 1001), "--no-wait")
    (request_id,) = state.ingestions
    result = run("mappings", "results", request_id)
    assert len(result.stdout.splitlines()) == 1001
    assert "the first 1,000" in result.stderr
    assert len(run("mappings", "results", request_id, "--json").stdout.splitlines()) == 1001


def test_other_commands_know_mappings(
    run: Callable[..., Result], state: "State", file: Callable[[Iterable[str]], str]
) -> None:
    run("mappings", "submit", file(["up", "up"]))
    (request_id,) = state.ingestions
    assert "2 of 2 mappings" in run("status").stdout
    text = run("status", request_id).stdout
    assert "100 %\n" in text
    assert state.ingestions[request_id].kind == Ingestion.MAPPINGS
    assert "no such mappings" in run("mappings", "results", request_id, "--failed").stdout
