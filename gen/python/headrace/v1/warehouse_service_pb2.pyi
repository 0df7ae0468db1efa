from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from headrace.v1 import warehouse_pb2 as _warehouse_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListTablesRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListTablesResponse(_message.Message):
    __slots__ = ("tables", "next_page_token")
    TABLES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    tables: _containers.RepeatedCompositeFieldContainer[_warehouse_pb2.WarehouseTable]
    next_page_token: str
    def __init__(self, tables: _Optional[_Iterable[_Union[_warehouse_pb2.WarehouseTable, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DescribeTableRequest(_message.Message):
    __slots__ = ("schema", "table")
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    schema: str
    table: str
    def __init__(self, schema: _Optional[str] = ..., table: _Optional[str] = ...) -> None: ...

class RunQueryRequest(_message.Message):
    __slots__ = ("sql", "max_rows", "timeout_seconds")
    SQL_FIELD_NUMBER: _ClassVar[int]
    MAX_ROWS_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    sql: str
    max_rows: int
    timeout_seconds: int
    def __init__(self, sql: _Optional[str] = ..., max_rows: _Optional[int] = ..., timeout_seconds: _Optional[int] = ...) -> None: ...

class RunQueryResponse(_message.Message):
    __slots__ = ("columns", "rows", "summary")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[RunQueryResponse.Kind]
        STRING: _ClassVar[RunQueryResponse.Kind]
        INTEGER: _ClassVar[RunQueryResponse.Kind]
        DECIMAL: _ClassVar[RunQueryResponse.Kind]
        FLOAT: _ClassVar[RunQueryResponse.Kind]
        BOOLEAN: _ClassVar[RunQueryResponse.Kind]
        TIMESTAMP: _ClassVar[RunQueryResponse.Kind]
        DATETIME: _ClassVar[RunQueryResponse.Kind]
        DATE: _ClassVar[RunQueryResponse.Kind]
        TIME: _ClassVar[RunQueryResponse.Kind]
        JSON: _ClassVar[RunQueryResponse.Kind]
        UUID: _ClassVar[RunQueryResponse.Kind]
        BYTES: _ClassVar[RunQueryResponse.Kind]
        ANY: _ClassVar[RunQueryResponse.Kind]
    KIND_UNSPECIFIED: RunQueryResponse.Kind
    STRING: RunQueryResponse.Kind
    INTEGER: RunQueryResponse.Kind
    DECIMAL: RunQueryResponse.Kind
    FLOAT: RunQueryResponse.Kind
    BOOLEAN: RunQueryResponse.Kind
    TIMESTAMP: RunQueryResponse.Kind
    DATETIME: RunQueryResponse.Kind
    DATE: RunQueryResponse.Kind
    TIME: RunQueryResponse.Kind
    JSON: RunQueryResponse.Kind
    UUID: RunQueryResponse.Kind
    BYTES: RunQueryResponse.Kind
    ANY: RunQueryResponse.Kind
    class Column(_message.Message):
        __slots__ = ("name", "type", "kind")
        NAME_FIELD_NUMBER: _ClassVar[int]
        TYPE_FIELD_NUMBER: _ClassVar[int]
        KIND_FIELD_NUMBER: _ClassVar[int]
        name: str
        type: str
        kind: RunQueryResponse.Kind
        def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ..., kind: _Optional[_Union[RunQueryResponse.Kind, str]] = ...) -> None: ...
    class Summary(_message.Message):
        __slots__ = ("rows", "truncated", "elapsed_seconds")
        ROWS_FIELD_NUMBER: _ClassVar[int]
        TRUNCATED_FIELD_NUMBER: _ClassVar[int]
        ELAPSED_SECONDS_FIELD_NUMBER: _ClassVar[int]
        rows: int
        truncated: bool
        elapsed_seconds: float
        def __init__(self, rows: _Optional[int] = ..., truncated: _Optional[bool] = ..., elapsed_seconds: _Optional[float] = ...) -> None: ...
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedCompositeFieldContainer[RunQueryResponse.Column]
    rows: _containers.RepeatedCompositeFieldContainer[_struct_pb2.Struct]
    summary: RunQueryResponse.Summary
    def __init__(self, columns: _Optional[_Iterable[_Union[RunQueryResponse.Column, _Mapping]]] = ..., rows: _Optional[_Iterable[_Union[_struct_pb2.Struct, _Mapping]]] = ..., summary: _Optional[_Union[RunQueryResponse.Summary, _Mapping]] = ...) -> None: ...
