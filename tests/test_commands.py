"""The `headrace-server` command: help, errors in one line, and what ends at once."""

import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from headrace_server.commands import commands
from headrace_server.core.vault import parse_keys
from headrace_server.db.sole_worker import sole_worker

pytestmark = pytest.mark.usefixtures("logging_restored")

Run = Callable[..., Result]

DEFAULTS = {
    "demo": ["127.0.0.1:50051", "127.0.0.1:8000"],
    "up": ["127.0.0.1:50051", "127.0.0.1:8000", "127.0.0.1:9464", "4", "one a core"],
    "serve": ["127.0.0.1:50051", "127.0.0.1:9464", "4", "one a core"],
    "worker": ["4", "one a core", "pretty on a terminal"],
    "migrate": ["a SQLite file in the data folder"],
    "create-admin-key": ["a SQLite file in the data folder", "first admin key"],
}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command with its data in a folder of the test's own."""
    monkeypatch.setenv("HEADRACE_DATA_DIR", str(tmp_path / "data"))

    def invoke(*args: str) -> Result:
        env = {"NO_COLOR": "1", "COLUMNS": "200", "TERMINAL_WIDTH": "200"}
        result = CliRunner().invoke(commands, list(args), env=env)
        assert "Traceback" not in result.output
        return result

    return invoke


@pytest.mark.parametrize("command", list(DEFAULTS))
def test_help_says_the_defaults(run: Run, command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    words = " ".join(re.sub(r"[│┃|]", " ", result.output).split())
    for default in DEFAULTS[command]:
        assert re.search(rf"[Dd]efault: {re.escape(default)}", words), default


def test_help_lists_the_commands(run: Run) -> None:
    result = run("--help")
    assert result.exit_code == 0
    assert all(command in result.output for command in DEFAULTS)
    assert "HEADRACE_" in result.output


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["serve", "--grpc-address", "nowhere"], "grpc_address 'nowhere' must look like"),
        (["up", "--tls-cert", "c.pem"], "tls_cert and tls_key belong together"),
        (["serve", "--concurrency", "0"], "concurrency must be at least 1"),
        (
            ["up", "--database-url", "mysql://u:secret@h/d"],
            "--database-url: the control store cannot",
        ),
        (["migrate", "--database-url", "what"], "--database-url: the control store's URL must"),
        (["serve", "--tls-cert", "none.pem", "--tls-key", "none.pem"], "--tls-cert"),
        (["up", "--data-dir", __file__], "--data-dir"),
        (["serve", "--log-format", "xml"], "--log-format"),
        (["worker"], "a worker alone needs a PostgreSQL"),
        (
            ["serve", "--grpc-address", "0.0.0.0:0", "--metrics-address", ""],
            "headrace-server create-admin-key",
        ),
        (
            ["up", "--http-address", "0.0.0.0:0", "--grpc-address", "127.0.0.1:0"],
            "no API key exists",
        ),
    ],
)
def test_wrong_use_is_one_line_and_status_2(run: Run, args: list[str], words: str) -> None:
    result = run(*args)
    assert result.exit_code == 2
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("headrace-server:")]
    assert words in line


def test_an_unknown_option_is_status_2(run: Run) -> None:
    assert run("serve", "--unknown").exit_code == 2


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--grpc-address", "192.0.2.1:1"], "192.0.2.1:1 (--grpc-address)"),
        (["--metrics-address", "192.0.2.1:1"], "another --metrics-address"),
        (
            ["--database-url", "postgresql://me:secret@127.0.0.1:1/none?password=secret"],
            "cannot be reached now: postgresql://127.0.0.1:1/none",
        ),
    ],
)
def test_what_cannot_be_used_is_one_line_and_status_1(
    run: Run, args: list[str], words: str
) -> None:
    run("create-admin-key")
    result = run("serve", "--metrics-address", "", "--grpc-address", "127.0.0.1:0", *args)
    assert result.exit_code == 1
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("headrace-server:")]
    assert words in line
    assert "secret" not in result.stderr


def test_a_folder_that_another_process_works_on_is_refused(run: Run, tmp_path: Path) -> None:
    run("migrate")
    with sole_worker(f"sqlite:///{tmp_path / 'data' / 'control.sqlite'}"):
        result = run("serve", "--metrics-address", "", "--grpc-address", "127.0.0.1:0")
    assert result.exit_code == 1
    assert "another process works on" in result.stderr


def test_it_says_its_version(run: Run) -> None:
    assert re.fullmatch(r"headrace-server \d+\.\d+\.\d+\S*\n", run("--version").stdout)


def test_migrate_makes_the_tables(run: Run, tmp_path: Path) -> None:
    for _ in range(2):
        assert run("migrate").exit_code == 0
    connection = sqlite3.connect(tmp_path / "data" / "control.sqlite")
    found = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    connection.close()
    assert {"alembic_version", "tenants", "api_keys"} <= found


def test_create_admin_key_prints_a_new_secret_each_time(run: Run) -> None:
    first, second = run("create-admin-key"), run("create-admin-key", "--description", "second")
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "x-api-key" in first.stderr
    assert "control.sqlite" in first.stderr
    secrets = {first.stdout.strip(), second.stdout.strip()}
    assert len(secrets) == 2
    assert all(re.fullmatch(r"\S{20,}", secret) for secret in secrets)


@pytest.mark.usefixtures("measured_processes")
def test_it_runs_as_a_module() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "headrace_server", "--help"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "create-admin-key" in ended.stdout


def test_a_secret_key_is_made(run: Run, tmp_path: Path) -> None:
    first, second = run("create-secret-key").output, run("create-secret-key").output
    assert first != second
    assert len(parse_keys(f"{first.strip()},{second.strip()}")) == 2
    assert not (tmp_path / "data").exists()


def test_secrets_are_rotated(run: Run, tmp_path: Path) -> None:
    done = run("rotate-secrets", "--data-dir", str(tmp_path))
    assert (done.exit_code, done.output) == (0, "0 secrets are sealed with another key now\n")
    assert (tmp_path / "secret_keys").exists()
