"""Mappings and what became of them."""

import math
from collections.abc import Mapping as MappingOf
from typing import Any

from google.protobuf import struct_pb2
from headrace.v1 import mapping_pb2

from headrace_server.model.mapping import Mapping, MappingResult
from headrace_server.rpc.messages.structs import object_of

#: beyond, a number of JSON does not hold every integer
_EXACT = 2**53


def mapping_of(message: mapping_pb2.Mapping, field: str) -> Mapping:
    """Read a mapping, which stands in a field of that name. Raises InvalidFieldError."""
    transformation = plain(object_of(message.transformation, f"{field}.transformation"))
    return Mapping(message.id, message.source, message.target, transformation)


def plain(value: Any) -> Any:
    """Return a value of a Struct, in which all numbers are floats, with integers where they are."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    whole = isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT
    return int(value) if whole else value


def mapping_result(record: MappingResult) -> mapping_pb2.MappingResult:
    """Show what became of a mapping."""
    return mapping_pb2.MappingResult(
        id=record.mapping_id,
        status=record.status.name,
        attempts=record.attempts,
        latency_ms=record.latency_ms,
        error=record.error,
        output=None if record.output is None else _struct(record.output),
    )


def _struct(value: MappingOf[str, Any]) -> struct_pb2.Struct:
    shown = struct_pb2.Struct()
    shown.update(_showable(value))
    return shown


def _showable(value: Any) -> Any:
    """Return a value of which no number is rounded: the others are texts."""
    if isinstance(value, dict):
        return {key: _showable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_showable(each) for each in value]
    if isinstance(value, int) and abs(value) > _EXACT:
        return str(value)
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
