import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from headrace.v1 import datamart_pb2 as _datamart_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateDatamartRequest(_message.Message):
    __slots__ = ("name", "query", "type", "refresh_strategy", "schema", "description", "metadata", "schedule", "time_zone", "concurrent")
    NAME_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    REFRESH_STRATEGY_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    CONCURRENT_FIELD_NUMBER: _ClassVar[int]
    name: str
    query: str
    type: _datamart_pb2.Datamart.Type
    refresh_strategy: _datamart_pb2.Datamart.RefreshStrategy
    schema: str
    description: str
    metadata: _struct_pb2.Struct
    schedule: str
    time_zone: str
    concurrent: bool
    def __init__(self, name: _Optional[str] = ..., query: _Optional[str] = ..., type: _Optional[_Union[_datamart_pb2.Datamart.Type, str]] = ..., refresh_strategy: _Optional[_Union[_datamart_pb2.Datamart.RefreshStrategy, str]] = ..., schema: _Optional[str] = ..., description: _Optional[str] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., schedule: _Optional[str] = ..., time_zone: _Optional[str] = ..., concurrent: _Optional[bool] = ...) -> None: ...

class RefreshDatamartRequest(_message.Message):
    __slots__ = ("name", "schema", "concurrent", "wait_seconds", "include_upstream")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    CONCURRENT_FIELD_NUMBER: _ClassVar[int]
    WAIT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_UPSTREAM_FIELD_NUMBER: _ClassVar[int]
    name: str
    schema: str
    concurrent: bool
    wait_seconds: float
    include_upstream: bool
    def __init__(self, name: _Optional[str] = ..., schema: _Optional[str] = ..., concurrent: _Optional[bool] = ..., wait_seconds: _Optional[float] = ..., include_upstream: _Optional[bool] = ...) -> None: ...

class GetRefreshRequest(_message.Message):
    __slots__ = ("name", "refresh_id", "schema")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REFRESH_ID_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    name: str
    refresh_id: str
    schema: str
    def __init__(self, name: _Optional[str] = ..., refresh_id: _Optional[str] = ..., schema: _Optional[str] = ...) -> None: ...

