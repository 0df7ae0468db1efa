"""Folders of this machine: places of their own, and what NFS exports are read by."""

import errno
import os
import stat
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeVar

from headrace_server.connectors.base import ConnectorError, MissingError, TemporaryError
from headrace_server.connectors.mounts.base import FileStore
from headrace_server.connectors.mounts.copying import new_file
from headrace_server.connectors.mounts.listing import walk
from headrace_server.connectors.mounts.moments import moment_of
from headrace_server.connectors.mounts.paths import parts_of, shown
from headrace_server.connectors.mounts.progress import Progress, WatchedThreads
from headrace_server.model.storage import FileInfo

T = TypeVar("T")

_AT_ONCE = 4
_BLOCK = 8 << 20
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Not waiting: a pipe that nobody writes to would hold the thread.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_NO_ROOTS = "the server allows no folders (HEADRACE_ALLOWED_ROOTS)"


class LocalStore(FileStore):
    """The files below a folder.

    Symbolic links are not listed; a path may have them where they do not lead out of the folder.
    """

    def __init__(
        self, folder: Path, roots: Sequence[Path], *, timeout: float, watchable: bool = True
    ) -> None:
        """Take the folders that it must lie in, and whether the disk tells of all changes."""
        if not roots:
            raise ConnectorError(_NO_ROOTS)
        self._folder = folder
        self._roots = tuple(roots)
        self._watchable = watchable
        self._threads = WatchedThreads(_AT_ONCE, timeout)

    async def check(self) -> None:
        """Open the folder."""
        await self._run("", lambda _: os.close(self._opened([])))

    async def free_bytes(self) -> int | None:
        """The room that is left for users without privileges."""
        return await self._run("", self._free_bytes)

    async def list(self, folder: str, *, recursive: bool) -> Sequence[FileInfo]:
        """The files in a folder, by path."""
        return await self._run(
            folder, lambda each: walk(folder, self._entries, each, recursive=recursive)
        )

    async def stat(self, path: str) -> FileInfo:
        """One file."""
        return await self._run(path, lambda _: self._stat(path))

    async def fetch(self, path: str, target: Path, *, most_bytes: int) -> FileInfo:
        """Copy a file within the kernel, where the file systems can do that."""
        return await self._run(path, lambda each: self._fetch(path, target, most_bytes, each))

    @contextmanager
    def open(self, path: str) -> Iterator[BinaryIO]:
        """Open a file to read here and there."""
        with _in_words(path):
            descriptor = self._open_file(path)
        with open(descriptor, "rb") as file:  # noqa: PTH123  # descriptor
            yield file

    def folder_on_disk(self, folder: str) -> Path | None:
        """Where a folder lies, if not on a disk of another machine."""
        base = self._folder.resolve()
        real = base.joinpath(*parts_of(folder)).resolve()
        return real if self._watchable and real.is_relative_to(base) else None

    async def close(self) -> None:
        """Nothing is kept open."""

    async def _run(self, path: str, call: Callable[[Progress], T]) -> T:
        def in_words(progress: Progress) -> T:
            with _in_words(path):
                return call(progress)

        try:
            return await self._threads.run(in_words)
        except TimeoutError as error:
            raise TemporaryError(f"{path or 'the folder'}: the disk does not answer") from error

    def _base(self) -> Path:
        """Where the place really is."""
        return self._folder.resolve()

    def _opened(self, parts: Sequence[str]) -> int:
        """Open the folder that really is at a path; returns its descriptor.

        Symbolic links are resolved first and none is followed after, so that what was checked is
        what is opened.
        """
        base = self._base()
        root = next((r for r in map(Path.resolve, self._roots) if base.is_relative_to(r)), None)
        if root is None:
            raise ConnectorError(f"{self._folder} is below no folder that the server allows")
        real = base.joinpath(*parts).resolve()
        if not real.is_relative_to(base):
            raise MissingError(f"{shown('/'.join(parts))} leads out of the mount")
        descriptor = os.open(root, _FOLDER)
        for part in real.relative_to(root).parts:
            try:
                inner = os.open(part, _FOLDER, dir_fd=descriptor)
            finally:
                os.close(descriptor)
            descriptor = inner
        return descriptor

    def _open_file(self, path: str) -> int:
        base, parts = self._base(), parts_of(path)
        real = base.joinpath(*parts).resolve()
        if real == base or not real.is_relative_to(base):
            raise MissingError(
                f"{path} {'is a folder' if real == base else 'leads out of the mount'}"
            )
        *folders, name = real.relative_to(base).parts
        folder = self._opened(folders)
        try:
            descriptor = os.open(name, _FILE, dir_fd=folder)
        finally:
            os.close(folder)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise MissingError(f"{path} is no file")
        return descriptor

    def _free_bytes(self, _: Progress) -> int:
        descriptor = self._opened([])
        try:
            room = os.fstatvfs(descriptor)
        finally:
            os.close(descriptor)
        return room.f_bavail * room.f_frsize

    def _entries(self, folder: str) -> Generator[FileInfo | str | None, None, None]:
        """Yield what is in a folder; what goes away meanwhile is left out."""
        with _in_words(folder):
            descriptor = self._opened(parts_of(folder))
        try:
            with os.scandir(descriptor) as entries:
                for entry in entries:
                    path = shown(entry.name) if not folder else f"{folder}/{shown(entry.name)}"
                    with suppress(FileNotFoundError):
                        yield _entry(path, entry.stat(follow_symlinks=False))
        finally:
            os.close(descriptor)

    def _stat(self, path: str) -> FileInfo:
        descriptor = self._open_file(path)
        try:
            return _info(path, os.fstat(descriptor))
        finally:
            os.close(descriptor)

    def _fetch(self, path: str, target: Path, most_bytes: int, progress: Progress) -> FileInfo:
        descriptor = self._open_file(path)
        try:
            before = _info(path, os.fstat(descriptor))
            with new_file(target) as file:
                _copy(descriptor, file.fileno(), path, most_bytes, progress)
                copied = file.seek(0, os.SEEK_END)
                if copied != before.size or self._stat(path) != before:
                    raise TemporaryError(f"{path} changed while it was read")
            return before
        finally:
            os.close(descriptor)


