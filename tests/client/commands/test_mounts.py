import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from headrace.v1.storage_pb2 import Mount
from typer.testing import Result

if TYPE_CHECKING:
    from client.fake.server import FakeServer
    from client.fake.state import State

SECRET = "s3cret"  # noqa: S105  # of a server in memory
KNOWN = {"HEADRACE_MOUNT_PASSWORD": SECRET}


def test_add_list_remove(run: Callable[..., Result], state: "State") -> None:
    assert "no mounts yet: headrace mounts add" in run("mounts", "list").stdout
    made = run("mounts", "add", "/inbox", "/srv/inbox", "--type", "local")
    assert made.exit_code == 0
    assert "MOUNTED" in made.stdout
    assert "headrace folders watch /inbox/FOLDER" in made.stdout
    for name in ("a", "b"):
        document = json.loads(run("mounts", "add", f"/{name}", f"/srv/{name}", "--json").stdout)
        assert document["local_path"] == f"/{name}"
    state.mounts["m-a"].status = Mount.UNREACHABLE
    state.mounts["m-a"].error = "no route to host"
    state.mounts["m-b"].available_space_gb = 2048
    text = run("mounts", "list").stdout
    assert "/a: no route to host" in text
    assert "2,048.0 GiB" in text
    lines = run("mounts", "list", "--json").stdout.splitlines()
    assert [json.loads(line)["mount_id"] for line in lines] == ["m-inbox", "m-a", "m-b"]
    assert run("mounts", "remove", "/a/").stdout == "removed /a/\n"
    assert run("mounts", "remove", "m-b").exit_code == 0
    assert list(state.mounts) == ["m-inbox"]
    missing = run("mounts", "remove", "/a")
    assert missing.exit_code == 2
    assert "nothing is mounted at /a" in " ".join(missing.stderr.split())
    assert run("mounts", "remove", "m-b").exit_code == 1


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        (["--user", "etl"], {"username": "etl", "password": SECRET}),
        (
            ["--user", "etl", "--domain", "SHOP"],
            {"username": "etl", "password": SECRET, "domain": "SHOP"},
        ),
        (
            ["--key-id", "AKIA"],
            {"access_key_id": "AKIA", "secret_access_key": SECRET, "session_token": "t0ken"},
        ),
        (["--account", "shop"], {"account_name": "shop", "account_key": SECRET}),
        (["--account", "shop", "--sas"], {"account_name": "shop", "sas_token": SECRET}),
    ],
)
def test_credentials(
    run: Callable[..., Result], state: "State", words: list[str], sent: dict[str, str]
) -> None:
    env = KNOWN | {"HEADRACE_MOUNT_SESSION_TOKEN": "t0ken"}
    result = run("mounts", "add", "/share", "//host/data", *words, env=env)
    assert result.exit_code == 0
    assert SECRET not in result.output
    given = state.mount_requests[0].credentials
    assert {field.name: value for field, value in given.ListFields()} == sent


def test_more_about_a_place(run: Callable[..., Result], state: "State", tmp_path: Path) -> None:
    key = tmp_path / "key.json"
    key.write_text('{"type": "service_account"}')
    words = ["--service-account", str(key), "--endpoint-url", "https://gcs.example.com"]
    assert run("mounts", "add", "/g", "gs://bucket", *words).exit_code == 0
    assert state.mount_requests[0].credentials.service_account == key.read_text()
    assert state.mount_requests[0].endpoint_url == "https://gcs.example.com"
    words = ["--type", "SMB", "--port", "1445", "--region", "eu"]
    assert run("mounts", "add", "/s", "//host/data", *words).exit_code == 0
    request = state.mount_requests[1]
    assert (request.storage_type, request.port, request.region) == (Mount.SMB, 1445, "eu")
    assert not request.HasField("credentials")


@pytest.mark.parametrize("words", [["--password", "-"], ["--password-stdin"]])
def test_a_password_of_standard_input(
    run: Callable[..., Result], state: "State", words: list[str]
) -> None:
    words = ["mounts", "add", "/share", "//host/data", "--user", "etl", *words]
    assert run(*words, stdin="from in\nmore\n", env=KNOWN).exit_code == 0
    assert state.mount_requests[0].credentials.password == "from in"  # noqa: S105


#: what runs the command on the terminal that its standard input is
ON_A_TERMINAL = """
import os, runpy
os.open(os.ttyname(0), os.O_RDWR)
runpy.run_module("headrace_client", run_name="__main__", alter_sys=True)
"""


def test_a_password_that_is_asked_for(server: "FakeServer", state: "State") -> None:
    ours, theirs = os.openpty()
    words = ["mounts", "add", "/share", "//host/data", "--user", "etl", "--address", server.address]
    process = subprocess.Popen(
        [sys.executable, "-c", ON_A_TERMINAL, *words], stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True, env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    while not shown.endswith(b"secret key: "):
        shown += os.read(ours, 1000)
    os.write(ours, b"from a person\n")
    with suppress(OSError):  # the terminal goes with the last that has it open
        while more := os.read(ours, 1000):
            shown += more
    os.close(ours)
    process.wait()
    assert process.returncode == 0, shown
    assert b"from a person" not in shown
    assert state.mount_requests[0].credentials.password == "from a person"  # noqa: S105


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--user", "etl", "--password", "hunter2"], "others can read"),
        (["--user", "etl"], "the password is missing"),
        (["--user", "etl", "--key-id", "AKIA"], "give one of"),
        (["--domain", "SHOP"], "whose?"),
        (["--password-stdin"], "whose?"),
    ],
)
def test_wrong_usage(
    run: Callable[..., Result], state: "State", words: list[str], told: str
) -> None:
    result = run("mounts", "add", "/share", "//host/data", *words)
    assert result.exit_code == 2
    assert told in result.stderr
    assert "hunter2" not in result.output
    assert not state.calls


def test_a_place_that_is_refused(run: Callable[..., Result]) -> None:
    result = run("mounts", "add", "/share", "//me@host/data")
    assert result.exit_code == 2
    assert "NETWORK_PATH: must hold no user" in result.stderr
    away = run("mounts", "add", "/share", "//nowhere/data")
    assert (away.exit_code, away.stderr) == (1, "error: the host does not answer\n")
