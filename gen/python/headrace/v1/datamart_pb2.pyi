import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Datamart(_message.Message):
    __slots__ = ("datamart_id", "name", "type", "schema", "status", "rows_count", "size_mb", "created_at", "refresh_required", "last_refresh", "refresh_strategy", "schedule", "time_zone", "next_run", "description", "metadata", "query", "sources", "dependants", "unique_key", "version", "versioned_name", "retention_days", "expires_at", "error", "concurrent")
    class Type(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        TYPE_UNSPECIFIED: _ClassVar[Datamart.Type]
        MATERIALIZED_VIEW: _ClassVar[Datamart.Type]
        TABLE: _ClassVar[Datamart.Type]
        VIEW: _ClassVar[Datamart.Type]
    TYPE_UNSPECIFIED: Datamart.Type
    MATERIALIZED_VIEW: Datamart.Type
    TABLE: Datamart.Type
    VIEW: Datamart.Type
    class RefreshStrategy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        REFRESH_STRATEGY_UNSPECIFIED: _ClassVar[Datamart.RefreshStrategy]
        ON_DEMAND: _ClassVar[Datamart.RefreshStrategy]
        ON_COMMIT: _ClassVar[Datamart.RefreshStrategy]
        SCHEDULED: _ClassVar[Datamart.RefreshStrategy]
    REFRESH_STRATEGY_UNSPECIFIED: Datamart.RefreshStrategy
    ON_DEMAND: Datamart.RefreshStrategy
    ON_COMMIT: Datamart.RefreshStrategy
    SCHEDULED: Datamart.RefreshStrategy
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATUS_UNSPECIFIED: _ClassVar[Datamart.Status]
        CREATED: _ClassVar[Datamart.Status]
        REFRESHING: _ClassVar[Datamart.Status]
        READY: _ClassVar[Datamart.Status]
        FAILED: _ClassVar[Datamart.Status]
    STATUS_UNSPECIFIED: Datamart.Status
    CREATED: Datamart.Status
    REFRESHING: Datamart.Status
    READY: Datamart.Status
    FAILED: Datamart.Status
    class Source(_message.Message):
        __slots__ = ("schema", "table", "datamart")
        SCHEMA_FIELD_NUMBER: _ClassVar[int]
        TABLE_FIELD_NUMBER: _ClassVar[int]
        DATAMART_FIELD_NUMBER: _ClassVar[int]
        schema: str
        table: str
        datamart: bool
        def __init__(self, schema: _Optional[str] = ..., table: _Optional[str] = ..., datamart: _Optional[bool] = ...) -> None: ...
    DATAMART_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ROWS_COUNT_FIELD_NUMBER: _ClassVar[int]
    SIZE_MB_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    REFRESH_REQUIRED_FIELD_NUMBER: _ClassVar[int]
    LAST_REFRESH_FIELD_NUMBER: _ClassVar[int]
    REFRESH_STRATEGY_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    NEXT_RUN_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    DEPENDANTS_FIELD_NUMBER: _ClassVar[int]
    UNIQUE_KEY_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    VERSIONED_NAME_FIELD_NUMBER: _ClassVar[int]
    RETENTION_DAYS_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    CONCURRENT_FIELD_NUMBER: _ClassVar[int]
    datamart_id: str
    name: str
    type: Datamart.Type
    schema: str
    status: Datamart.Status
    rows_count: int
    size_mb: float
    created_at: _timestamp_pb2.Timestamp
    refresh_required: bool
    last_refresh: _timestamp_pb2.Timestamp
    refresh_strategy: Datamart.RefreshStrategy
    schedule: str
    time_zone: str
    next_run: _timestamp_pb2.Timestamp
    description: str
    metadata: _struct_pb2.Struct
    query: str
    sources: _containers.RepeatedCompositeFieldContainer[Datamart.Source]
    dependants: _containers.RepeatedScalarFieldContainer[str]
    unique_key: _containers.RepeatedScalarFieldContainer[str]
    version: str
    versioned_name: str
    retention_days: int
    expires_at: _timestamp_pb2.Timestamp
    error: str
    concurrent: bool
    def __init__(self, datamart_id: _Optional[str] = ..., name: _Optional[str] = ..., type: _Optional[_Union[Datamart.Type, str]] = ..., schema: _Optional[str] = ..., status: _Optional[_Union[Datamart.Status, str]] = ..., rows_count: _Optional[int] = ..., size_mb: _Optional[float] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., refresh_required: _Optional[bool] = ..., last_refresh: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., refresh_strategy: _Optional[_Union[Datamart.RefreshStrategy, str]] = ..., schedule: _Optional[str] = ..., time_zone: _Optional[str] = ..., next_run: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., description: _Optional[str] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., query: _Optional[str] = ..., sources: _Optional[_Iterable[_Union[Datamart.Source, _Mapping]]] = ..., dependants: _Optional[_Iterable[str]] = ..., unique_key: _Optional[_Iterable[str]] = ..., version: _Optional[str] = ..., versioned_name: _Optional[str] = ..., retention_days: _Optional[int] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., error: _Optional[str] = ..., concurrent: _Optional[bool] = ...) -> None: ...

class DatamartRefresh(_message.Message):
    __slots__ = ("datamart_name", "refresh_id", "status", "rows_refreshed", "size_mb", "refresh_duration_seconds", "refreshed_at", "schema", "cause", "concurrent", "rows_written", "error", "note", "after", "revision", "terminal", "created_at", "started_at", "completed_at")
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATUS_UNSPECIFIED: _ClassVar[DatamartRefresh.Status]
        PENDING: _ClassVar[DatamartRefresh.Status]
        RUNNING: _ClassVar[DatamartRefresh.Status]
        COMPLETED: _ClassVar[DatamartRefresh.Status]
        FAILED: _ClassVar[DatamartRefresh.Status]
        CANCELLED: _ClassVar[DatamartRefresh.Status]
        SKIPPED: _ClassVar[DatamartRefresh.Status]
        UPSTREAM_FAILED: _ClassVar[DatamartRefresh.Status]
    STATUS_UNSPECIFIED: DatamartRefresh.Status
    PENDING: DatamartRefresh.Status
    RUNNING: DatamartRefresh.Status
    COMPLETED: DatamartRefresh.Status
    FAILED: DatamartRefresh.Status
    CANCELLED: DatamartRefresh.Status
    SKIPPED: DatamartRefresh.Status
    UPSTREAM_FAILED: DatamartRefresh.Status
    class Cause(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        CAUSE_UNSPECIFIED: _ClassVar[DatamartRefresh.Cause]
        REQUEST: _ClassVar[DatamartRefresh.Cause]
        COMMIT: _ClassVar[DatamartRefresh.Cause]
        SCHEDULE: _ClassVar[DatamartRefresh.Cause]
        DOWNSTREAM: _ClassVar[DatamartRefresh.Cause]
    CAUSE_UNSPECIFIED: DatamartRefresh.Cause
    REQUEST: DatamartRefresh.Cause
    COMMIT: DatamartRefresh.Cause
    SCHEDULE: DatamartRefresh.Cause
    DOWNSTREAM: DatamartRefresh.Cause
    DATAMART_NAME_FIELD_NUMBER: _ClassVar[int]
    REFRESH_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ROWS_REFRESHED_FIELD_NUMBER: _ClassVar[int]
    SIZE_MB_FIELD_NUMBER: _ClassVar[int]
    REFRESH_DURATION_SECONDS_FIELD_NUMBER: _ClassVar[int]
    REFRESHED_AT_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    CONCURRENT_FIELD_NUMBER: _ClassVar[int]
    ROWS_WRITTEN_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TERMINAL_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_AT_FIELD_NUMBER: _ClassVar[int]
    datamart_name: str
    refresh_id: str
    status: DatamartRefresh.Status
    rows_refreshed: int
    size_mb: float
    refresh_duration_seconds: float
    refreshed_at: _timestamp_pb2.Timestamp
    schema: str
    cause: DatamartRefresh.Cause
    concurrent: bool
    rows_written: int
    error: str
    note: str
    after: _containers.RepeatedScalarFieldContainer[str]
    revision: int
    terminal: bool
    created_at: _timestamp_pb2.Timestamp
    started_at: _timestamp_pb2.Timestamp
    completed_at: _timestamp_pb2.Timestamp
    def __init__(self, datamart_name: _Optional[str] = ..., refresh_id: _Optional[str] = ..., status: _Optional[_Union[DatamartRefresh.Status, str]] = ..., rows_refreshed: _Optional[int] = ..., size_mb: _Optional[float] = ..., refresh_duration_seconds: _Optional[float] = ..., refreshed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., schema: _Optional[str] = ..., cause: _Optional[_Union[DatamartRefresh.Cause, str]] = ..., concurrent: _Optional[bool] = ..., rows_written: _Optional[int] = ..., error: _Optional[str] = ..., note: _Optional[str] = ..., after: _Optional[_Iterable[str]] = ..., revision: _Optional[int] = ..., terminal: _Optional[bool] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., completed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
