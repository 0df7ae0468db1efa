import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class WarehouseTable(_message.Message):
    __slots__ = ("schema", "name", "rows", "size_bytes", "contract", "updated_at", "columns")
    class Column(_message.Message):
        __slots__ = ("name", "type", "nullable", "primary_key", "references")
        NAME_FIELD_NUMBER: _ClassVar[int]
        TYPE_FIELD_NUMBER: _ClassVar[int]
        NULLABLE_FIELD_NUMBER: _ClassVar[int]
        PRIMARY_KEY_FIELD_NUMBER: _ClassVar[int]
        REFERENCES_FIELD_NUMBER: _ClassVar[int]
        name: str
        type: str
        nullable: bool
        primary_key: bool
        references: str
        def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ..., nullable: _Optional[bool] = ..., primary_key: _Optional[bool] = ..., references: _Optional[str] = ...) -> None: ...
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    schema: str
    name: str
    rows: int
    size_bytes: int
    contract: str
    updated_at: _timestamp_pb2.Timestamp
    columns: _containers.RepeatedCompositeFieldContainer[WarehouseTable.Column]
    def __init__(self, schema: _Optional[str] = ..., name: _Optional[str] = ..., rows: _Optional[int] = ..., size_bytes: _Optional[int] = ..., contract: _Optional[str] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., columns: _Optional[_Iterable[_Union[WarehouseTable.Column, _Mapping]]] = ...) -> None: ...
