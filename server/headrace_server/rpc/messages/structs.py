"""JSON objects."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct

from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.nesting import MAX_DEPTH, is_deeper


def object_of(struct: Struct, field: str) -> dict[str, Any]:
    """Read a JSON object.

    Raises InvalidFieldError for numbers that JSON has not, texts that PostgreSQL has not, and
    what lies deeper than the messages that show it may.
    """
    if not struct.fields:
        return {}
    try:
        read: dict[str, Any] = MessageToDict(struct)
    except ValueError as error:
        raise InvalidFieldError.of(field, "must hold finite numbers only") from error
    refuse_nul(read, field)
    if is_deeper(read, MAX_DEPTH):
        raise InvalidFieldError.of(field, f"must not be nested deeper than {MAX_DEPTH} levels")
    return read


def refuse_nul(value: object, field: str) -> None:
    """Raise InvalidFieldError where a text or a key within a JSON value holds a NUL character."""
    if isinstance(value, str):
        if "\0" in value:
            raise InvalidFieldError.of(field, "must hold no NUL character")
    elif isinstance(value, dict):
        for key, each in value.items():
            refuse_nul(key, field)
            refuse_nul(each, field)
    elif isinstance(value, list):
        for each in value:
            refuse_nul(each, field)


def struct_of(value: Mapping[str, Any] | None) -> Struct | None:
    """Show a JSON object; None stays absent."""
    if value is None:
        return None
    struct = Struct()
    if value:
        struct.update(value)
    return struct
