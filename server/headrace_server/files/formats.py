"""What an uploaded file is, judged by its name and its first bytes."""

import re
import unicodedata
from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from typing import NoReturn

from headrace_server.model.errors import (
    FieldViolation,
    InvalidFieldError,
    UnsupportedFormatError,
)

KNOWN_FORMATS = ".ndjson, .jsonl, each also with .gz or .zst"

_PROBE_BYTES = 64 * 1024
_MAX_NAME_BYTES = 255
_COMPRESSED = re.compile(r"\.(?:gz|gzip|zst|zstd)$", re.IGNORECASE)
_JSON_LINES = re.compile(r"\.(?:ndjson|jsonl|json)$", re.IGNORECASE)
_FOREIGN_NAME = re.compile(
    r"\.(csv|tsv|parquet|xlsx?|xlsm|xlsb|ods|avro|orc|feather|arrow|xml|ya?ml|pdf|docx?|zip|tar|tgz"
    r"|7z|rar|bz2|xz|lz4|sqlite3?|db)$",
    re.IGNORECASE,
)
#: what files of other formats begin with, and what they are
FOREIGN_MAGIC = (
    (b"PAR1", "a Parquet file"),
    (b"%PDF-", "a PDF document"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file such as .xls"),
    (b"SQLite format 3\0", "a SQLite database"),
    (b"Obj\x01", "an Avro file"),
    (b"ORC", "an ORC file"),
    (b"ARROW1", "an Arrow file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\0", "an xz file"),
    (b"\x04\x22\x4d\x18", "an lz4 file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x7fELF", "a program"),
    (b"\xff\xfe\0\0", "UTF-32 text"),
    (b"\0\0\xfe\xff", "UTF-32 text"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
)


class Compression(Enum):
    """How the bytes of a file are packed."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


def compression_of(path: Path, file_name: str) -> Compression:
    """Recognise the file by its first 64 KB; the name only rules formats out.

    Raises UnsupportedFormatError for anything that is neither JSON lines nor gzip or zstd. What is
    inside of those shows only after inflating: ask `require_json_lines` then.
    """
    with path.open("rb") as file:
        head = file.read(_PROBE_BYTES)
    compression = packed_as(head)
    if compression is Compression.NONE:
        _refuse_foreign(head, file_name)
    return compression


def require_json_lines(path: Path, file_name: str) -> None:
    """Raise UnsupportedFormatError unless the bytes may be JSON lines as they are."""
    with path.open("rb") as file:
        head = file.read(_PROBE_BYTES)
    compression = packed_as(head)
    if compression is not Compression.NONE:
        _refuse(file_name, f"a {compression.value} file within a compressed file")
    _refuse_foreign(head, _COMPRESSED.sub("", file_name))


def packed_as(head: bytes) -> Compression:
    """Tell by the first bytes how a file is packed."""
    if head.startswith(b"\x1f\x8b"):
        return Compression.GZIP
    if head.startswith(b"\x28\xb5\x2f\xfd") or re.match(rb"[\x50-\x5f]\x2a\x4d\x18", head):
        return Compression.ZSTD
    return Compression.NONE


def _refuse_foreign(head: bytes, file_name: str) -> None:
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        office = b"[Content_Types].xml" in head or b"xl/" in head
        _refuse(file_name, "an Office file such as .xlsx" if office else "a zip archive")
    for magic, description in FOREIGN_MAGIC:
        if head.startswith(magic):
            _refuse(file_name, description)
    if b"\0" in head:
        _refuse(file_name, _text_with_nul(head))
    if foreign := _FOREIGN_NAME.search(file_name):
        _refuse(file_name, f"a {foreign[1].lower()} file by its name")


def _text_with_nul(head: bytes) -> str:
    """Describe bytes that hold NUL: ASCII in wide units has NULs in most of its other places."""
    nul_share = head.count(b"\0") / len(head)
    if nul_share > 0.7:  # noqa: PLR2004  # 3 of 4 bytes
        return "UTF-32 text"
    halves = sorted((head[0::2].count(b"\0"), head[1::2].count(b"\0")))
    if nul_share > 0.4 and halves[0] == 0:  # noqa: PLR2004  # 1 of 2 bytes
        return "UTF-16 text"
    return "a binary file"


def _refuse(file_name: str, looks_like: str) -> NoReturn:
    message = (
        f"{file_name!r} looks like {looks_like}; taken are JSON lines in UTF-8 ({KNOWN_FORMATS})"
    )
    raise UnsupportedFormatError(
        message, FieldViolation("file", message), known=KNOWN_FORMATS, file_name=file_name
    )


def plain_file_name(name: str) -> str:
    """Return the last component of a name that a client sent, whichever slashes it uses.

    Raises InvalidFieldError where nothing harmless is left: an empty name, dots only, control
    characters, or more than 255 bytes.
    """
    plain = re.split(r"[/\\]", name)[-1]
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in plain):
        raise InvalidFieldError.of("file_name", "must not hold control characters")
    if not plain.strip(". "):
        raise InvalidFieldError.of("file_name", "must name a file, such as orders_2011-01.ndjson")
    if len(plain.encode()) > _MAX_NAME_BYTES:
        raise InvalidFieldError.of("file_name", f"must not exceed {_MAX_NAME_BYTES} bytes")
    return plain


def data_type_of(file_name: str, known: Iterable[str]) -> str | None:
    """Return the table that the file name begins with, or None.

    `order_items_2011-01.ndjson.gz` is of `order_items`: the longest known name that is the stem, or
    that `_`, `-` or `.` follows in it; upper and lower case are the same.
    """
    stem = _JSON_LINES.sub("", _COMPRESSED.sub("", file_name)).lower()
    return max(
        (name for name in known if re.match(rf"{re.escape(name.lower())}(?:[_.-]|\Z)", stem)),
        key=len,
        default=None,
    )
