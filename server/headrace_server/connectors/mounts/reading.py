"""Files elsewhere, read here and there as files of this machine are."""

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_BUFFER = 1 << 20
_MOST = 8 << 20


def opened_file(size: int, read: Callable[[int, int], bytes]) -> BinaryIO:
    """Return a file of so many bytes; `read` returns some from an offset, b"" at the end only."""
    return cast("BinaryIO", io.BufferedReader(_Reading(size, read), _BUFFER))


class _Reading(io.RawIOBase):
    def __init__(self, size: int, read: Callable[[int, int], bytes]) -> None:
        self._size = size
        self._read = read
        self._place = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place in the file."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(0, start + offset)
        return self._place

    def readall(self) -> bytes:
        """Read the rest in large pieces; io itself would ask for small ones."""
        pieces = []
        while piece := self._some(_MOST):
            pieces.append(piece)
        return b"".join(pieces)

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Read as much as comes at once."""
        place = memoryview(buffer).cast("B")
        data = self._some(len(place))
        place[: len(data)] = data
        return len(data)

    def _some(self, length: int) -> bytes:
        wanted = max(0, min(length, self._size - self._place))
        data = self._read(self._place, wanted) if wanted else b""
        self._place += len(data)
        return data
