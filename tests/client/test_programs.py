import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from headrace.v1.remote_job_pb2 import RemoteJob

from headrace_client import Client, Worker
from headrace_client.programs import Program

if TYPE_CHECKING:
    from client.fake.server import FakeServer
    from client.fake.state import State

Convert = Callable[[str], Awaitable[RemoteJob]]


@pytest.fixture
def convert(server: "FakeServer", state: "State") -> Convert:
    """Runs one job through Python code: `a` is what it may call its arguments."""

    async def once(command: str) -> RemoteJob:
        async with Client(server.address) as client:
            worker = Worker(client)
            worker.handles("text")(Program(command).convert)
            created = await client.create_remote_job("the source", "text", max_retries=1)
            await worker.run(until_empty=True)
            return state.remote_jobs[created.job_id]

    return once


def python(code: str, words: str) -> str:
    return f'{sys.executable} -c "{code}" {words}'


async def test_a_file_comes_back(convert: Convert, state: "State") -> None:
    code = "import sys; a = sys.argv; open(a[2], 'w').write(open(a[1]).read() + a[3])"
    job = await convert(python(code, "{input} {output} ';$HOME {job_id} {content_type}'"))
    assert state.job_results[job.job_id].content == f"the source;$HOME {job.job_id} text"


async def test_what_it_prints_comes_back(convert: Convert, state: "State") -> None:
    code = "import os, sys; print(os.environ['HEADRACE_TASK_OPTIONS'], open(sys.argv[1]).read())"
    job = await convert(python(code, "{input}"))
    assert state.job_results[job.job_id].content == "{} the source\n"


@pytest.mark.parametrize("content", ["bytes([255, 0])", "b'x' * (1 << 20) + b'y'"])
@pytest.mark.parametrize("places", ["{input}", "{input} {output}"])
async def test_what_is_large_or_no_text_is_uploaded(
    convert: Convert, state: "State", content: str, places: str
) -> None:
    code = f"import sys; open((sys.argv + [1])[2], 'wb').write({content})"
    job = await convert(python(code, places))
    token = state.job_results[job.job_id].upload_token
    assert bytes(state.files[token]) == eval(content)  # noqa: S307  # one of the two above


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (python("import sys; sys.exit('page 7 is torn')", "{input}"), "status 1: page 7 is torn"),
        (python("import os; os.kill(os.getpid(), 9)", "{input}"), "ended with SIGKILL"),
        (python("pass", "{input} {output}"), "wrote no {output}"),
        ("no-such-program {input}", "no-such-program cannot be run: No such file"),
    ],
)
async def test_a_failure_says_why(convert: Convert, command: str, told: str) -> None:
    job = await convert(command)
    assert job.status == RemoteJob.FAILED
    assert told in job.error_message


@pytest.mark.parametrize("command", ["cat", "{input}", "cat '{input}"])
def test_a_command_needs_an_input(command: str) -> None:
    with pytest.raises(ValueError, match=r"needs \{input\}|No closing quotation"):
        Program(command)


async def test_a_cancelled_job_kills_it_and_its_children(
    server: "FakeServer", state: "State", tmp_path: Path
) -> None:
    state.lease = 0.3
    pids = tmp_path / "pids"
    code = (
        "import os, subprocess, sys;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        f"open('{pids}.new', 'w').write(str(os.getpid()) + ' ' + str(child.pid));"
        f"os.rename('{pids}.new', '{pids}'); child.wait()"
    )
    async with Client(server.address) as client:
        worker = Worker(client)
        worker.handles("text")(Program(python(code, "{input}")).convert)
        created = await client.create_remote_job("s", "text")
        running = asyncio.create_task(worker.run(until_empty=True))
        while not pids.exists():
            await asyncio.sleep(0.01)
        await client.cancel_job(created.job_id)
        await running
    for pid in map(int, pids.read_text().split()):
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.01)
    assert created.job_id not in state.job_results
