import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Contract(_message.Message):
    __slots__ = ("name", "version", "tables", "builtin", "created_at")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TABLES_FIELD_NUMBER: _ClassVar[int]
    BUILTIN_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    tables: _containers.RepeatedCompositeFieldContainer[Table]
    builtin: bool
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., tables: _Optional[_Iterable[_Union[Table, _Mapping]]] = ..., builtin: _Optional[bool] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Table(_message.Message):
    __slots__ = ("name", "columns", "primary_key", "references", "unknown_columns", "rescue_column")
    class UnknownColumns(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        UNKNOWN_COLUMNS_UNSPECIFIED: _ClassVar[Table.UnknownColumns]
        REJECT: _ClassVar[Table.UnknownColumns]
        DISCARD: _ClassVar[Table.UnknownColumns]
        RESCUE: _ClassVar[Table.UnknownColumns]
    UNKNOWN_COLUMNS_UNSPECIFIED: Table.UnknownColumns
    REJECT: Table.UnknownColumns
    DISCARD: Table.UnknownColumns
    RESCUE: Table.UnknownColumns
    NAME_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    PRIMARY_KEY_FIELD_NUMBER: _ClassVar[int]
    REFERENCES_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_COLUMNS_FIELD_NUMBER: _ClassVar[int]
    RESCUE_COLUMN_FIELD_NUMBER: _ClassVar[int]
    name: str
    columns: _containers.RepeatedCompositeFieldContainer[Column]
    primary_key: _containers.RepeatedScalarFieldContainer[str]
    references: _containers.RepeatedCompositeFieldContainer[Reference]
    unknown_columns: Table.UnknownColumns
    rescue_column: str
    def __init__(self, name: _Optional[str] = ..., columns: _Optional[_Iterable[_Union[Column, _Mapping]]] = ..., primary_key: _Optional[_Iterable[str]] = ..., references: _Optional[_Iterable[_Union[Reference, _Mapping]]] = ..., unknown_columns: _Optional[_Union[Table.UnknownColumns, str]] = ..., rescue_column: _Optional[str] = ...) -> None: ...

class Column(_message.Message):
    __slots__ = ("name", "type", "nullable", "max_length", "precision", "scale", "minimum", "maximum", "pattern", "allowed_values")
    class Type(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        TYPE_UNSPECIFIED: _ClassVar[Column.Type]
        STRING: _ClassVar[Column.Type]
        UUID: _ClassVar[Column.Type]
        INTEGER: _ClassVar[Column.Type]
        DECIMAL: _ClassVar[Column.Type]
        FLOAT: _ClassVar[Column.Type]
        BOOLEAN: _ClassVar[Column.Type]
        TIMESTAMP: _ClassVar[Column.Type]
        DATE: _ClassVar[Column.Type]
        JSON: _ClassVar[Column.Type]
        DATETIME: _ClassVar[Column.Type]
        TIME: _ClassVar[Column.Type]
    TYPE_UNSPECIFIED: Column.Type
    STRING: Column.Type
    UUID: Column.Type
    INTEGER: Column.Type
    DECIMAL: Column.Type
    FLOAT: Column.Type
    BOOLEAN: Column.Type
    TIMESTAMP: Column.Type
    DATE: Column.Type
    JSON: Column.Type
    DATETIME: Column.Type
    TIME: Column.Type
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    NULLABLE_FIELD_NUMBER: _ClassVar[int]
    MAX_LENGTH_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_VALUES_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: Column.Type
    nullable: bool
    max_length: int
    precision: int
    scale: int
    minimum: str
    maximum: str
    pattern: str
    allowed_values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., type: _Optional[_Union[Column.Type, str]] = ..., nullable: _Optional[bool] = ..., max_length: _Optional[int] = ..., precision: _Optional[int] = ..., scale: _Optional[int] = ..., minimum: _Optional[str] = ..., maximum: _Optional[str] = ..., pattern: _Optional[str] = ..., allowed_values: _Optional[_Iterable[str]] = ...) -> None: ...

class Reference(_message.Message):
    __slots__ = ("columns", "table")
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedScalarFieldContainer[str]
    table: str
    def __init__(self, columns: _Optional[_Iterable[str]] = ..., table: _Optional[str] = ...) -> None: ...
