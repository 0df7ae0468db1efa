import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RemoteJob(_message.Message):
    __slots__ = ("job_id", "status", "worker_id", "created_at", "started_at", "completed_at", "error_message", "retry_count", "estimated_completion", "content_type", "attempt", "checkpoint", "lease_expires_at", "ingestion_task_id", "revision", "terminal")
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATUS_UNSPECIFIED: _ClassVar[RemoteJob.Status]
        PENDING: _ClassVar[RemoteJob.Status]
        PROCESSING: _ClassVar[RemoteJob.Status]
        COMPLETED: _ClassVar[RemoteJob.Status]
        FAILED: _ClassVar[RemoteJob.Status]
        TIMEOUT: _ClassVar[RemoteJob.Status]
        CANCELLED: _ClassVar[RemoteJob.Status]
    STATUS_UNSPECIFIED: RemoteJob.Status
    PENDING: RemoteJob.Status
    PROCESSING: RemoteJob.Status
    COMPLETED: RemoteJob.Status
    FAILED: RemoteJob.Status
    TIMEOUT: RemoteJob.Status
    CANCELLED: RemoteJob.Status
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_AT_FIELD_NUMBER: _ClassVar[int]
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RETRY_COUNT_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_COMPLETION_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    LEASE_EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    INGESTION_TASK_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TERMINAL_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    status: RemoteJob.Status
    worker_id: str
    created_at: _timestamp_pb2.Timestamp
    started_at: _timestamp_pb2.Timestamp
    completed_at: _timestamp_pb2.Timestamp
    error_message: str
    retry_count: int
    estimated_completion: _timestamp_pb2.Timestamp
    content_type: str
    attempt: int
    checkpoint: _struct_pb2.Struct
    lease_expires_at: _timestamp_pb2.Timestamp
    ingestion_task_id: str
    revision: int
    terminal: bool
    def __init__(self, job_id: _Optional[str] = ..., status: _Optional[_Union[RemoteJob.Status, str]] = ..., worker_id: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., completed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., error_message: _Optional[str] = ..., retry_count: _Optional[int] = ..., estimated_completion: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., content_type: _Optional[str] = ..., attempt: _Optional[int] = ..., checkpoint: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., lease_expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ingestion_task_id: _Optional[str] = ..., revision: _Optional[int] = ..., terminal: _Optional[bool] = ...) -> None: ...

class ClaimedJob(_message.Message):
    __slots__ = ("job_id", "source_file_url", "content_type", "task_options", "attempt", "lease_expires_at", "checkpoint")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FILE_URL_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    TASK_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    LEASE_EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    source_file_url: str
    content_type: str
    task_options: _struct_pb2.Struct
    attempt: int
    lease_expires_at: _timestamp_pb2.Timestamp
    checkpoint: _struct_pb2.Struct
    def __init__(self, job_id: _Optional[str] = ..., source_file_url: _Optional[str] = ..., content_type: _Optional[str] = ..., task_options: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., attempt: _Optional[int] = ..., lease_expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., checkpoint: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class RemoteJobResult(_message.Message):
    __slots__ = ("success", "content", "metadata", "error_message", "processing_time", "upload_token")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    PROCESSING_TIME_FIELD_NUMBER: _ClassVar[int]
    UPLOAD_TOKEN_FIELD_NUMBER: _ClassVar[int]
    success: bool
    content: str
    metadata: _struct_pb2.Struct
    error_message: str
    processing_time: float
    upload_token: str
    def __init__(self, success: _Optional[bool] = ..., content: _Optional[str] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., error_message: _Optional[str] = ..., processing_time: _Optional[float] = ..., upload_token: _Optional[str] = ...) -> None: ...
