"""Of which format a file is, told by its content."""

import json
import re
from enum import Enum

from headrace_server.files.formats import FOREIGN_MAGIC
from headrace_server.files.sniffing.encodings import decode, sniff_encoding
from headrace_server.files.sniffing.findings import Finding
from headrace_server.model.errors import FieldViolation, UnsupportedFormatError


class FileFormat(Enum):
    """A format that can be understood."""

    CSV = "csv"
    TSV = "tsv"
    JSON = "json"
    NDJSON = "ndjson"
    XLSX = "xlsx"
    PARQUET = "parquet"


KNOWN_FORMATS = "csv, tsv, json, ndjson, xlsx, parquet, each also with gzip or zstd"

_ZIP = b"PK\x03\x04"
_PARQUET = b"PAR1"
_LINES_BY_NAME = re.compile(r"\.(?:ndjson|jsonl)(?:\.|$)", re.IGNORECASE)
_LINE_END = re.compile(r"\r\n|\n|\r")
_OBJECT = re.compile(r'\{\s*(?:"(?:[^"\\]|\\.)*"\s*:|\})')


def sniff_format(
    sample: bytes, file_name: str, *, encoding: str | None = None
) -> Finding[FileFormat]:
    """Tell the format by plain bytes that begin the file; CSV stands for delimited text.

    The name decides only where one line of JSON may be either. Raises UnsupportedFormatError for
    what is no table.
    """
    if sample.startswith(_PARQUET):
        return Finding(FileFormat.PARQUET, 1.0)
    if sample.startswith(_ZIP):
        if b"[Content_Types].xml" in sample or b"xl/" in sample:
            return Finding(FileFormat.XLSX, 1.0)
        raise _unsupported(file_name, "a zip archive")
    for magic, description in FOREIGN_MAGIC:
        if sample.startswith(magic) and "text" not in description:
            raise _unsupported(file_name, description)
    encoding = encoding or sniff_encoding(sample).value
    if b"\0" in sample and not encoding.startswith("utf-"):
        raise _unsupported(file_name, "a binary file")
    text = decode(sample, encoding)
    if "\0" in text:
        raise _unsupported(file_name, "a binary file")
    return _text_format(text.lstrip(), file_name)


def _unsupported(file_name: str, looks_like: str) -> UnsupportedFormatError:
    message = f"{file_name!r} looks like {looks_like}; understood are {KNOWN_FORMATS}"
    return UnsupportedFormatError(
        message, FieldViolation("file", message), known=KNOWN_FORMATS, file_name=file_name
    )


def _text_format(text: str, file_name: str) -> Finding[FileFormat]:
    if text[:1] not in {"{", "["}:
        return Finding(FileFormat.CSV, 0.9)
    end = _LINE_END.search(text)
    line, rest = (text[: end.start()], text[end.end() :]) if end else (text, "")
    if _is_json(line) and (rest.strip() or line[0] == "{"):
        lines = bool(rest.strip()) or _LINES_BY_NAME.search(file_name) is not None
        return Finding(
            FileFormat.NDJSON if lines else FileFormat.JSON, 1.0 if rest.strip() else 0.7
        )
    if _begins_json(text):
        return Finding(FileFormat.JSON, 0.95)
    return Finding(FileFormat.CSV, 0.7)


def _is_json(line: str) -> bool:
    try:
        json.loads(line, parse_int=str)
    except (ValueError, RecursionError):
        return False
    return True


def _begins_json(text: str) -> bool:
    """Whether the text begins an object, or a list of JSON values."""
    if text[0] == "{":
        return _OBJECT.match(text) is not None
    inside = text[1:].lstrip()
    if inside[:1] in {"]", "{"}:
        return inside[0] == "]" or _OBJECT.match(inside) is not None
    try:
        _, end = json.JSONDecoder(parse_int=str).raw_decode(inside)
    except (ValueError, RecursionError):
        return False
    return inside[end:].lstrip()[:1] in {",", "]"}
