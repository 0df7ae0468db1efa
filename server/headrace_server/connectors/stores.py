"""Addresses in fsspec's stores, such as s3:, gs: and sftp:, below the roots that are allowed."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import PurePosixPath
from typing import TypeVar
from uuid import uuid4

import fsspec
import structlog

from headrace_server.connectors.base import MAX_BYTES, Call, ConnectorError, Output, TemporaryError
from headrace_server.connectors.documents import (
    decode_file,
    encode_file,
    refuse_other_formats,
)
from headrace_server.connectors.roots import Root, StorePath, store_path
from headrace_server.connectors.threads import BoundedThreads
from headrace_server.model.mapping import Record

T = TypeVar("T")

#: stores that show what is put only when all of it is there
_PUT_AT_ONCE = frozenset({"memory", "s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl"})
#: calls at once of stores that are made for it; the others share a session that is not
_AT_ONCE = 16
#: what trying again does not mend
_FINAL = (
    FileNotFoundError,
    PermissionError,
    IsADirectoryError,
    NotADirectoryError,
    FileExistsError,
    NotImplementedError,
    ValueError,
    TypeError,
)

_log = structlog.get_logger(__name__)


class StoreConnector:
    """Reads and writes JSON documents and lines of JSON in the stores of the allowed roots."""

    tries = 3

    def __init__(
        self, roots: Sequence[Root], *, timeout: float = 30.0, max_bytes: int = MAX_BYTES
    ) -> None:
        """Take the seconds that a read or write may take, and the bytes that it may give."""
        # The innermost first: its options are meant for what is below it.
        ordered = sorted(roots, key=lambda root: len(root.place.path), reverse=True)
        self._stores = [_Store(root, timeout, max_bytes) for root in ordered]

    def check(self, address: str, *, written: bool) -> None:
        """Refuse what lies below no root, other formats, and archives that are to be written."""
        store, path = self._find(address)
        refuse_other_formats(PurePosixPath(path.path))
        if written and store.root.archive:
            raise ConnectorError(f"{path.scheme}: archives can only be read")

    def host_of(self, address: str) -> str:
        """Return the root: what it leads to is up or down as a whole."""
        store, _ = self._find(address)
        return store.root.place.url

    async def read(self, address: str, call: Call) -> list[Record]:
        """Read all of a file."""
        store, path = self._find(address)
        return decode_file(PurePosixPath(path.path), await store.read(path))

    async def write(self, address: str, records: Sequence[Record], call: Call) -> Output:
        """Replace the file as a whole, or make it."""
        store, path = self._find(address)
        data = encode_file(PurePosixPath(path.path), records)
        await store.write(path, data)
        return {"records": len(records), "bytes": len(data)}

    def _find(self, address: str) -> tuple["_Store", StorePath]:
        path = store_path(address)
        for store in self._stores:
            if path.is_below(store.root.place):
                return store, path
        raise ConnectorError(
            f"{path.url} is below no root that the server allows (HEADRACE_ALLOWED_ROOTS)"
        )


class _Store:
    """What lies below one root. Its file system is opened when it is wanted."""

    def __init__(self, root: Root, timeout: float, max_bytes: int) -> None:
        self.root = root
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._system: fsspec.AbstractFileSystem | None = None
        kind = fsspec.get_filesystem_class(root.place.scheme)
        self._threads = BoundedThreads(_AT_ONCE if kind.async_impl else 1, timeout)

    async def read(self, path: StorePath) -> bytes:
        data = await self._run(path, lambda system: self._read(system, path))
        if len(data) > self._max_bytes:
            raise ConnectorError(f"{path.url} has more than {self._max_bytes} bytes")
        return data

    async def write(self, path: StorePath, data: bytes) -> None:
        await self._run(path, lambda system: self._write(system, path, data))

    async def _run(self, path: StorePath, call: Callable[[fsspec.AbstractFileSystem], T]) -> T:
        """Call in a thread, and say in words what goes wrong; the store's own may hold secrets."""
        try:
            return await self._threads.run(lambda: call(self._opened()))
        except TimeoutError as error:
            raise TemporaryError(f"{path.url} took longer than {self._timeout:g} s") from error
        except _FINAL as error:
            raise ConnectorError(f"{path.url}: {_words(error)}") from error
        except Exception as error:
            if not getattr(self._system, "async_impl", False):
                self._system = None  # its session may be broken
            _log.warning("connectors.store_failed", root=self.root.place.url, exc_info=error)
            what = type(error).__name__
            raise TemporaryError(f"{path.url} cannot be reached now ({what})") from error

    def _opened(self) -> fsspec.AbstractFileSystem:
        if self._system is None:
            self._system = self.root.open()
        return self._system

    def _read(self, system: fsspec.AbstractFileSystem, path: StorePath) -> bytes:
        with system.open(_within(system, path.url), "rb") as file:
            data: bytes = file.read(self._max_bytes + 1)
            return data

    def _write(self, system: fsspec.AbstractFileSystem, path: StorePath, data: bytes) -> None:
        target = _within(system, path.url)
        if path.scheme in _PUT_AT_ONCE:
            system.pipe_file(target, data)
            return
        folder, _, name = target.rpartition("/")
        beside = f"{folder}/.{name}.{uuid4().hex}"
        try:
            system.pipe_file(beside, data)
            system.mv(beside, target)
        except BaseException:
            with suppress(Exception):
                system.rm_file(beside)
            raise


def _within(system: fsspec.AbstractFileSystem, url: str) -> str:
    """Return what the file system itself calls an address."""
    return str(system._strip_protocol(url))  # noqa: SLF001  # fsspec's own way


def _words(error: Exception) -> str:
    """Say what is wrong with a path, in words of ours."""
    for kind, words in _WORDS.items():
        if isinstance(error, kind):
            return words
    return f"the store cannot do that ({type(error).__name__})"


_WORDS: dict[type[Exception], str] = {
    FileNotFoundError: "no such file, folder or bucket",
    PermissionError: "the store does not permit it",
    IsADirectoryError: "it is a folder",
    NotADirectoryError: "part of it is no folder",
}
