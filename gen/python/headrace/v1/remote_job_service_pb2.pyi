import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import httpbody_pb2 as _httpbody_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from headrace.v1 import priority_pb2 as _priority_pb2
from headrace.v1 import remote_job_pb2 as _remote_job_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateRemoteJobRequest(_message.Message):
    __slots__ = ("source_file_path", "content_type", "task_options", "ingestion_task_id", "priority", "max_retries")
    SOURCE_FILE_PATH_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    TASK_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    INGESTION_TASK_ID_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    MAX_RETRIES_FIELD_NUMBER: _ClassVar[int]
    source_file_path: str
    content_type: str
    task_options: _struct_pb2.Struct
    ingestion_task_id: str
    priority: _priority_pb2.Priority
    max_retries: int
    def __init__(self, source_file_path: _Optional[str] = ..., content_type: _Optional[str] = ..., task_options: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., ingestion_task_id: _Optional[str] = ..., priority: _Optional[_Union[_priority_pb2.Priority, str]] = ..., max_retries: _Optional[int] = ...) -> None: ...

class CreateRemoteJobResponse(_message.Message):
    __slots__ = ("job_id", "status", "created_at")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    status: _remote_job_pb2.RemoteJob.Status
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, job_id: _Optional[str] = ..., status: _Optional[_Union[_remote_job_pb2.RemoteJob.Status, str]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CreateRemoteJobsRequest(_message.Message):
    __slots__ = ("jobs",)
    JOBS_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[CreateRemoteJobRequest]
    def __init__(self, jobs: _Optional[_Iterable[_Union[CreateRemoteJobRequest, _Mapping]]] = ...) -> None: ...

class CreateRemoteJobsResponse(_message.Message):
    __slots__ = ("jobs",)
    class Outcome(_message.Message):
        __slots__ = ("job", "error")
        JOB_FIELD_NUMBER: _ClassVar[int]
        ERROR_FIELD_NUMBER: _ClassVar[int]
        job: CreateRemoteJobResponse
        error: _status_pb2.Status
        def __init__(self, job: _Optional[_Union[CreateRemoteJobResponse, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...
    JOBS_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[CreateRemoteJobsResponse.Outcome]
    def __init__(self, jobs: _Optional[_Iterable[_Union[CreateRemoteJobsResponse.Outcome, _Mapping]]] = ...) -> None: ...

class PollJobsRequest(_message.Message):
    __slots__ = ("worker_id", "content_types", "max_jobs", "wait_seconds")
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPES_FIELD_NUMBER: _ClassVar[int]
    MAX_JOBS_FIELD_NUMBER: _ClassVar[int]
    WAIT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    worker_id: str
    content_types: _containers.RepeatedScalarFieldContainer[str]
    max_jobs: int
    wait_seconds: int
    def __init__(self, worker_id: _Optional[str] = ..., content_types: _Optional[_Iterable[str]] = ..., max_jobs: _Optional[int] = ..., wait_seconds: _Optional[int] = ...) -> None: ...

class PollJobsResponse(_message.Message):
    __slots__ = ("job_id", "source_file_url", "content_type", "task_options", "attempt", "lease_expires_at", "checkpoint", "jobs")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FILE_URL_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    TASK_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    LEASE_EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    source_file_url: str
    content_type: str
    task_options: _struct_pb2.Struct
    attempt: int
    lease_expires_at: _timestamp_pb2.Timestamp
    checkpoint: _struct_pb2.Struct
    jobs: _containers.RepeatedCompositeFieldContainer[_remote_job_pb2.ClaimedJob]
    def __init__(self, job_id: _Optional[str] = ..., source_file_url: _Optional[str] = ..., content_type: _Optional[str] = ..., task_options: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., attempt: _Optional[int] = ..., lease_expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., checkpoint: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., jobs: _Optional[_Iterable[_Union[_remote_job_pb2.ClaimedJob, _Mapping]]] = ...) -> None: ...

class HeartbeatJobRequest(_message.Message):
    __slots__ = ("job_id", "worker_id", "attempt", "checkpoint")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    worker_id: str
    attempt: int
    checkpoint: _struct_pb2.Struct
    def __init__(self, job_id: _Optional[str] = ..., worker_id: _Optional[str] = ..., attempt: _Optional[int] = ..., checkpoint: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class HeartbeatJobResponse(_message.Message):
    __slots__ = ("cancelled", "lease_expires_at")
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    LEASE_EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    cancelled: bool
    lease_expires_at: _timestamp_pb2.Timestamp
    def __init__(self, cancelled: _Optional[bool] = ..., lease_expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ReleaseJobRequest(_message.Message):
    __slots__ = ("job_id", "attempt")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    attempt: int
    def __init__(self, job_id: _Optional[str] = ..., attempt: _Optional[int] = ...) -> None: ...

class ReleaseJobResponse(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: _remote_job_pb2.RemoteJob.Status
    def __init__(self, status: _Optional[_Union[_remote_job_pb2.RemoteJob.Status, str]] = ...) -> None: ...

class SubmitResultRequest(_message.Message):
    __slots__ = ("job_id", "success", "content", "metadata", "error_message", "processing_time", "attempt", "upload_token")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    PROCESSING_TIME_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    UPLOAD_TOKEN_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    success: bool
    content: str
    metadata: _struct_pb2.Struct
    error_message: str
    processing_time: float
    attempt: int
    upload_token: str
    def __init__(self, job_id: _Optional[str] = ..., success: _Optional[bool] = ..., content: _Optional[str] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., error_message: _Optional[str] = ..., processing_time: _Optional[float] = ..., attempt: _Optional[int] = ..., upload_token: _Optional[str] = ...) -> None: ...

class SubmitResultResponse(_message.Message):
    __slots__ = ("status", "ingestion_continued")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    INGESTION_CONTINUED_FIELD_NUMBER: _ClassVar[int]
    status: _remote_job_pb2.RemoteJob.Status
    ingestion_continued: bool
    def __init__(self, status: _Optional[_Union[_remote_job_pb2.RemoteJob.Status, str]] = ..., ingestion_continued: _Optional[bool] = ...) -> None: ...

class SubmitResultsRequest(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[SubmitResultRequest]
    def __init__(self, results: _Optional[_Iterable[_Union[SubmitResultRequest, _Mapping]]] = ...) -> None: ...

class SubmitResultsResponse(_message.Message):
    __slots__ = ("results",)
    class Outcome(_message.Message):
        __slots__ = ("result", "error")
        RESULT_FIELD_NUMBER: _ClassVar[int]
        ERROR_FIELD_NUMBER: _ClassVar[int]
        result: SubmitResultResponse
        error: _status_pb2.Status
        def __init__(self, result: _Optional[_Union[SubmitResultResponse, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[SubmitResultsResponse.Outcome]
    def __init__(self, results: _Optional[_Iterable[_Union[SubmitResultsResponse.Outcome, _Mapping]]] = ...) -> None: ...

class GetJobResultRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class DownloadResultRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class GetJobStatusRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class WatchJobRequest(_message.Message):
    __slots__ = ("job_id", "after_revision")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_REVISION_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    after_revision: int
    def __init__(self, job_id: _Optional[str] = ..., after_revision: _Optional[int] = ...) -> None: ...

class DownloadSourceRequest(_message.Message):
    __slots__ = ("job_id", "attempt", "signature")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    attempt: int
    signature: str
    def __init__(self, job_id: _Optional[str] = ..., attempt: _Optional[int] = ..., signature: _Optional[str] = ...) -> None: ...

class CancelJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class ListJobsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "status", "content_type")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    status: _remote_job_pb2.RemoteJob.Status
    content_type: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., status: _Optional[_Union[_remote_job_pb2.RemoteJob.Status, str]] = ..., content_type: _Optional[str] = ...) -> None: ...

class ListJobsResponse(_message.Message):
    __slots__ = ("jobs", "next_page_token")
    JOBS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[_remote_job_pb2.RemoteJob]
    next_page_token: str
    def __init__(self, jobs: _Optional[_Iterable[_Union[_remote_job_pb2.RemoteJob, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class RearmJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class DeleteJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class DeleteJobResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
