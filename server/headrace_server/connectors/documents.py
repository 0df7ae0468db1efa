"""Records as JSON documents and as lines of JSON, numbers as exact as they came."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import PurePath
from typing import Any

import msgspec

from headrace_server.connectors.base import ConnectorError
from headrace_server.model.mapping import Record

_LINES = (".ndjson", ".jsonl")
_FORMATS = (".json", *_LINES)


class ExactNumber(Decimal):
    """A number of JSON that no float holds; it is written as it came."""


def _number(text: str) -> float | ExactNumber:
    exact, short = ExactNumber(text), float(text)
    return short if Decimal(repr(short)) == exact else exact


def _plain(value: Any) -> msgspec.Raw:
    if isinstance(value, ExactNumber):
        return msgspec.Raw(str(value).encode())
    raise TypeError(f"{type(value).__name__} is no value of JSON")


_decoder = msgspec.json.Decoder(float_hook=_number)
_encoder = msgspec.json.Encoder(enc_hook=_plain)


def records_of(value: Any) -> list[Record]:
    """Return the records of a JSON value: an object, or an array of objects.

    Raises ConnectorError for any other.
    """
    found = value if isinstance(value, list) else [value]
    if not all(isinstance(record, dict) for record in found):
        raise ConnectorError("the source is no JSON object and no array of objects")
    return found


def decode_json(data: bytes) -> Any:
    """Return the value of a JSON text. Raises ConnectorError."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError) as error:
        raise ConnectorError(f"the source is no JSON: {error}") from error


def decode_lines(data: bytes) -> list[Record]:
    """Return the records of newline-delimited JSON. Raises ConnectorError."""
    return records_of([decode_json(line) for line in data.splitlines() if line.strip()])


def encode_json(records: Sequence[Record]) -> bytes:
    """Return one record as an object, several as an array; decimals and moments are texts."""
    return _encoder.encode(records[0] if len(records) == 1 else records)


def encode_lines(records: Sequence[Record]) -> bytes:
    """Return newline-delimited JSON."""
    return _encoder.encode_lines(records)


def refuse_other_formats(path: PurePath) -> None:
    """Raise ConnectorError for a file whose name says no format of ours."""
    if path.suffix.lower() not in _FORMATS:
        raise ConnectorError(f"the file must end in one of {', '.join(_FORMATS)}")


def decode_file(path: PurePath, data: bytes) -> list[Record]:
    """Return the records of a file, in the format that its name says. Raises ConnectorError."""
    return decode_lines(data) if _is_lines(path) else records_of(decode_json(data))


def encode_file(path: PurePath, records: Sequence[Record]) -> bytes:
    """Return records in the format that a file's name says."""
    return encode_lines(records) if _is_lines(path) else encode_json(records)


def _is_lines(path: PurePath) -> bool:
    return path.suffix.lower() in _LINES
