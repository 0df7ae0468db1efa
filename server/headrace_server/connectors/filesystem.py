"""file: addresses: JSON documents and lines of JSON below folders that the operator allows."""

import asyncio
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from headrace_server.connectors.base import MAX_BYTES, Call, ConnectorError, Output, TemporaryError
from headrace_server.connectors.documents import (
    decode_file,
    encode_file,
    refuse_other_formats,
)
from headrace_server.model.mapping import Record

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_NO_ROOTS = "the server allows no folders (HEADRACE_ALLOWED_ROOTS)"


class FileConnector:
    """Reads and writes files below the allowed roots, wherever symbolic links lead."""

    tries = 3

    def __init__(self, roots: Sequence[Path], *, max_bytes: int = MAX_BYTES) -> None:
        self._roots = tuple(roots)
        self._max_bytes = max_bytes

    def check(self, address: str, *, written: bool) -> None:
        """Refuse formats and hosts that cannot be, and everything where no root is allowed."""
        path = path_of(address)
        if not self._roots:
            raise ConnectorError(_NO_ROOTS)
        refuse_other_formats(path)

    def host_of(self, address: str) -> None:
        """Set no limits: all files are of this machine."""

    async def read(self, address: str, call: Call) -> list[Record]:
        """Read all of a file."""
        path = path_of(address)
        return decode_file(path, await asyncio.to_thread(self._read, path))

    async def write(self, address: str, records: Sequence[Record], call: Call) -> Output:
        """Replace the file as a whole, or make it; its folder must be there."""
        path = path_of(address)
        data = encode_file(path, records)
        await asyncio.to_thread(self._write, path, data)
        return {"records": len(records), "bytes": len(data)}

    def open(self, path: Path) -> BinaryIO:
        """Open a file to read. Blocking. Raises ConnectorError and TemporaryError."""
        if not self._roots:
            raise ConnectorError(_NO_ROOTS)
        with _in_words(path), self._folder(path) as (folder, name):
            # Not waiting: a pipe that nobody writes to would hold the thread.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
            descriptor = os.open(name, flags, dir_fd=folder)
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.close(descriptor)
                raise ConnectorError(f"{path} is no file")
            return open(descriptor, "rb")  # noqa: PTH123  # descriptor

    def _read(self, path: Path) -> bytes:
        with self.open(path) as file, _in_words(path):
            data = file.read(self._max_bytes + 1)
        if len(data) > self._max_bytes:
            raise ConnectorError(f"{path} has more than {self._max_bytes} bytes")
        return data

    def _write(self, path: Path, data: bytes) -> None:
        with _in_words(path), self._folder(path) as (folder, name):
            beside = f".{name}.{uuid4().hex}"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            try:
                with open(os.open(beside, flags, 0o644, dir_fd=folder), "wb") as file:  # noqa: PTH123  # descriptor
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                os.rename(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
                os.fsync(folder)
            except OSError:
                with suppress(OSError):
                    os.unlink(beside, dir_fd=folder)
                raise

    @contextmanager
    def _folder(self, path: Path) -> Iterator[tuple[int, str]]:
        """Open the folder that really holds the file; gives its descriptor and the file's name.

        Symbolic links are resolved first and none is followed after, so that what was checked is
        what is opened.
        """
        real = path.resolve()
        root = next((r for r in map(Path.resolve, self._roots) if real.is_relative_to(r)), None)
        if root is None or real == root:
            raise ConnectorError(f"{path} is below no folder that the server allows")
        *folders, name = real.relative_to(root).parts
        descriptor = os.open(root, _FOLDER)
        try:
            for part in folders:
                outer, descriptor = descriptor, os.open(part, _FOLDER, dir_fd=descriptor)
                os.close(outer)
            yield descriptor, name
        finally:
            os.close(descriptor)


def path_of(address: str) -> Path:
    """Return the path of a file: address. Raises ConnectorError."""
    try:
        parts = urlsplit(address)
    except ValueError as error:
        raise ConnectorError(f"no URL: {error}") from error
    path = unquote(parts.path)
    if parts.netloc not in {"", "localhost"} or not path.startswith("/") or "\0" in path:
        raise ConnectorError("a file is addressed as file:///folder/name.json")
    return Path(path)


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """Say what is wrong with a file."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError) as error:
        raise ConnectorError(f"{path}: {error.strerror}") from error
    except OSError as error:
        raise TemporaryError(f"{path}: {error.strerror}") from error
