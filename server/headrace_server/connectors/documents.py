"""Records as JSON documents and as lines of JSON."""

from collections.abc import Sequence
from typing import Any

import msgspec

from headrace_server.connectors.base import ConnectorError
from headrace_server.model.mapping import Record


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
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConnectorError(f"the source is no JSON: {error}") from error


def decode_lines(data: bytes) -> list[Record]:
    """Return the records of newline-delimited JSON. Raises ConnectorError."""
    return records_of([decode_json(line) for line in data.splitlines() if line.strip()])


def encode_json(records: Sequence[Record]) -> bytes:
    """Return one record as an object, several as an array; decimals and moments are texts."""
    return msgspec.json.encode(records[0] if len(records) == 1 else records)


def encode_lines(records: Sequence[Record]) -> bytes:
    """Return newline-delimited JSON."""
    return msgspec.json.Encoder().encode_lines(records)
