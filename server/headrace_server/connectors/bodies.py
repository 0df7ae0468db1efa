"""Bodies of HTTP, inflated no further than may be kept."""

import zlib

#: gzip's header and checksum
_GZIP_BITS = 16 + zlib.MAX_WBITS


class BodyError(Exception):
    """A body is too long, or not what its encoding says; ends a sentence."""


class BoundedBody:
    """Takes a body piece by piece; what it inflates to counts."""

    def __init__(self, encoding: str, max_bytes: int) -> None:
        """Raise BodyError for an encoding but gzip."""
        self._max_bytes = max_bytes
        self._data = bytearray()
        self._inflater = None
        if encoding.lower() in {"gzip", "x-gzip"}:
            self._inflater = zlib.decompressobj(_GZIP_BITS)
        elif encoding.lower() not in {"", "identity"}:
            raise BodyError(f"the content encoding {encoding[:50]!r}, which was not asked for")

    def add(self, piece: bytes) -> None:
        """Add a piece. Raises BodyError."""
        room = self._max_bytes - len(self._data) + 1
        if self._inflater is not None:
            try:
                piece = self._inflater.decompress(piece, room)
            except zlib.error as error:
                raise BodyError("what is no gzip") from error
            if self._inflater.unused_data:
                raise BodyError("more than one gzip")
        self._data += piece[:room]
        if len(self._data) > self._max_bytes:
            raise BodyError(f"more than {self._max_bytes} bytes")

    def whole(self) -> bytes:
        """Return all of it. Raises BodyError for one that was cut."""
        if self._inflater is not None and not self._inflater.eof and self._data:
            raise BodyError("gzip that is cut off")
        return bytes(self._data)
