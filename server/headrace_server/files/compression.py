"""Compressed files laid out plain, with caps against bombs."""

import os
import secrets
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

import zstandard

from headrace_server.files.disk import sync_folder
from headrace_server.files.formats import KNOWN_FORMATS, Compression, compression_of
from headrace_server.model.errors import FieldViolation, TooLargeError, UnsupportedFormatError

# A zstd block of 4 bytes may stand for 128 KB: each step holds at most 64 MB of output.
_STEP_BYTES = 2048
_RATIO_JUDGED_FROM = 16 << 20
_COPY_BYTES = 1 << 20


class _Decompressor(Protocol):
    """One gzip member or zstd frame in the course of being inflated."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def inflate(source: Path, target: Path, *, max_ratio: int, max_bytes: int) -> int:
    """Write the plain bytes of a gzip or zstd file to target and return how many there are.

    Members and frames that follow each other are joined; an uncompressed file is copied. The target
    appears whole and on disk, or not at all. Raises TooLargeError beyond max_bytes, or beyond
    max_ratio times the source's size (judged from 16 MB on), and UnsupportedFormatError with the
    byte position where the stream is damaged or ends early.
    """
    compression = compression_of(source, source.name)
    # A name of its own: one who inflates the same file, not knowing that we do, spoils nothing.
    aside = target.with_name(f"{target.name}.{secrets.token_hex(4)}")
    try:
        with source.open("rb") as packed, aside.open("wb") as plain:
            written = inflate_whole(
                packed, plain, compression, max_ratio=max_ratio, max_bytes=max_bytes
            )
            os.fsync(plain.fileno())
        aside.replace(target)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)
    return written


def inflated_head(packed: BinaryIO, compression: Compression, most: int) -> tuple[bytes, int, bool]:
    """Return the first plain bytes of a file, at most so many.

    With them comes how many plain bytes were read for it, and whether these are all of the file.
    Raises UnsupportedFormatError where the stream is damaged before that.
    """
    head = bytearray()
    for block in _plain_blocks(packed, compression):
        head += block
        if len(head) > most:
            return bytes(head[:most]), len(head), False
    return bytes(head), len(head), True


def inflate_whole(
    packed: BinaryIO, plain: BinaryIO, compression: Compression, *, max_ratio: int, max_bytes: int
) -> int:
    """Write all plain bytes of an open file to another and return how many there are.

    Raises what `inflate` raises.
    """
    ratio_limit = max(_RATIO_JUDGED_FROM, max_ratio * os.fstat(packed.fileno()).st_size)
    written = 0
    for block in _plain_blocks(packed, compression):
        written += len(block)
        _check_size(written, max_bytes, ratio_limit, max_ratio)
        plain.write(block)
    plain.flush()
    return written


def _check_size(written: int, max_bytes: int, ratio_limit: int, max_ratio: int) -> None:
    if written > max_bytes:
        raise TooLargeError(
            f"the file inflates to more than {max_bytes} bytes", limit=str(max_bytes)
        )
    if written > ratio_limit:
        raise TooLargeError(
            f"the file inflates to more than {max_ratio} times its size: send it in parts or plain",
            limit=str(ratio_limit),
        )


def _plain_blocks(packed: BinaryIO, compression: Compression) -> Iterator[bytes]:
    if compression is Compression.NONE:
        return iter(lambda: packed.read(_COPY_BYTES), b"")
    return _inflated_blocks(packed, compression)


def _inflated_blocks(packed: BinaryIO, compression: Compression) -> Iterator[bytes]:
    stream: _Decompressor | None = None
    position = 0
    while step := packed.read(_STEP_BYTES):
        while step:
            if stream is None:
                # Tapes and some tools pad a gzip file with zeros.
                if compression is Compression.GZIP and not step.strip(b"\0"):
                    break
                stream = _new_stream(compression)
            try:
                yield stream.decompress(step)
            except (zlib.error, zstandard.ZstdError) as error:
                raise _damaged(compression, position, str(error)) from error
            rest = stream.unused_data if stream.eof else b""
            position += len(step) - len(rest)
            step, stream = rest, None if stream.eof else stream
    if stream is not None:
        raise _damaged(compression, position, "the file ends before its compressed stream does")


def _new_stream(compression: Compression) -> _Decompressor:
    if compression is Compression.GZIP:
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    return zstandard.ZstdDecompressor().decompressobj()


def _damaged(compression: Compression, position: int, detail: str) -> UnsupportedFormatError:
    message = f"the {compression.value} stream is damaged at or after byte {position}: {detail}"
    return UnsupportedFormatError(
        message, FieldViolation("file", message), known=KNOWN_FORMATS, position=str(position)
    )
