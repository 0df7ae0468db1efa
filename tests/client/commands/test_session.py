import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
import typer
from headrace.v1.ingestion_pb2 import Ingestion
from typer.testing import Result

from headrace_client.__main__ import main
from headrace_client.commands.session import Settings, exit_status, explained, finish, hoisted
from headrace_client.errors import HeadraceError, UnavailableError

if TYPE_CHECKING:
    from client.fake.server import FakeServer
    from client.fake.state import State

OWN = {"--address": True, "--json": False}
COMMANDS = (
    (), ("ingest",), ("bulk-ingest",), ("status",), ("watch",), ("cancel",), ("retry",),
    ("health",), ("rejects",), ("tables",), ("contracts",), ("contracts", "register"),
    ("tenants",), ("tenants", "create"), ("keys",), ("keys", "create"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("args", "result"),
    [
        (["a", "--address", "x", "b"], ["--address", "x", "a", "b"]),
        (["a", "--address=x", "--json"], ["--address=x", "--json", "a"]),
        (["a", "--", "--json"], ["a", "--", "--json"]),
        (["a", "--other", "x"], ["a", "--other", "x"]),
        (["a", "--address"], ["--address", "a"]),
    ],
)
def test_own_options_come_first(args: list[str], result: list[str]) -> None:
    assert hoisted(args, OWN) == result


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help(run: Callable[..., Result], command: tuple[str, ...]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert "Usage: headrace" in result.stdout


def test_the_version_is_told(run: Callable[..., Result]) -> None:
    assert run("--version").stdout.startswith("headrace 0.")


def test_no_server_is_one_line_with_the_way_out(
    run: Callable[..., Result], server: "FakeServer"
) -> None:
    server.stop()
    result = run("status")
    server.start()
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert server.address in result.stderr
    assert "headrace-server up" in result.stderr


def test_a_missing_key_says_what_to_set(run: Callable[..., Result], state: "State") -> None:
    state.api_key = "right"
    result = run("status")
    assert result.exit_code == 1
    assert "HEADRACE_API_KEY" in result.stderr
    assert run("status", env={"HEADRACE_API_KEY": "right"}).exit_code == 0


def test_what_is_not_there_is_named(run: Callable[..., Result]) -> None:
    result = run("status", "nobody")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "'nobody' not found" in result.stderr


def test_a_server_that_takes_too_long(run: Callable[..., Result], state: "State") -> None:
    state.running.clear()
    result = run("health", "--timeout", "0.1")
    assert result.exit_code == 1
    assert "did not answer in time" in result.stderr


@pytest.mark.parametrize(
    "args", [("nonsense",), ("status", "--nonsense"), ("ingest", "/nowhere"), ("bulk-ingest",)]
)
def test_wrong_usage_is_2(run: Callable[..., Result], args: tuple[str, ...]) -> None:
    assert run(*args).exit_code == 2


def test_a_wrong_address_is_wrong_usage(run: Callable[..., Result]) -> None:
    result = run("status", "--address", "http://x/path")
    assert result.exit_code == 2
    assert "host:port" in result.stderr


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        ((), 0),
        ((Ingestion.COMPLETED, Ingestion.IN_PROGRESS), 0),
        ((Ingestion.COMPLETED, Ingestion.COMPLETED_WITH_ERRORS), 3),
        ((Ingestion.COMPLETED_WITH_ERRORS, Ingestion.FAILED), 1),
        ((Ingestion.CANCELLED,), 1),
    ],
)
def test_exit_statuses(statuses: tuple[Ingestion.Status, ...], status: int) -> None:
    assert exit_status(*(Ingestion(status=each) for each in statuses)) == status


def test_errors_are_explained() -> None:
    unknown = HeadraceError(
        "unknown data type", code=grpc.StatusCode.INVALID_ARGUMENT, reason="UNKNOWN_DATA_TYPE",
        metadata={"known": "orders, products"},
    )  # fmt: skip
    assert explained(unknown, "a") == "unknown data type (known: orders, products)"
    wrong = HeadraceError("bad", field_violations=(("a", "too long"), ("b", "too short")))
    assert explained(wrong, "a") == "a: too long; b: too short"
    text = "data_type: 'x' is declared by no contract"
    field = HeadraceError(text, field_violations=(("data_type", text),))
    assert explained(field, "a") == "--data-type: 'x' is declared by no contract"
    scope = HeadraceError("the key lacks a scope", metadata={"scope": "admin"})
    assert "headrace-server create-admin-key" in explained(scope, "a")
    fault = HeadraceError("oh", code=grpc.StatusCode.INTERNAL, reason="INTERNAL", request_id="r1")
    assert explained(fault, "a") == "oh (request id r1)"


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (KeyboardInterrupt(), 130, "interrupted: go on"),
        (OSError("disk full"), 1, "error: disk full"),
        (UnavailableError("gone", code=grpc.StatusCode.UNAVAILABLE), 1, "; go on"),
    ],
)
def test_how_a_command_ends(
    error: BaseException, status: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        raise error

    settings = Settings("a", None, None, None, None, None, 1, json=False)
    with pytest.raises(typer.Exit) as raised:
        finish(work, settings, way_on=lambda: "go on")
    assert raised.value.exit_code == status
    assert words in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_error(server: "FakeServer") -> None:
    words = f"{sys.executable} -m headrace_client tables --json --address {server.address}"
    shell = f"exec 3>&1; {words} 2>&3 | true"
    result = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=False)
    assert result.stdout == ""


def test_the_program_runs(
    monkeypatch: pytest.MonkeyPatch, server: "FakeServer", tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.argv", ["headrace", "health", "--address", server.address])
    with pytest.raises(SystemExit) as raised:
        main()
    assert raised.value.code == 0
