"""Real servers of files, for the tests of all that reads mounts; a plugin of tests/conftest.py."""

import getpass
import logging
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import fsspec
import psutil
import pytest

from headrace_server.connectors.mounts.access import MountAccess
from headrace_server.model.storage import Place, StorageType

#: what mounts of tests may reach, and how long they wait for it
REACH = MountAccess(hosts=("127.0.0.0/8", "::1"), timeout=10)

_PASSWORD = "hush-hush"  # noqa: S105  # of a server that lives as long as the tests
_CONFIGURATION = """
[global]
server role = standalone server
workgroup = HEADRACE
netbios name = FILES
interfaces = 127.0.0.1
bind interfaces only = yes
smb ports = {port}
private dir = {private}
lock directory = {private}
state directory = {private}
cache directory = {private}
pid directory = {private}
ncalrpc dir = {private}/ncalrpc
log file = {private}/log
passdb backend = tdbsam:{private}/passdb.tdb
map to guest = bad user
guest account = {user}
load printers = no
printing = bsd
printcap name = /dev/null
disable spoolss = yes
disable netbios = yes
server min protocol = SMB2_02

[sales]
path = {folder}
read only = no
guest ok = no
"""


@dataclass
class SmbServer:
    """A server of SMB on loopback, of this test run's own, with one share: sales."""

    #: what the share shows; its user owns it
    folder: Path
    private: Path
    port: int
    user: str
    password: str = field(default=_PASSWORD, repr=False)
    process: subprocess.Popen[bytes] | None = None

    @property
    def place(self) -> Place:
        """The share, as a mount takes it."""
        credentials = {"username": self.user, "password": self.password}
        return Place(StorageType.SMB, "//127.0.0.1/sales", credentials, port=self.port)

    def in_folder(self, folder: str) -> Place:
        """A folder of the share."""
        return replace(self.place, network_path=f"//127.0.0.1/sales/{folder}")

    @property
    def configuration(self) -> Path:
        return self.private / "smb.conf"

    def start(self) -> None:
        """Start it; it answers when this returns."""
        command = ["smbd", f"--configfile={self.configuration}", "--foreground"]
        self.process = subprocess.Popen(
            [*command, "--no-process-group"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(1000):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
            except ConnectionRefusedError:
                assert self.process.poll() is None, "smbd has ended"
                time.sleep(0.01)
            else:
                return
        raise AssertionError("smbd does not listen")

    def send(self, number: signal.Signals, *, sessions_only: bool = False) -> None:
        """Send a signal to its processes, or to those that each serve one session."""
        assert self.process is not None
        parent = psutil.Process(self.process.pid)
        for each in parent.children(recursive=True) + ([] if sessions_only else [parent]):
            each.send_signal(number)

    def stop(self) -> None:
        """Kill it, with all sessions."""
        if self.process is not None:
            self.send(signal.SIGKILL)
            self.process.wait()
            self.process = None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def smb_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmbServer]:
    """A server of SMB that lives as long as this test process."""
    if shutil.which("smbd") is None:
        pytest.fail("smbd is missing; install it with: apt-get install samba")
    home = tmp_path_factory.mktemp("smb")
    server = SmbServer(home / "folder", home / "private", _free_port(), getpass.getuser())
    for each in (server.folder, server.private, server.private / "ncalrpc"):
        each.mkdir(mode=0o755)
    settings = {"port": server.port, "private": server.private, "folder": server.folder}
    server.configuration.write_text(_CONFIGURATION.format(user=server.user, **settings))
    subprocess.run(
        ["pdbedit", f"--configfile={server.configuration}", "-a", "-t", "-u", server.user],
        input=f"{_PASSWORD}\n{_PASSWORD}\n".encode(),
        stdout=subprocess.DEVNULL,
        check=True,
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture
def smb_server(smb_process: SmbServer) -> SmbServer:
    """A server of SMB that answers, with an empty share."""
    if smb_process.process is None or smb_process.process.poll() is not None:
        smb_process.start()
    for each in smb_process.folder.iterdir():
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        else:
            each.unlink()
    return smb_process


@dataclass
class S3Server:
    """A server of the protocol of S3 on loopback, with fsspec's way to it."""

    url: str
    system: fsspec.AbstractFileSystem
    username: str = "someone"
    password: str = field(default=_PASSWORD, repr=False)

    def place(self, path: str) -> Place:
        """A bucket, or a folder of one, as a mount takes it."""
        credentials = {"access_key_id": self.username, "secret_access_key": self.password}
        return Place(StorageType.S3, f"s3://{path}", credentials, endpoint_url=self.url)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """A server of S3 that lives as long as this test process; tests make buckets of their own."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415  # the other tests need not wait

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    options: dict[str, Any] = {"endpoint_url": url, "key": "someone", "secret": _PASSWORD}
    yield S3Server(url, fsspec.filesystem("s3", **options, skip_instance_cache=True))
    server.stop()
