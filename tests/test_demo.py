"""The demo as a newcomer runs it."""

import asyncio
import io
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.resources import files
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from headrace_server.demo import CHILDREN, DAMAGED, PARENTS, _usual_or_free, run_demo

SAMPLE = {
    name: (files("headrace_server") / "demo_data" / name).read_bytes().count(b"\n")
    for name in (*CHILDREN, DAMAGED, *PARENTS)
}
ROWS = sum(SAMPLE.values())


@asynccontextmanager
async def demo(folder: Path, *args: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the demo on free ports; its own folder comes to lie in `folder`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "headrace_server", "demo",
        "--grpc-address", _usual_or_free(0), "--http-address", _usual_or_free(0), *args,
        env={**os.environ, "TMPDIR": str(folder), "NO_COLOR": "1", "COLUMNS": "80"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def own_folders(folder: Path) -> list[Path]:
    return list(folder.glob("headrace-demo-*"))


def check_story(text: str) -> None:
    """Every row is accounted for, as the demo tells it."""
    assert "Traceback" not in text
    last = re.search(r"([\d,]+) rows in the files = ([\d,]+) loaded \+ ([\d,]+) kept aside", text)
    assert last, text
    read, loaded, kept = (int(number.replace(",", "")) for number in last.groups())
    assert (read, loaded + kept) == (ROWS, ROWS)
    assert kept == 6, "the damaged rows"
    assert "all there" in text
    assert "…" not in text
    assert len(re.findall(r"^SUCCEEDED, [\d,]+ rows", text, re.MULTILINE)) == 2, "two runs"
    assert re.search(r"It goes on by itself at [\d-]{10} [\d:]{8}\n", text)
    for name, rows in SAMPLE.items():
        assert re.search(rf"{re.escape(name)} +{rows:,} ", text), name


@pytest.mark.usefixtures("measured_processes")
async def test_it_ends_with_the_counts_of_the_sample(tmp_path: Path) -> None:
    async with demo(tmp_path, "--exit") as process:
        out, _ = await process.communicate()
        text = out.decode()
        assert process.returncode == 0, text
    check_story(text)
    assert not own_folders(tmp_path)


@pytest.mark.usefixtures("measured_processes")
async def test_it_stays_up_until_ctrl_c_and_leaves_nothing(tmp_path: Path) -> None:
    async with demo(tmp_path) as process:
        assert process.stdout is not None
        text = ""
        while "press Ctrl-C to stop" not in text:
            line = (await process.stdout.readline()).decode()
            assert line, text
            text += line
        check_story(text)
        (folder,) = own_folders(tmp_path)
        assert (folder / "server.log").stat().st_size > 0
        children = psutil.Process(process.pid).children(recursive=True)
        assert any(child.name().startswith("envoy") for child in children)
        commands = re.findall(r"^  (curl|grpcurl|uv run headrace) ", text, re.MULTILINE)
        assert set(commands) == {"curl", "grpcurl", "uv run headrace"}
        process.send_signal(signal.SIGINT)
        rest, _ = await process.communicate()
        assert process.returncode == 0, rest.decode()
    assert b"Traceback" not in rest
    assert not folder.exists()
    _, alive = psutil.wait_procs(children, timeout=30)
    assert not alive


async def test_it_may_be_run_again_on_the_same_folder(tmp_path: Path) -> None:
    told = []
    for _ in range(2):
        async with demo(tmp_path, "--exit", "--data-dir", str(tmp_path / "kept")) as process:
            out, _ = await process.communicate()
        assert process.returncode == 0, out.decode()
        check_story(out.decode())
        told.append(out.decode())
    assert "customer_id of orders may be null" in told[0]
    assert "... and 10 more" in told[0]
    assert "--replay" in told[0]
    assert "since an earlier run" in told[1]
    assert "pipeline price_list: new" in told[0]
    assert "pipeline price_list: unchanged" in told[1]
    assert len(re.findall(r"^\d{4}-.* SUCCESS ", told[1], re.MULTILINE)) == 4, "the whole history"


@pytest.mark.usefixtures("logging_restored")
async def test_with_a_folder_of_its_own_on_a_terminal(tmp_path: Path) -> None:
    told = Console(file=io.StringIO(), force_terminal=True, width=150, color_system=None)
    folder = tmp_path / "kept"
    good = await run_demo(folder, _usual_or_free(0), _usual_or_free(0), leave=True, console=told)
    assert good
    assert (folder / "control.sqlite").stat().st_size > 0
    assert isinstance(told.file, io.StringIO)
    assert "all there" in told.file.getvalue()
    assert "SUCCEEDED, 5,200 rows" in told.file.getvalue()


def test_a_taken_port_is_replaced_by_a_free_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        host, _, other = _usual_or_free(port).partition(":")
    assert host == "127.0.0.1"
    assert int(other) not in {0, port}


@pytest.mark.parametrize("port", [0])
def test_a_free_port_is_taken_as_it_is(port: int) -> None:
    address = _usual_or_free(port)
    assert _usual_or_free(int(address.partition(":")[2])) == address