def _copy(source: int, target: int, path: str, most_bytes: int, progress: Progress) -> None:
    """Copy to the end of a file. Raises ConnectorError where that is too far."""
    copied, move = 0, _within_kernel
    while True:
        try:
            moved = move(source, target)
        except OSError:
            if move is _by_hand:
                raise
            move = _by_hand  # the file systems are of two kinds
            continue
        progress.step()
        copied += moved
        if copied > most_bytes:
            raise ConnectorError(f"{path} has more than {most_bytes} bytes")
        if not moved:
            return


def _within_kernel(source: int, target: int) -> int:
    return os.copy_file_range(source, target, _BLOCK)


def _by_hand(source: int, target: int) -> int:
    return os.sendfile(target, source, None, _BLOCK)


def _entry(path: str, status: os.stat_result) -> FileInfo | str | None:
    if stat.S_ISDIR(status.st_mode):
        return path
    return _info(path, status) if stat.S_ISREG(status.st_mode) else None


def _info(path: str, status: os.stat_result) -> FileInfo:
    return FileInfo(
        path=path,
        size=status.st_size,
        modified_at=moment_of(status.st_mtime_ns),
        fingerprint=f"{status.st_size}-{status.st_mtime_ns}-{status.st_ino}",
    )


@contextmanager
def _in_words(path: str) -> Iterator[None]:
    """Say what is wrong with a file."""
    what = path or "the folder"
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingError(f"{what}: no such file or folder") from error
    except RuntimeError as error:  # Path.resolve
        raise MissingError(f"{what}: symbolic links that lead in a circle") from error
    except (PermissionError, IsADirectoryError) as error:
        raise ConnectorError(f"{what}: {error.strerror}") from error
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise MissingError(f"{what}: no such file or folder") from error
        raise TemporaryError(f"{what}: {error.strerror}") from error
