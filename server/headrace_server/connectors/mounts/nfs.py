"""Exports of NFS servers, which this machine's kernel reads.

What is mounted already is used; else the export is mounted to be read, where this process may.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Lock

from headrace_server.connectors.base import ConnectorError, MissingError, TemporaryError
from headrace_server.connectors.mounts.access import MountAccess
from headrace_server.connectors.mounts.local import LocalStore
from headrace_server.connectors.mounts.places import export_of
from headrace_server.model.storage import Place

#: what the kernel says is mounted
MOUNTS = Path("/proc/self/mounts")

_PORT = 2049
_TYPES = {"nfs", "nfs4"}
_PROGRAMS = "/sbin:/usr/sbin:/bin:/usr/bin"
_ESCAPED = re.compile(r"\\([0-7]{3})")
_UNREACHABLE = ("refused", "timed out", "no route", "unreachable", "not responding")


class NfsStore(LocalStore):
    """The files of an export. A server that hangs fails calls; it does not hold them for ever."""

    def __init__(self, place: Place, access: MountAccess, *, table: Path = MOUNTS) -> None:
        self._host, self._export = export_of(place.network_path)
        self._source = place.network_path
        self._access = access
        self._table = table
        self._lock = Lock()
        #: folder that we mounted it on
        self._own: Path | None = None
        super().__init__(Path("/"), [Path("/")], timeout=access.timeout, watchable=False)

    async def close(self) -> None:
        """Unmount what was mounted for this."""
        await self._run("", lambda _: self._unmount())

    def _base(self) -> Path:
        """Where it is mounted; it is mounted now if it is not, and looked for with each call.

        Without that look, the empty folder below a mount that has gone would pass for the export.
        """
        if not self._access.names(self._host):
            raise ConnectorError(
                f"{self._host} is not named in HEADRACE_STORAGE_HOSTS, as NFS servers must be:"
                " exports are read with the rights of this machine"
            )
        with self._lock:
            for source, folder in mounted(self._table.read_text("utf-8", "surrogateescape")):
                if source == self._source or folder == self._own:
                    return folder
            self._own = None
            self._own = self._mount()
            return self._own

    def _mount(self) -> Path:
        program = shutil.which("mount.nfs", path=f"{os.environ.get('PATH', '')}:{_PROGRAMS}")
        below = self._access.mount_folder
        if program is None or below is None or os.geteuid():
            raise ConnectorError(
                f"{self._source} is not mounted on the server's machine: have its operator mount it"
                " there, under the same name, or run the server as root with mount.nfs installed"
            )
        address = self._access.address_of(self._host, _PORT)
        source = f"[{address}]:{self._export}" if ":" in address else f"{address}:{self._export}"
        below.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(self._source.encode()).hexdigest()[:16]
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=below)).resolve()
        try:
            self._call(program, source, str(folder), "-o", self._options)
        except BaseException:
            folder.rmdir()
            raise
        return folder

    @property
    def _options(self) -> str:
        """Soft: a server that does not answer fails a call, instead of holding it for ever."""
        tenths = max(1, round(self._access.timeout * 10 / 2))
        return f"ro,soft,timeo={tenths},retrans=1,retry=0,nosuid,nodev,noexec"

    def _unmount(self) -> None:
        with self._lock:
            folder, self._own = self._own, None
        if folder is not None:
            with suppress(ConnectorError):
                program = shutil.which("umount", path=f"{os.environ.get('PATH', '')}:{_PROGRAMS}")
                self._call(program or "umount", "-l", str(folder))
            with suppress(OSError):
                folder.rmdir()

    def _call(self, *command: str) -> None:
        """Call a program. Raises ConnectorError with what it says."""
        try:
            subprocess.run(  # noqa: S603  # of fixed programs; no argument can be an option
                command,
                check=True,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self._access.timeout,
            )
        except subprocess.TimeoutExpired as error:
            raise TemporaryError(f"{self._host} does not answer") from error
        except subprocess.CalledProcessError as error:
            raise self._refused(error.stderr.decode(errors="replace")) from error

    def _refused(self, said: str) -> ConnectorError:
        words = said.lower()
        if "access denied" in words or "not permitted" in words:
            return ConnectorError(f"{self._source}: the server does not export it to this machine")
        if "no such file" in words:
            return MissingError(f"{self._source}: the server has no such export")
        if any(each in words for each in _UNREACHABLE):
            return TemporaryError(f"{self._host} does not answer")
        last = (said.strip().splitlines() or ["no reason given"])[-1]
        return TemporaryError(f"{self._source} cannot be mounted: {last[:200]}")


def mounted(table: str) -> Iterator[tuple[str, Path]]:
    """Yield source and folder of each NFS mount of a table like /proc/self/mounts, newest first."""
    for line in reversed(table.splitlines()):
        source, folder, kind, *_ = [*line.split(" "), "", "", ""]
        if kind in _TYPES:
            yield _plain(source), Path(_plain(folder))


def _plain(text: str) -> str:
    """Read the octal escapes of blanks and backslashes."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), text)
