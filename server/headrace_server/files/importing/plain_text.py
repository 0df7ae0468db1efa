"""Text of any encoding and packing made plain: UTF-8 whose lines end in LF."""

import codecs
from collections.abc import Iterator
from typing import BinaryIO, Protocol

from headrace_server.files.importing.plan import FilePlan

_BLOCK_BYTES = 1 << 20
#: never a part of UTF-8
_NO_CHARACTER = 0xFF
#: code points from here on stand for single bytes
_ESCAPED = 0xDC00
_ERRORS = "headrace_undecodable"
_ASCII_END = 0x80


class Writer(Protocol):
    """Takes bytes."""

    def write(self, data: bytes, /) -> int: ...


def write_utf8(source: BinaryIO, target: Writer, plan: FilePlan) -> None:
    """Write text of the plan's encoding as UTF-8, without a byte-order mark.

    Bytes that are not of the encoding come after 0xFF each, which is never UTF-8: the records that
    hold them are rejected, and show them. Where lines end in CR alone, they end in LF.
    """
    for text in texts_of(source, plan.encoding):
        lines = text.replace("\r", "\n") if plan.line_end == "\r" else text
        target.write(utf8_of(lines))


def utf8_of(text: str) -> bytes:
    """Return the text's bytes, with those that could not be decoded as `texts_of` marked them."""
    return text.encode("utf-8", _ERRORS)


def texts_of(source: BinaryIO, encoding: str) -> Iterator[str]:
    """Decode text piece by piece, without a byte-order mark; what cannot be decoded is marked."""
    decoder = codecs.getincrementaldecoder(encoding)(errors=_ERRORS)
    first = True
    while block := source.read(_BLOCK_BYTES):
        text = decoder.decode(block)
        yield text.removeprefix("\ufeff") if first else text
        first = first and not text
    yield decoder.decode(b"", final=True)


def _undecodable(error: UnicodeError) -> tuple[str | bytes, int]:
    if isinstance(error, UnicodeDecodeError):
        return "".join(map(_shown_byte, error.object[error.start : error.end])), error.end
    if isinstance(error, UnicodeEncodeError):
        return bytes(map(_byte_of, error.object[error.start : error.end])), error.end
    raise error


def _shown_byte(byte: int) -> str:
    marked = chr(_ESCAPED + _NO_CHARACTER)
    # An escaped NUL or line end would part what belongs together.
    return marked + chr(_ESCAPED + byte) if byte >= _ASCII_END else marked


def _byte_of(surrogate: str) -> int:
    # Some codecs decode to halves of characters; they are no text either.
    byte = ord(surrogate) - _ESCAPED
    return byte if _ASCII_END <= byte <= _NO_CHARACTER else _NO_CHARACTER


codecs.register_error(_ERRORS, _undecodable)