class ListRefreshesRequest(_message.Message):
    __slots__ = ("name", "schema", "page_size", "page_token")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    name: str
    schema: str
    page_size: int
    page_token: str
    def __init__(self, name: _Optional[str] = ..., schema: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListRefreshesResponse(_message.Message):
    __slots__ = ("refreshes", "next_page_token")
    REFRESHES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    refreshes: _containers.RepeatedCompositeFieldContainer[_datamart_pb2.DatamartRefresh]
    next_page_token: str
    def __init__(self, refreshes: _Optional[_Iterable[_Union[_datamart_pb2.DatamartRefresh, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CancelRefreshRequest(_message.Message):
    __slots__ = ("name", "refresh_id", "schema")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REFRESH_ID_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    name: str
    refresh_id: str
    schema: str
    def __init__(self, name: _Optional[str] = ..., refresh_id: _Optional[str] = ..., schema: _Optional[str] = ...) -> None: ...

class WatchRefreshRequest(_message.Message):
    __slots__ = ("name", "refresh_id", "schema", "after_revision")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REFRESH_ID_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    AFTER_REVISION_FIELD_NUMBER: _ClassVar[int]
    name: str
    refresh_id: str
    schema: str
    after_revision: int
    def __init__(self, name: _Optional[str] = ..., refresh_id: _Optional[str] = ..., schema: _Optional[str] = ..., after_revision: _Optional[int] = ...) -> None: ...

class ScheduleDatamartRequest(_message.Message):
    __slots__ = ("name", "schedule", "schema", "concurrent", "time_zone")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    CONCURRENT_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    name: str
    schedule: str
    schema: str
    concurrent: bool
    time_zone: str
    def __init__(self, name: _Optional[str] = ..., schedule: _Optional[str] = ..., schema: _Optional[str] = ..., concurrent: _Optional[bool] = ..., time_zone: _Optional[str] = ...) -> None: ...

class DatamartSchedule(_message.Message):
    __slots__ = ("datamart_name", "schedule_id", "cron_expression", "next_run", "status", "schema", "time_zone", "concurrent")
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATUS_UNSPECIFIED: _ClassVar[DatamartSchedule.Status]
        SCHEDULED: _ClassVar[DatamartSchedule.Status]
        UNSCHEDULED: _ClassVar[DatamartSchedule.Status]
    STATUS_UNSPECIFIED: DatamartSchedule.Status
    SCHEDULED: DatamartSchedule.Status
    UNSCHEDULED: DatamartSchedule.Status
    DATAMART_NAME_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_ID_FIELD_NUMBER: _ClassVar[int]
    CRON_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    NEXT_RUN_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    CONCURRENT_FIELD_NUMBER: _ClassVar[int]
    datamart_name: str
    schedule_id: str
    cron_expression: str
    next_run: _timestamp_pb2.Timestamp
    status: DatamartSchedule.Status
    schema: str
    time_zone: str
    concurrent: bool
    def __init__(self, datamart_name: _Optional[str] = ..., schedule_id: _Optional[str] = ..., cron_expression: _Optional[str] = ..., next_run: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., status: _Optional[_Union[DatamartSchedule.Status, str]] = ..., schema: _Optional[str] = ..., time_zone: _Optional[str] = ..., concurrent: _Optional[bool] = ...) -> None: ...

class UnscheduleDatamartRequest(_message.Message):
    __slots__ = ("name", "schema")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    name: str
    schema: str
    def __init__(self, name: _Optional[str] = ..., schema: _Optional[str] = ...) -> None: ...

class ListDatamartsRequest(_message.Message):
    __slots__ = ("include_statistics", "schema", "page_size", "page_token")
    INCLUDE_STATISTICS_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    include_statistics: bool
    schema: str
    page_size: int
    page_token: str
    def __init__(self, include_statistics: _Optional[bool] = ..., schema: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListDatamartsResponse(_message.Message):
    __slots__ = ("datamarts", "total", "next_page_token")
    DATAMARTS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    datamarts: _containers.RepeatedCompositeFieldContainer[_datamart_pb2.Datamart]
    total: int
    next_page_token: str
    def __init__(self, datamarts: _Optional[_Iterable[_Union[_datamart_pb2.Datamart, _Mapping]]] = ..., total: _Optional[int] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetDatamartRequest(_message.Message):
    __slots__ = ("name", "schema")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    name: str
    schema: str
    def __init__(self, name: _Optional[str] = ..., schema: _Optional[str] = ...) -> None: ...

class PreviewDatamartRequest(_message.Message):
    __slots__ = ("name", "limit", "schema")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    name: str
    limit: int
    schema: str
    def __init__(self, name: _Optional[str] = ..., limit: _Optional[int] = ..., schema: _Optional[str] = ...) -> None: ...

class PreviewDatamartResponse(_message.Message):
    __slots__ = ("datamart_name", "schema", "columns", "data", "rows_returned", "total_rows")
    DATAMART_NAME_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    ROWS_RETURNED_FIELD_NUMBER: _ClassVar[int]
    TOTAL_ROWS_FIELD_NUMBER: _ClassVar[int]
    datamart_name: str
    schema: str
    columns: _containers.RepeatedScalarFieldContainer[str]
    data: _containers.RepeatedCompositeFieldContainer[_struct_pb2.Struct]
    rows_returned: int
    total_rows: int
    def __init__(self, datamart_name: _Optional[str] = ..., schema: _Optional[str] = ..., columns: _Optional[_Iterable[str]] = ..., data: _Optional[_Iterable[_Union[_struct_pb2.Struct, _Mapping]]] = ..., rows_returned: _Optional[int] = ..., total_rows: _Optional[int] = ...) -> None: ...

class CreateVersionedDatamartRequest(_message.Message):
    __slots__ = ("name", "query", "schema", "version", "retention_days", "type", "description", "metadata", "wait_seconds")
    NAME_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    RETENTION_DAYS_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    WAIT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    name: str
    query: str
    schema: str
    version: str
    retention_days: int
    type: _datamart_pb2.Datamart.Type
    description: str
    metadata: _struct_pb2.Struct
    wait_seconds: float
    def __init__(self, name: _Optional[str] = ..., query: _Optional[str] = ..., schema: _Optional[str] = ..., version: _Optional[str] = ..., retention_days: _Optional[int] = ..., type: _Optional[_Union[_datamart_pb2.Datamart.Type, str]] = ..., description: _Optional[str] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., wait_seconds: _Optional[float] = ...) -> None: ...

class DeleteDatamartRequest(_message.Message):
    __slots__ = ("name", "schema", "cascade")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    CASCADE_FIELD_NUMBER: _ClassVar[int]
    name: str
    schema: str
    cascade: bool
    def __init__(self, name: _Optional[str] = ..., schema: _Optional[str] = ..., cascade: _Optional[bool] = ...) -> None: ...

class DeleteDatamartResponse(_message.Message):
    __slots__ = ("deleted",)
    DELETED_FIELD_NUMBER: _ClassVar[int]
    deleted: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, deleted: _Optional[_Iterable[str]] = ...) -> None: ...
