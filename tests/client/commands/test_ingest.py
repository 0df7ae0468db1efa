import asyncio
import json
import os
import signal
import sys
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


def test_a_refused_file_is_wrong_usage(run: Callable[..., Result], file: str) -> None:
    result = run("ingest", file, "--data-type", "nonsense")
    assert result.exit_code == 2
    assert result.stderr == "error: orders_1.ndjson: --data-type: no such data type\n"


def test_another_format_is_refused_before_it_is_sent(
    run: Callable[..., Result], state: "State", tmp_path: Path
) -> None:
    (tmp_path / "orders_1.csv").touch()
    refused = run("ingest", str(tmp_path / "orders_1.csv"), env={"COLUMNS": "1000"})
    assert refused.exit_code == 2
    assert "`headrace import` takes other files" in refused.stderr
    assert not state.calls


def test_the_same_key_finds_the_same_upload(
    run: Callable[..., Result], state: "State", file: str
) -> None:
    for _ in range(2):
        assert run("ingest", file, "--idempotency-key", "k1").exit_code == 0
    assert len(state.loads) == 1
    assert run("ingest", file, "--fresh", "--idempotency-key", "k1").exit_code == 2
    assert run("ingest", file, __file__, "--idempotency-key", "k1").exit_code == 2


def test_an_unchanged_file_is_loaded_once(
    run: Callable[..., Result], state: "State", file: str
) -> None:
    first = run("ingest", file, file, "--json")
    request_id = json.loads(first.stdout)["request_id"]
    assert first.stderr == ""
    again = run("ingest", file)
    assert f"already ingested as {request_id}; --fresh loads it again" in again.stderr
    assert request_id in again.stdout
    assert len(state.loads) == 1
    assert run("ingest", file, "--fresh").stderr == ""
    os.utime(file, ns=(1, 1))
    assert run("ingest", file).stderr == ""
    assert len(state.loads) == 3


def test_an_expired_upload_is_sent_again(
    run: Callable[..., Result], state: "State", file: str
) -> None:
    run("ingest", file)
    state.sessions.clear()
    assert run("ingest", file).exit_code == 0
    assert len(state.loads) == 2
    state.sessions.clear()
    run("ingest", file, "--idempotency-key", "k1")
    state.sessions.clear()
    assert run("ingest", file, "--idempotency-key", "k1").exit_code == 1


async def interrupted(server: "FakeServer", file: str, until: Callable[[], bool]) -> str:
    """Return the errors of an ingest that gets Ctrl-C then."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "headrace_client", "ingest", file, "--address", server.address,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONFAULTHANDLER": "1"},
    )  # fmt: skip
    await asyncio.to_thread(server.state.wait_until, until)
    process.send_signal(signal.SIGINT)
    # One that does not end shows where it stands.
    abort = asyncio.get_running_loop().call_later(60, process.send_signal, signal.SIGABRT)
    _, stderr = await process.communicate()
    abort.cancel()
    assert process.returncode == 130, stderr.decode()
    return stderr.decode()


async def test_an_interrupted_loading_goes_on(
    server: "FakeServer", state: "State", file: str
) -> None:
    state.running.clear()
    stderr = await interrupted(server, file, lambda: state.count("WatchStatus") == 1)
    (request_id,) = state.ingestions
    assert f"headrace watch {request_id} --address {server.address}" in stderr
    assert f"headrace cancel {request_id} --address {server.address}" in stderr
    assert "same command" not in stderr


async def test_an_interrupted_upload_is_gone_on_with(
    run: Callable[..., Result], server: "FakeServer", state: "State", file: str
) -> None:
    state.receiving.clear()
    stderr = await interrupted(server, file, lambda: state.appending == 1)
    assert stderr.endswith("run the same command again to go on with the upload\n")
    state.receiving.set()
    await asyncio.to_thread(state.wait_until, lambda: state.appending == 0)
    assert (await asyncio.to_thread(run, "ingest", file)).exit_code == 0
    assert len(state.sessions) == 1


def test_a_server_that_leaves_says_how_to_go_on(
    run: Callable[..., Result], state: "State", file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace_client.retry.Retry.pause", refuse)
    state.unavailable["WatchStatus"] = 1
    result = run("ingest", file)
    (request_id,) = state.ingestions
    assert result.exit_code == 1
    assert f"headrace watch {request_id}" in result.stderr
    state.unavailable["WatchStatus"] = 1
    assert f"headrace watch {request_id}" in run("watch", request_id).stderr


async def refuse(_: object, error: Exception) -> None:
    raise error
