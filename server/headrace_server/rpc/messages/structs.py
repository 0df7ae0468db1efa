"""JSON objects."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct

from headrace_server.model.errors import InvalidFieldError


def object_of(struct: Struct, field: str) -> dict[str, Any]:
    """Read a JSON object. Raises InvalidFieldError for numbers that JSON has not."""
    if not struct.fields:
        return {}
    try:
        read: dict[str, Any] = MessageToDict(struct)
    except ValueError as error:
        raise InvalidFieldError.of(field, "must hold finite numbers only") from error
    return read


def struct_of(value: Mapping[str, Any] | None) -> Struct | None:
    """Show a JSON object; None stays absent."""
    if value is None:
        return None
    struct = Struct()
    if value:
        struct.update(value)
    return struct
