from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Mapping(_message.Message):
    __slots__ = ("id", "source", "target", "transformation")
    ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    TRANSFORMATION_FIELD_NUMBER: _ClassVar[int]
    id: str
    source: str
    target: str
    transformation: _struct_pb2.Struct
    def __init__(self, id: _Optional[str] = ..., source: _Optional[str] = ..., target: _Optional[str] = ..., transformation: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class MappingResult(_message.Message):
    __slots__ = ("id", "status", "attempts", "latency_ms", "error", "output")
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATUS_UNSPECIFIED: _ClassVar[MappingResult.Status]
        PENDING: _ClassVar[MappingResult.Status]
        COMPLETED: _ClassVar[MappingResult.Status]
        FAILED: _ClassVar[MappingResult.Status]
        CANCELLED: _ClassVar[MappingResult.Status]
    STATUS_UNSPECIFIED: MappingResult.Status
    PENDING: MappingResult.Status
    COMPLETED: MappingResult.Status
    FAILED: MappingResult.Status
    CANCELLED: MappingResult.Status
    ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    id: str
    status: MappingResult.Status
    attempts: int
    latency_ms: int
    error: str
    output: _struct_pb2.Struct
    def __init__(self, id: _Optional[str] = ..., status: _Optional[_Union[MappingResult.Status, str]] = ..., attempts: _Optional[int] = ..., latency_ms: _Optional[int] = ..., error: _Optional[str] = ..., output: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...
