"""Buckets of S3, Google Cloud Storage and Azure, or folders in them."""

from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress
from datetime import UTC
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from headrace_server.connectors.base import ConnectorError, MissingError, TemporaryError
from headrace_server.connectors.mounts.base import FileStore
from headrace_server.connectors.mounts.buckets import Bucket, OpenBucket, StoredObject
from headrace_server.connectors.mounts.copying import new_file
from headrace_server.connectors.mounts.listing import Listing
from headrace_server.connectors.mounts.loops import LoopThread
from headrace_server.connectors.mounts.paths import parts_of, real, shown
from headrace_server.connectors.mounts.progress import Progress
from headrace_server.connectors.mounts.reading import opened_file
from headrace_server.model.storage import FileInfo

T = TypeVar("T")

#: bytes that are asked for at once
_RANGE = 64 << 20
#: how often a range is asked for again before any byte of it came
_TRIES = 3


class RemoteStore(FileStore):
    """The objects of a bucket as files: a slash in a key parts folders.

    A folder is there as long as anything is in it; where there is nothing, none is missed.
    """

    def __init__(self, network_path: str, folder: str, open_: OpenBucket, timeout: float) -> None:
        """Take what opens the bucket, and the folder in it; "" for all of it."""
        self._network_path = network_path
        self._prefix = f"{folder}/" if folder else ""
        self._open = open_
        self._loop = LoopThread(timeout)
        self._timeout = timeout
        self._opened: Bucket | None = None

    async def check(self) -> None:
        """Ask for the first object."""

        async def ask(_: Progress) -> None:
            async with aclosing(self._objects("", deep=True)) as objects:
                await anext(objects, None)

        await self._run(ask)

    async def free_bytes(self) -> None:
        """No bucket is ever full."""

    async def list(self, folder: str, *, recursive: bool) -> Sequence[FileInfo]:
        """The files in a folder, by path, in as few calls as the provider allows."""
        inside = "".join(f"{part}/" for part in parts_of(folder))

        async def ask(progress: Progress) -> Sequence[FileInfo]:
            found = Listing(folder, progress)
            async with aclosing(self._objects(inside, deep=recursive)) as objects:
                async for each in objects:
                    found.add(self._info(each))
            return found.files

        return await self._run(ask)

    async def stat(self, path: str) -> FileInfo:
        """One file."""
        key = self._key(path)

        async def ask(_: Progress) -> FileInfo:
            return _described(path, await self._bucket().head(key))

        return await self._run(ask)

    async def fetch(self, path: str, target: Path, *, most_bytes: int) -> FileInfo:
        """Copy one version of a file, range by range."""
        key = self._key(path)

        async def copy(progress: Progress) -> FileInfo:
            found = await self._bucket().head(key)
            if found.size > most_bytes:
                raise ConnectorError(f"{path} has more than {most_bytes} bytes")
            with new_file(target) as file:
                await self._copy(found, file, progress)
            return _described(path, found)

        return await self._run(copy)

    @contextmanager
    def open(self, path: str) -> Iterator[BinaryIO]:
        """Open one version of a file to read here and there."""
        key = self._key(path)
        with self._in_words():
            found = self._loop.call(lambda: self._bucket().head(key))

        async def some(start: int, length: int) -> bytes:
            pieces = self._bucket().read(found, start, start + length)
            return b"".join([piece async for piece in pieces])

        def read(start: int, length: int) -> bytes:
            with self._in_words():
                return self._loop.call(lambda: some(start, length))

        yield opened_file(found.size, read)

    async def close(self) -> None:
        """Close the connections."""
        bucket, self._opened = self._opened, None

        if bucket is not None:
            with suppress(ConnectorError):
                await self._run(lambda _: bucket.close())
        await self._loop.stop()

    async def _run(self, call: Callable[[Progress], Coroutine[Any, Any, T]]) -> T:
        with self._in_words():
            return await self._loop.run(call)

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError as error:
            raise TemporaryError(
                f"{self._network_path} does not answer within {self._timeout:g} s"
            ) from error

    def _bucket(self) -> Bucket:
        """Return the bucket; only ever called in the loop."""
        if self._opened is None:
            self._opened = self._open()
        return self._opened

    async def _objects(self, inside: str, *, deep: bool) -> AsyncGenerator[StoredObject, None]:
        prefix = f"{self._prefix}{inside}"
        async with aclosing(self._bucket().list(prefix, deep=deep)) as objects:
            async for each in objects:
                yield each

    async def _copy(self, found: StoredObject, file: BinaryIO, progress: Progress) -> None:
        copied = failed = 0
        while copied < found.size:
            end, before = min(found.size, copied + _RANGE), copied
            try:
                async with aclosing(self._bucket().read(found, copied, end)) as pieces:
                    async for piece in pieces:
                        copied += file.write(piece)
                        progress.step()
                ended: TemporaryError | None = None
            except TemporaryError as error:
                ended = error
            failed = 0 if copied > before else failed + 1
            if failed == _TRIES:
                raise ended or TemporaryError(f"{self._network_path} ended an answer early")
        if copied > found.size:
            raise TemporaryError(f"{self._network_path} gave more bytes than it was asked for")

    def _info(self, found: StoredObject) -> FileInfo | None:
        """Describe an object as a file; None for one whose key can be no path."""
        path = shown(found.key.removeprefix(self._prefix))
        if not found.key.startswith(self._prefix):
            return None
        try:
            parts_of(path)
        except MissingError:
            return None
        return _described(path, found) if path else None

    def _key(self, path: str) -> str:
        if not parts_of(path):
            raise MissingError("the mount is a folder")
        return f"{self._prefix}{real(path)}"


def _described(path: str, found: StoredObject) -> FileInfo:
    fingerprint = f"{found.size}-{found.tag}"
    return FileInfo(path, found.size, found.modified_at.astimezone(UTC), fingerprint)
