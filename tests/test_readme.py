"""The commands of README.md, run as they are printed."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace_server.demo import _usual_or_free

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
SETUP = {"pip install uv && uv run headrace-server demo", "pip install uv && uv run pytest"}
GRPC, HTTP, METRICS = "127.0.0.1:50051", "127.0.0.1:8000", "127.0.0.1:9464"
SERVER = "HEADRACE_ALLOWED_ROOTS=$PWD/inbox uv run headrace-server up"


def blocks() -> list[str]:
    """The bash blocks, as they stand."""
    return [
        block.strip()
        for block in re.findall(r"^```bash\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    ]


def commands() -> list[str]:
    return [line for block in blocks() for line in block.splitlines()]


def test_set_up_is_two_commands() -> None:
    assert {line for line in commands() if "pip " in line} == SETUP
    assert "uv run pytest" in (ROOT / ".ci" / "run").read_text()


def test_every_command_is_one_we_know() -> None:
    known = (
        "uv run headrace ",
        "curl ",
        "echo ",
        "grpcurl ",
        "python3 -c ",
        "mkdir -p inbox",
        "cp examples/inbox/*.csv inbox",
        "REQUEST_ID=$(uv run headrace ",
        "JOB_ID=$(uv run headrace ",
        "SECRET=$(python3 -c ",
        "URL=http://127.0.0.1:8000$(python3 -c ",
        "HEADRACE_TRIGGER_SECRET=$SECRET uv run headrace ",
        "BODY='",
        "KEY=$(python3 -c ",
        "SIGNATURE=$(printf ",
        "uv run python examples/html_worker.py ",
        "kill $WORKER",
    )
    for line in commands():
        assert line in SETUP or line == SERVER or line.startswith(known), line


def test_paths_that_are_named_exist() -> None:
    linked = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    named = re.findall(r"(?<![\w/.-])((?:server|gen|proto|clients|tests)/[\w./-]*\w)", README)
    assert named
    assert [path for path in (*linked, *named) if not (ROOT / path).exists()] == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that looks like the repository to the commands, and keeps what they write."""
    for path in ROOT.iterdir():
        if path.name not in {".git", ".venv"}:
            (tmp_path / path.name).symlink_to(path)
    return tmp_path


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The commands' environment: this one, without syncing it again."""
    uv = Path(os.environ.get("UV") or shutil.which("uv") or "")
    programs = (str(uv.parent), str(Path(sys.executable).parent), os.environ["PATH"])
    yield {
        **os.environ,
        "PATH": os.pathsep.join(programs),
        "UV_PROJECT_ENVIRONMENT": sys.prefix,
        "UV_NO_SYNC": "1",
        "UV_PROJECT": str(ROOT),
        "HEADRACE_DATA_DIR": str(tmp_path / "data"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "NO_COLOR": "1",
    }
    shutil.rmtree(tmp_path / "data", ignore_errors=True)


def script() -> str:
    """All blocks but set-up and server as one script that says what it runs and how it ended.

    Status 3 says that rows were kept aside, as they are in the sample. A command that is not
    installed here, such as grpcurl, is left out.
    """
    lines = ["set -u"]
    for line in commands():
        program = line.split()[0].partition("=")[0]
        if line in SETUP or line == SERVER:
            continue
        if program in {"curl", "grpcurl"} and not shutil.which(program):
            continue
        run = line.replace("curl ", "curl -sS --fail-with-body ", 1) if program == "curl" else line
        lines += [
            run,
            f"status=$?; case $status in 0|3) ;; *) echo 'FAILED: {program}' $status ;; esac",
        ]
    return "\n".join(lines) + "\necho DONE\n"


@pytest.mark.timeout(300)  # some eighty processes, beside those of other tests
async def test_the_commands_work_in_their_order(folder: Path, environment: dict[str, str]) -> None:
    places = {
        usual: _usual_or_free(int(usual.rpartition(":")[2])) for usual in (GRPC, HTTP, METRICS)
    }
    environment["HEADRACE_ADDRESS"] = places[GRPC]
    for name, usual in (("GRPC", GRPC), ("HTTP", HTTP), ("METRICS", METRICS)):
        environment[f"HEADRACE_{name}_ADDRESS"] = places[usual]
    text = script()
    for usual, place in places.items():
        text = text.replace(usual, place)
    log = (folder / "up.log").open("wb")
    server = await asyncio.create_subprocess_exec(
        "bash", "-c", f"exec env {SERVER}", cwd=folder, env=environment, stderr=log
    )
    try:
        while not re.search(r'"event": ?"ready"', (folder / "up.log").read_text()):
            assert server.returncode is None, (folder / "up.log").read_text()
            await asyncio.sleep(0.05)
        ran = await asyncio.to_thread(
            subprocess.run, ["bash", "-xc", text], cwd=folder, env=environment,
            capture_output=True, text=True, check=False, timeout=280,
        )  # fmt: skip
    finally:
        server.terminate()
        await server.wait()
        log.close()
    told = f"{ran.stdout}\n{ran.stderr}"
    assert "FAILED: " not in ran.stdout, told  # a mapping may be FAILED
    assert ran.stdout.endswith("DONE\n"), told
    assert '"terminal":true' in ran.stdout.replace(" ", "")
    assert "data: {" in ran.stdout
    assert server.returncode == 0
    assert (folder / "page.txt").read_text().startswith("Lanterns & lamps\n")
