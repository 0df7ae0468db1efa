import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from headrace.v1 import ingestion_pb2 as _ingestion_pb2
from headrace.v1 import mapping_pb2 as _mapping_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetStatusRequest(_message.Message):
    __slots__ = ("request_id",)
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    def __init__(self, request_id: _Optional[str] = ...) -> None: ...

class ListStatusesRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "status")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    status: _ingestion_pb2.Ingestion.Status
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., status: _Optional[_Union[_ingestion_pb2.Ingestion.Status, str]] = ...) -> None: ...

class ListStatusesResponse(_message.Message):
    __slots__ = ("statuses", "next_page_token")
    STATUSES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    statuses: _containers.RepeatedCompositeFieldContainer[_ingestion_pb2.Ingestion]
    next_page_token: str
    def __init__(self, statuses: _Optional[_Iterable[_Union[_ingestion_pb2.Ingestion, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetResultsRequest(_message.Message):
    __slots__ = ("request_id", "page_size", "page_token")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    page_size: int
    page_token: str
    def __init__(self, request_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class GetResultsResponse(_message.Message):
    __slots__ = ("request_id", "status", "total_mappings", "processed_mappings", "failed_mappings", "files", "results", "chunks", "next_page_token")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_MAPPINGS_FIELD_NUMBER: _ClassVar[int]
    PROCESSED_MAPPINGS_FIELD_NUMBER: _ClassVar[int]
    FAILED_MAPPINGS_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    CHUNKS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    status: _ingestion_pb2.Ingestion.Status
    total_mappings: int
    processed_mappings: int
    failed_mappings: int
    files: _containers.RepeatedCompositeFieldContainer[_ingestion_pb2.FileResult]
    results: _containers.RepeatedCompositeFieldContainer[_mapping_pb2.MappingResult]
    chunks: _containers.RepeatedCompositeFieldContainer[_ingestion_pb2.ChunkResult]
    next_page_token: str
    def __init__(self, request_id: _Optional[str] = ..., status: _Optional[_Union[_ingestion_pb2.Ingestion.Status, str]] = ..., total_mappings: _Optional[int] = ..., processed_mappings: _Optional[int] = ..., failed_mappings: _Optional[int] = ..., files: _Optional[_Iterable[_Union[_ingestion_pb2.FileResult, _Mapping]]] = ..., results: _Optional[_Iterable[_Union[_mapping_pb2.MappingResult, _Mapping]]] = ..., chunks: _Optional[_Iterable[_Union[_ingestion_pb2.ChunkResult, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchStatusRequest(_message.Message):
    __slots__ = ("request_id", "after_revision", "watch_token")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_REVISION_FIELD_NUMBER: _ClassVar[int]
    WATCH_TOKEN_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    after_revision: int
    watch_token: str
    def __init__(self, request_id: _Optional[str] = ..., after_revision: _Optional[int] = ..., watch_token: _Optional[str] = ...) -> None: ...

class CreateWatchTokenRequest(_message.Message):
    __slots__ = ("request_id",)
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    def __init__(self, request_id: _Optional[str] = ...) -> None: ...

class CreateWatchTokenResponse(_message.Message):
    __slots__ = ("watch_token", "expires_at")
    WATCH_TOKEN_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    watch_token: str
    expires_at: _timestamp_pb2.Timestamp
    def __init__(self, watch_token: _Optional[str] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetHealthRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetHealthResponse(_message.Message):
    __slots__ = ("status", "timestamp", "active_requests")
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATUS_UNSPECIFIED: _ClassVar[GetHealthResponse.Status]
        HEALTHY: _ClassVar[GetHealthResponse.Status]
        UNHEALTHY: _ClassVar[GetHealthResponse.Status]
    STATUS_UNSPECIFIED: GetHealthResponse.Status
    HEALTHY: GetHealthResponse.Status
    UNHEALTHY: GetHealthResponse.Status
    STATUS_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    status: GetHealthResponse.Status
    timestamp: _timestamp_pb2.Timestamp
    active_requests: int
    def __init__(self, status: _Optional[_Union[GetHealthResponse.Status, str]] = ..., timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., active_requests: _Optional[int] = ...) -> None: ...
