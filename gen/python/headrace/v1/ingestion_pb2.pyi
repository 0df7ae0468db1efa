import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from headrace.v1 import priority_pb2 as _priority_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Ingestion(_message.Message):
    __slots__ = ("request_id", "kind", "status", "progress", "total_mappings", "processed_mappings", "failed_mappings", "rows_loaded", "rows_rejected", "rows_parked", "bytes_total", "bytes_processed", "details", "revision", "terminal", "created_at", "started_at", "completed_at", "priority")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[Ingestion.Kind]
        FILES: _ClassVar[Ingestion.Kind]
        MAPPINGS: _ClassVar[Ingestion.Kind]
        IMPORT: _ClassVar[Ingestion.Kind]
    KIND_UNSPECIFIED: Ingestion.Kind
    FILES: Ingestion.Kind
    MAPPINGS: Ingestion.Kind
    IMPORT: Ingestion.Kind
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATUS_UNSPECIFIED: _ClassVar[Ingestion.Status]
        PENDING: _ClassVar[Ingestion.Status]
        IN_PROGRESS: _ClassVar[Ingestion.Status]
        COMPLETED: _ClassVar[Ingestion.Status]
        COMPLETED_WITH_ERRORS: _ClassVar[Ingestion.Status]
        FAILED: _ClassVar[Ingestion.Status]
        CANCELLED: _ClassVar[Ingestion.Status]
    STATUS_UNSPECIFIED: Ingestion.Status
    PENDING: Ingestion.Status
    IN_PROGRESS: Ingestion.Status
    COMPLETED: Ingestion.Status
    COMPLETED_WITH_ERRORS: Ingestion.Status
    FAILED: Ingestion.Status
    CANCELLED: Ingestion.Status
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_MAPPINGS_FIELD_NUMBER: _ClassVar[int]
    PROCESSED_MAPPINGS_FIELD_NUMBER: _ClassVar[int]
    FAILED_MAPPINGS_FIELD_NUMBER: _ClassVar[int]
    ROWS_LOADED_FIELD_NUMBER: _ClassVar[int]
    ROWS_REJECTED_FIELD_NUMBER: _ClassVar[int]
    ROWS_PARKED_FIELD_NUMBER: _ClassVar[int]
    BYTES_TOTAL_FIELD_NUMBER: _ClassVar[int]
    BYTES_PROCESSED_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TERMINAL_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_AT_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    kind: Ingestion.Kind
    status: Ingestion.Status
    progress: int
    total_mappings: int
    processed_mappings: int
    failed_mappings: int
    rows_loaded: int
    rows_rejected: int
    rows_parked: int
    bytes_total: int
    bytes_processed: int
    details: str
    revision: int
    terminal: bool
    created_at: _timestamp_pb2.Timestamp
    started_at: _timestamp_pb2.Timestamp
    completed_at: _timestamp_pb2.Timestamp
    priority: _priority_pb2.Priority
    def __init__(self, request_id: _Optional[str] = ..., kind: _Optional[_Union[Ingestion.Kind, str]] = ..., status: _Optional[_Union[Ingestion.Status, str]] = ..., progress: _Optional[int] = ..., total_mappings: _Optional[int] = ..., processed_mappings: _Optional[int] = ..., failed_mappings: _Optional[int] = ..., rows_loaded: _Optional[int] = ..., rows_rejected: _Optional[int] = ..., rows_parked: _Optional[int] = ..., bytes_total: _Optional[int] = ..., bytes_processed: _Optional[int] = ..., details: _Optional[str] = ..., revision: _Optional[int] = ..., terminal: _Optional[bool] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., completed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., priority: _Optional[_Union[_priority_pb2.Priority, str]] = ...) -> None: ...

class ChunkResult(_message.Message):
    __slots__ = ("id", "chunk", "first_line", "byte_offset", "byte_length", "rows_read", "rows_loaded", "rows_rejected", "rows_parked", "rows_superseded", "attempts", "latency_ms", "committed_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    FIRST_LINE_FIELD_NUMBER: _ClassVar[int]
    BYTE_OFFSET_FIELD_NUMBER: _ClassVar[int]
    BYTE_LENGTH_FIELD_NUMBER: _ClassVar[int]
    ROWS_READ_FIELD_NUMBER: _ClassVar[int]
    ROWS_LOADED_FIELD_NUMBER: _ClassVar[int]
    ROWS_REJECTED_FIELD_NUMBER: _ClassVar[int]
    ROWS_PARKED_FIELD_NUMBER: _ClassVar[int]
    ROWS_SUPERSEDED_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    chunk: int
    first_line: int
    byte_offset: int
    byte_length: int
    rows_read: int
    rows_loaded: int
    rows_rejected: int
    rows_parked: int
    rows_superseded: int
    attempts: int
    latency_ms: int
    committed_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., chunk: _Optional[int] = ..., first_line: _Optional[int] = ..., byte_offset: _Optional[int] = ..., byte_length: _Optional[int] = ..., rows_read: _Optional[int] = ..., rows_loaded: _Optional[int] = ..., rows_rejected: _Optional[int] = ..., rows_parked: _Optional[int] = ..., rows_superseded: _Optional[int] = ..., attempts: _Optional[int] = ..., latency_ms: _Optional[int] = ..., committed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class FileResult(_message.Message):
    __slots__ = ("id", "data_type", "status", "bytes_total", "bytes_processed", "rows_loaded", "rows_rejected", "rows_parked", "error")
    ID_FIELD_NUMBER: _ClassVar[int]
    DATA_TYPE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    BYTES_TOTAL_FIELD_NUMBER: _ClassVar[int]
    BYTES_PROCESSED_FIELD_NUMBER: _ClassVar[int]
    ROWS_LOADED_FIELD_NUMBER: _ClassVar[int]
    ROWS_REJECTED_FIELD_NUMBER: _ClassVar[int]
    ROWS_PARKED_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    id: str
    data_type: str
    status: Ingestion.Status
    bytes_total: int
    bytes_processed: int
    rows_loaded: int
    rows_rejected: int
    rows_parked: int
    error: str
    def __init__(self, id: _Optional[str] = ..., data_type: _Optional[str] = ..., status: _Optional[_Union[Ingestion.Status, str]] = ..., bytes_total: _Optional[int] = ..., bytes_processed: _Optional[int] = ..., rows_loaded: _Optional[int] = ..., rows_rejected: _Optional[int] = ..., rows_parked: _Optional[int] = ..., error: _Optional[str] = ...) -> None: ...
