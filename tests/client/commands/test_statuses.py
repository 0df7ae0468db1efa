import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from headrace.v1.ingestion_pb2 import Ingestion
from typer.testing import Result

if TYPE_CHECKING:
    from client.fake.server import FakeServer
    from client.fake.state import State


@pytest.fixture
def request_id(run: Callable[..., Result], tmp_path: Path) -> str:
    path = tmp_path / "orders_1.ndjson"
    path.write_text("{}\nno\n")
    fields = json.loads(run("ingest", str(path), "--json").stdout)
    return str(fields["request_id"])


def test_nothing_yet(run: Callable[..., Result]) -> None:
    assert "headrace ingest FILE" in run("status").stdout


def test_the_list(run: Callable[..., Result], request_id: str) -> None:
    text = run("status").stdout
    assert request_id in text
    assert "orders_1.ndjson" in text
    narrow = run("status", env={"TTY_COMPATIBLE": "1", "COLUMNS": "80"}).stdout
    assert request_id in narrow
    assert "COMPLETED_WITH_ERRORS" in narrow
    (line,) = run("status", "--json").stdout.splitlines()
    assert json.loads(line)["request_id"] == request_id


def test_a_list_has_a_limit(run: Callable[..., Result], state: "State", request_id: str) -> None:
    for number in range(9):
        state.ingestions[str(number)] = Ingestion(request_id=str(number))
    assert len(run("status", "--limit", "4", "--json").stdout.splitlines()) == 4


def test_one(run: Callable[..., Result], request_id: str) -> None:
    result = run("status", request_id)
    assert result.exit_code == 3
    assert "COMPLETED_WITH_ERRORS" in result.stdout
    assert "orders_1.ndjson" in result.stdout
    fields = json.loads(run("status", request_id, "--json").stdout)
    assert fields["rows_rejected"] == "1"


def test_watch(run: Callable[..., Result], request_id: str) -> None:
    result = run("watch", request_id)
    assert result.exit_code == 3
    assert "1 rejected" in result.stdout
    last = json.loads(run("watch", request_id, "--json").stdout.splitlines()[-1])
    assert last["terminal"] is True


def test_what_has_ended_is_not_cancelled(
    run: Callable[..., Result], state: "State", request_id: str
) -> None:
    result = run("cancel", request_id)
    assert result.exit_code == 0
    assert result.stderr == "already COMPLETED_WITH_ERRORS\n"
    assert state.count("CancelIngestion") == 0


@pytest.mark.parametrize("watch", [True, False])
def test_cancel_and_retry(
    run: Callable[..., Result], state: "State", request_id: str, watch: bool
) -> None:
    state.ingestions[request_id].terminal = False
    assert "CANCELLED" in run("cancel", request_id).stdout
    assert run("status", request_id).exit_code == 1
    result = run("retry", request_id, "--json", *(() if watch else ("--no-watch",)))
    assert result.exit_code == 0
    assert json.loads(result.stdout)["status"] == "COMPLETED"
    assert state.count("WatchStatus") == (2 if watch else 1)


def test_the_next_command_goes_to_the_same_server(
    run: Callable[..., Result], server: "FakeServer", request_id: str
) -> None:
    typed = ("--address", server.address, "--tenant-id", "a b")
    text = run("status", request_id, *typed).stdout
    words = f"headrace rejects {request_id} --address {server.address} --tenant-id 'a b'"
    assert f"{words}\n" in text
    assert f"headrace rejects {request_id}\n" in run("status", request_id).stdout


def test_health(run: Callable[..., Result]) -> None:
    assert "HEALTHY" in run("health").stdout
    assert json.loads(run("health", "--json").stdout)["status"] == "HEALTHY"
