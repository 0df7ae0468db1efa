"""Shares of Windows and Samba servers."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Lock
from typing import BinaryIO, TypeVar

from headrace_server.connectors.base import ConnectorError, MissingError, TemporaryError
from headrace_server.connectors.mounts.access import MountAccess
from headrace_server.connectors.mounts.base import FileStore
from headrace_server.connectors.mounts.copying import new_file
from headrace_server.connectors.mounts.listing import walk
from headrace_server.connectors.mounts.paths import parts_of
from headrace_server.connectors.mounts.places import share_of
from headrace_server.connectors.mounts.progress import Progress, WatchedThreads
from headrace_server.connectors.mounts.reading import opened_file
from headrace_server.connectors.mounts.smb_errors import LostError
from headrace_server.connectors.mounts.smb_share import PORT, Share
from headrace_server.model.storage import FileInfo, Place

T = TypeVar("T")

_AT_ONCE = 4
#: what a server of SMB reads as a part of a path, a pattern or a stream
_FORBIDDEN = frozenset('\\:*?"<>|')


class SmbStore(FileStore):
    """The files of a share, or of a folder in it. Its sessions are of no other mount."""

    def __init__(self, place: Place, access: MountAccess) -> None:
        """Raises ConnectorError where a user or password is missing."""
        self._host, self._share, self._folder = share_of(place.network_path)
        self._port = place.port or PORT
        self._credentials = dict(place.credentials)
        for name in ("username", "password"):
            if not self._credentials.get(name):
                raise ConnectorError(f"credentials.{name}: SMB needs one")
        self._access = access
        self._threads = WatchedThreads(_AT_ONCE, access.timeout * 2)
        self._lock = Lock()
        self._idle: list[Share] = []
        self._closed = False

    async def check(self) -> None:
        """Log on, and look at the folder."""
        await self._run(lambda share, _: self._look(share))

    async def free_bytes(self) -> int | None:
        """The room that is left for the user."""
        return await self._run(lambda share, _: share.free_bytes(self._folder))

    async def list(self, folder: str, *, recursive: bool) -> Sequence[FileInfo]:
        """The files in a folder, by path; many are described with each answer."""

        def look(share: Share, progress: Progress) -> Sequence[FileInfo]:
            return walk(folder, partial(self._entries, share), progress, recursive=recursive)

        return await self._run(look)

    async def stat(self, path: str) -> FileInfo:
        """One file."""
        return await self._run(lambda share, _: self._stat(share, path))

    async def fetch(self, path: str, target: Path, *, most_bytes: int) -> FileInfo:
        """Copy a file that nobody has open to write to."""
        return await self._run(
            lambda share, each: self._fetch(share, path, target, most_bytes, each)
        )

    @contextmanager
    def open(self, path: str) -> Iterator[BinaryIO]:
        """Open a file to read here and there, in a session of its own."""
        with self._using(self._connect()) as share, share.reading(self._name(path)) as opened:
            yield opened_file(opened.entry.size, opened.read)

    async def close(self) -> None:
        """Log off, and keep no session any more."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for share in idle:
            share.drop()

    async def _run(self, call: Callable[[Share, Progress], T]) -> T:
        def run(progress: Progress) -> T:
            share = self._kept()
            if share is not None:
                # It may have ended long ago, which says nothing of the server now.
                with suppress(LostError), self._using(share):
                    return call(share, progress)
                progress.step()
            with self._using(self._connect()) as share:
                return call(share, progress)

        try:
            return await self._threads.run(run)
        except TimeoutError as error:
            raise TemporaryError(f"{self._host} does not answer") from error

    @contextmanager
    def _using(self, share: Share) -> Iterator[Share]:
        """Use a session in this thread alone; it is kept for the next one unless it broke."""
        try:
            yield share
        except LostError:
            share.drop()
            raise
        finally:
            self._keep(share)

    def _kept(self) -> Share | None:
        with self._lock:
            while self._idle:
                share = self._idle.pop()
                if share.connected:
                    return share
        return None

    def _keep(self, share: Share) -> None:
        with self._lock:
            if not self._closed and share.connected and len(self._idle) < _AT_ONCE:
                self._idle.append(share)
                return
        share.drop()

    def _connect(self) -> Share:
        address = self._access.address_of(self._host, self._port)
        return Share.connect(
            self._host, self._share, address, self._port, self._credentials, self._access.timeout
        )

    def _look(self, share: Share) -> None:
        with closing(share.entries(self._folder)) as entries:
            next(entries, None)

    def _name(self, path: str) -> str:
        """Return a path of the share. Raises MissingError where there can be none."""
        if any(_FORBIDDEN & set(part) for part in parts_of(path)):
            raise MissingError(f"{path}: no such file or folder")
        return f"{self._folder}/{path}".strip("/")

    def _entries(self, share: Share, folder: str) -> Generator[FileInfo | str | None, None, None]:
        with closing(share.entries(self._name(folder))) as entries:
            for entry in entries:
                path = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_link:
                    yield None
                else:
                    yield path if entry.is_folder else entry.info(path)

    def _stat(self, share: Share, path: str) -> FileInfo:
        entry = share.stat(self._name(path))
        if entry.is_folder:
            raise MissingError(f"{path or 'the mount'} is a folder")
        return entry.info(path)

    def _fetch(
        self, share: Share, path: str, target: Path, most_bytes: int, progress: Progress
    ) -> FileInfo:
        name = self._name(path)
        before = share.unwritten(name)
        if before.size > most_bytes:
            raise ConnectorError(f"{path} has more than {most_bytes} bytes")
        with new_file(target) as file:
            copied = 0
            with share.reading(name) as opened:
                while piece := opened.read(copied, before.size - copied):
                    copied += file.write(piece)
                    progress.step()
            # Only now: of a file that is open, Samba tells the time that it had when it was opened.
            if copied != before.size or share.unwritten(name) != before:
                raise TemporaryError(f"{path} changed while it was read")
        return before.info(path)
