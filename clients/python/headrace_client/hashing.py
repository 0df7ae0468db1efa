"""A local file read in blocks, with the SHA-256 of the whole computed on the way."""

import asyncio
import hashlib
import threading
from pathlib import Path

import grpc

from headrace_client.errors import FileChangedError

#: also the size of a message, which gRPC limits to 4 MiB by default
_BLOCK_BYTES = 1 << 20


class HashedFile:
    """A file that is read once for two purposes: its bytes, and its checksum.

    `size` is the file's size when it was opened, in bytes; bytes that come later are not read.
    Blocks that are read again, after a cut, are hashed once.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("rb")
        self._stat = path.stat()
        self.size = self._stat.st_size
        self._sha256 = hashlib.sha256()
        self._hashed_bytes = 0
        # A cut call leaves its last read running in its thread.
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()

    async def read(self, offset: int, length: int = _BLOCK_BYTES) -> bytes:
        """Read a block, at most `length` bytes, at `offset`. Raises FileChangedError."""
        length = min(length, _BLOCK_BYTES, self.size - offset)
        return await asyncio.to_thread(self._read, offset, length)

    async def sha256(self) -> str:
        """Return the checksum in hexadecimal, reading what was not read yet.

        Raises FileChangedError where the file is not the one that was opened.
        """
        return await asyncio.to_thread(self._finish)

    def _read(self, offset: int, length: int) -> bytes:
        with self._lock:
            self._hash_until(offset)
            block = self._block(offset, length)
            self._sha256.update(block[max(0, self._hashed_bytes - offset) :])
            self._hashed_bytes = max(self._hashed_bytes, offset + length)
            return block

    def _finish(self) -> str:
        with self._lock:
            self._hash_until(self.size)
            stat = self.path.stat()
            if (stat.st_size, stat.st_mtime_ns) != (self.size, self._stat.st_mtime_ns):
                raise self._changed()
            return self._sha256.hexdigest()

    def _hash_until(self, end: int) -> None:
        while self._hashed_bytes < end:
            length = min(_BLOCK_BYTES, end - self._hashed_bytes)
            self._sha256.update(self._block(self._hashed_bytes, length))
            self._hashed_bytes += length

    def _block(self, offset: int, length: int) -> bytes:
        self._file.seek(offset)
        block = self._file.read(length)
        if len(block) != length:
            raise self._changed()
        return block

    def _changed(self) -> FileChangedError:
        return FileChangedError(
            f"{self.path} changed while it was uploaded: upload it again",
            code=grpc.StatusCode.FAILED_PRECONDITION,
        )
