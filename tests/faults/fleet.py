"""Real processes of Headrace, to be killed, stopped and started again."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, Any

import psutil
from forking import ForkedServer

from headrace_client import Client, HeadraceError

_REMOTE_WORKER = Path(__file__).parent / "remote_worker.py"
#: seconds until a test counts as hung; nothing is expected to take a part of it
PATIENCE = 60.0


#: begins a process in an environment
Begin = Callable[[Mapping[str, str]], "subprocess.Popen[bytes] | ForkedServer"]


class Program:
    """A process that can be started again after its end."""

    def __init__(self, name: str, begin: "Begin", environ: Mapping[str, str]) -> None:
        self.name = name
        self._begin = begin
        self._environ = dict(environ)
        self._log: list[bytes] = []
        self._old_log: list[bytes] = []
        self._process: subprocess.Popen[bytes] | ForkedServer | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        assert not self.running
        # A pipe: a disk that a test makes full for the program must not hold up its log.
        self._process = self._begin({**os.environ, **self._environ})
        self._old_log += self._log
        self._log = []
        threading.Thread(target=_keep, args=(self._process.stdout, self._log), daemon=True).start()

    async def ready(self) -> None:
        """Wait until it says that it is ready."""
        await eventually(self._is_ready, self.name)

    def _is_ready(self) -> bool:
        assert self.running, f"{self.name} ended:\n{self.words()[-4000:]}"
        return any(entry.get("event") == "ready" for entry in self.entries())

    def words(self) -> str:
        """What it has logged since its last start."""
        return b"".join(self._log).decode(errors="replace")

    def story(self) -> str:
        """All that it has logged but for the calls."""
        lines = b"".join([*self._old_log, *self._log]).decode(errors="replace").splitlines()
        calls = ('"event": "call"', '"event":"call"')
        return "\n".join(line for line in lines if not any(call in line for call in calls))

    def entries(self) -> list[dict[str, Any]]:
        """The records that it has logged since its last start."""
        found = []
        for line in self.words().splitlines():
            with suppress(ValueError):
                found.append(json.loads(line))
        return [entry for entry in found if isinstance(entry, dict)]

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.pid).children(recursive=True)

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End it by SIGKILL."""
        self.signal(signal.SIGKILL)
        self.wait()

    def stop(self) -> int:
        """Ask it to end; returns its exit status."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        assert self._process is not None
        return self._process.wait(PATIENCE)

    def end(self) -> None:
        """End it however it stands, and what it started."""
        if not self.running:
            return
        family = self.children()
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.wait()
        if self.running:
            self.kill()
        for child in family:
            with suppress(psutil.NoSuchProcess):
                child.kill()


class Fleet:
    """Servers and workers that share a control store and a folder."""

    def __init__(self, folder: Path, database_url: str, settings: Mapping[str, object]) -> None:
        self.folder = folder
        self.database_url = database_url
        self.data_dir = folder / "data"
        self.address = f"127.0.0.1:{free_port()}"
        self._settings = {
            "data_dir": self.data_dir,
            "database_url": database_url,
            "grpc_address": self.address,
            "http_address": "127.0.0.1:1",
            "metrics_address": "",
            "log_format": "json",
            "parsers": 1,
            "concurrency": 2,
            "chunk_bytes": 4096,
            "drain_seconds": 1,
            **settings,
        }
        self._programs: list[Program] = []
        self.server = self.program("serve", "server")

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")

    @property
    def spool(self) -> Path:
        return self.data_dir / "spool"

    def program(self, command: str, name: str, **settings: object) -> Program:
        environ = {
            f"HEADRACE_{setting.upper()}": str(value)
            for setting, value in {**self._settings, **settings}.items()
        }
        program = Program(name, partial(ForkedServer, [command]), environ)
        self._programs.append(program)
        return program

    def remote_worker(self, name: str, address: str) -> Program:
        """A worker of the client library, of that worker id."""
        begin = partial(_begin, [sys.executable, str(_REMOTE_WORKER), address, name])
        program = Program(name, begin, {})
        self._programs.append(program)
        return program

    def client(self, address: str | None = None) -> Client:
        return Client(address or self.address, patience=PATIENCE)

    def end(self) -> None:
        """End all programs; a failed test shows what they said last."""
        for program in self._programs:
            program.end()
            sys.stdout.write(f"--- {program.name}:\n{program.story()[-9000:]}\n")


#: makes a fleet on a database, with settings
MakeFleet = Callable[..., Fleet]


async def eventually(
    condition: Callable[[], bool | Awaitable[bool]], what: str, every: float = 0.01
) -> None:
    """Wait until the condition holds. Fails when it takes too long."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with suppress(HeadraceError):
            holds = condition()
            if holds if isinstance(holds, bool) else await holds:
                return
        assert time.monotonic() < deadline, f"waited in vain for: {what}"
        await asyncio.sleep(every)


def _begin(arguments: Sequence[str], environ: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        arguments, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def _keep(output: IO[bytes], log: list[bytes]) -> None:
    with output:
        log.extend(output)


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
