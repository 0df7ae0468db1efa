import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import httpbody_pb2 as _httpbody_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from headrace.v1 import run_pb2 as _run_pb2
from headrace.v1 import trigger_pb2 as _trigger_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateTriggerRequest(_message.Message):
    __slots__ = ("name", "pipeline_id", "trigger_type", "cron_schedule", "enabled", "parameters", "time_zone", "overlap", "catch_up", "catch_up_window_seconds", "jitter_seconds", "on_resume", "pause_after_failures", "folder_path", "file_pattern", "webhook_auth", "validate_only")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_ID_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_TYPE_FIELD_NUMBER: _ClassVar[int]
    CRON_SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    OVERLAP_FIELD_NUMBER: _ClassVar[int]
    CATCH_UP_FIELD_NUMBER: _ClassVar[int]
    CATCH_UP_WINDOW_SECONDS_FIELD_NUMBER: _ClassVar[int]
    JITTER_SECONDS_FIELD_NUMBER: _ClassVar[int]
    ON_RESUME_FIELD_NUMBER: _ClassVar[int]
    PAUSE_AFTER_FAILURES_FIELD_NUMBER: _ClassVar[int]
    FOLDER_PATH_FIELD_NUMBER: _ClassVar[int]
    FILE_PATTERN_FIELD_NUMBER: _ClassVar[int]
    WEBHOOK_AUTH_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    name: str
    pipeline_id: str
    trigger_type: _trigger_pb2.Trigger.Type
    cron_schedule: str
    enabled: bool
    parameters: _struct_pb2.Struct
    time_zone: str
    overlap: _trigger_pb2.Trigger.Overlap
    catch_up: _trigger_pb2.Trigger.CatchUp
    catch_up_window_seconds: float
    jitter_seconds: float
    on_resume: _trigger_pb2.Trigger.OnResume
    pause_after_failures: int
    folder_path: str
    file_pattern: str
    webhook_auth: _trigger_pb2.Trigger.WebhookAuth
    validate_only: bool
    def __init__(self, name: _Optional[str] = ..., pipeline_id: _Optional[str] = ..., trigger_type: _Optional[_Union[_trigger_pb2.Trigger.Type, str]] = ..., cron_schedule: _Optional[str] = ..., enabled: _Optional[bool] = ..., parameters: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., time_zone: _Optional[str] = ..., overlap: _Optional[_Union[_trigger_pb2.Trigger.Overlap, str]] = ..., catch_up: _Optional[_Union[_trigger_pb2.Trigger.CatchUp, str]] = ..., catch_up_window_seconds: _Optional[float] = ..., jitter_seconds: _Optional[float] = ..., on_resume: _Optional[_Union[_trigger_pb2.Trigger.OnResume, str]] = ..., pause_after_failures: _Optional[int] = ..., folder_path: _Optional[str] = ..., file_pattern: _Optional[str] = ..., webhook_auth: _Optional[_Union[_trigger_pb2.Trigger.WebhookAuth, str]] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class UpdateTriggerRequest(_message.Message):
    __slots__ = ("trigger_id", "name", "cron_schedule", "parameters", "time_zone", "overlap", "catch_up", "catch_up_window_seconds", "jitter_seconds", "on_resume", "pause_after_failures", "folder_path", "file_pattern")
    TRIGGER_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CRON_SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    OVERLAP_FIELD_NUMBER: _ClassVar[int]
    CATCH_UP_FIELD_NUMBER: _ClassVar[int]
    CATCH_UP_WINDOW_SECONDS_FIELD_NUMBER: _ClassVar[int]
    JITTER_SECONDS_FIELD_NUMBER: _ClassVar[int]
    ON_RESUME_FIELD_NUMBER: _ClassVar[int]
    PAUSE_AFTER_FAILURES_FIELD_NUMBER: _ClassVar[int]
    FOLDER_PATH_FIELD_NUMBER: _ClassVar[int]
    FILE_PATTERN_FIELD_NUMBER: _ClassVar[int]
    trigger_id: str
    name: str
    cron_schedule: str
    parameters: _struct_pb2.Struct
    time_zone: str
    overlap: _trigger_pb2.Trigger.Overlap
    catch_up: _trigger_pb2.Trigger.CatchUp
    catch_up_window_seconds: float
    jitter_seconds: float
    on_resume: _trigger_pb2.Trigger.OnResume
    pause_after_failures: int
    folder_path: str
    file_pattern: str
    def __init__(self, trigger_id: _Optional[str] = ..., name: _Optional[str] = ..., cron_schedule: _Optional[str] = ..., parameters: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., time_zone: _Optional[str] = ..., overlap: _Optional[_Union[_trigger_pb2.Trigger.Overlap, str]] = ..., catch_up: _Optional[_Union[_trigger_pb2.Trigger.CatchUp, str]] = ..., catch_up_window_seconds: _Optional[float] = ..., jitter_seconds: _Optional[float] = ..., on_resume: _Optional[_Union[_trigger_pb2.Trigger.OnResume, str]] = ..., pause_after_failures: _Optional[int] = ..., folder_path: _Optional[str] = ..., file_pattern: _Optional[str] = ...) -> None: ...

class RunPipelineRequest(_message.Message):
    __slots__ = ("pipeline_id", "parameters", "trigger_id", "nominal_time", "wait_seconds")
    PIPELINE_ID_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_ID_FIELD_NUMBER: _ClassVar[int]
    NOMINAL_TIME_FIELD_NUMBER: _ClassVar[int]
    WAIT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    pipeline_id: str
    parameters: _struct_pb2.Struct
    trigger_id: str
    nominal_time: _timestamp_pb2.Timestamp
    wait_seconds: float
    def __init__(self, pipeline_id: _Optional[str] = ..., parameters: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., trigger_id: _Optional[str] = ..., nominal_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., wait_seconds: _Optional[float] = ...) -> None: ...

class PauseTriggerRequest(_message.Message):
    __slots__ = ("trigger_id",)
    TRIGGER_ID_FIELD_NUMBER: _ClassVar[int]
    trigger_id: str
    def __init__(self, trigger_id: _Optional[str] = ...) -> None: ...

class ResumeTriggerRequest(_message.Message):
    __slots__ = ("trigger_id", "on_resume")
    TRIGGER_ID_FIELD_NUMBER: _ClassVar[int]
    ON_RESUME_FIELD_NUMBER: _ClassVar[int]
    trigger_id: str
    on_resume: _trigger_pb2.Trigger.OnResume
    def __init__(self, trigger_id: _Optional[str] = ..., on_resume: _Optional[_Union[_trigger_pb2.Trigger.OnResume, str]] = ...) -> None: ...

class DeleteTriggerRequest(_message.Message):
    __slots__ = ("trigger_id",)
    TRIGGER_ID_FIELD_NUMBER: _ClassVar[int]
    trigger_id: str
    def __init__(self, trigger_id: _Optional[str] = ...) -> None: ...

class DeleteTriggerResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetTriggerRequest(_message.Message):
    __slots__ = ("trigger_id",)
    TRIGGER_ID_FIELD_NUMBER: _ClassVar[int]
    trigger_id: str
    def __init__(self, trigger_id: _Optional[str] = ...) -> None: ...

class ListTriggersRequest(_message.Message):
    __slots__ = ("pipeline_id", "page_size", "page_token")
    PIPELINE_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    pipeline_id: str
    page_size: int
    page_token: str
    def __init__(self, pipeline_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListTriggersResponse(_message.Message):
    __slots__ = ("triggers", "total", "next_page_token")
    TRIGGERS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    triggers: _containers.RepeatedCompositeFieldContainer[_trigger_pb2.Trigger]
    total: int
    next_page_token: str
    def __init__(self, triggers: _Optional[_Iterable[_Union[_trigger_pb2.Trigger, _Mapping]]] = ..., total: _Optional[int] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetTriggerHistoryRequest(_message.Message):
    __slots__ = ("trigger_id", "limit", "page_token")
    TRIGGER_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    trigger_id: str
    limit: int
    page_token: str
    def __init__(self, trigger_id: _Optional[str] = ..., limit: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class GetTriggerHistoryResponse(_message.Message):
    __slots__ = ("trigger_id", "history", "total_executions", "success_rate", "next_page_token")
    TRIGGER_ID_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    TOTAL_EXECUTIONS_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_RATE_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    trigger_id: str
    history: _containers.RepeatedCompositeFieldContainer[_trigger_pb2.TriggerExecution]
    total_executions: int
    success_rate: float
    next_page_token: str
    def __init__(self, trigger_id: _Optional[str] = ..., history: _Optional[_Iterable[_Union[_trigger_pb2.TriggerExecution, _Mapping]]] = ..., total_executions: _Optional[int] = ..., success_rate: _Optional[float] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class PreviewTriggerRequest(_message.Message):
    __slots__ = ("trigger_id", "limit")
    TRIGGER_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    trigger_id: str
    limit: int
    def __init__(self, trigger_id: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class PreviewTriggerResponse(_message.Message):
    __slots__ = ("trigger_id", "times")
    class Time(_message.Message):
        __slots__ = ("nominal_time", "local_time", "fires_at")
        NOMINAL_TIME_FIELD_NUMBER: _ClassVar[int]
        LOCAL_TIME_FIELD_NUMBER: _ClassVar[int]
        FIRES_AT_FIELD_NUMBER: _ClassVar[int]
        nominal_time: _timestamp_pb2.Timestamp
        local_time: str
        fires_at: _timestamp_pb2.Timestamp
        def __init__(self, nominal_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., local_time: _Optional[str] = ..., fires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
    TRIGGER_ID_FIELD_NUMBER: _ClassVar[int]
    TIMES_FIELD_NUMBER: _ClassVar[int]
    trigger_id: str
    times: _containers.RepeatedCompositeFieldContainer[PreviewTriggerResponse.Time]
    def __init__(self, trigger_id: _Optional[str] = ..., times: _Optional[_Iterable[_Union[PreviewTriggerResponse.Time, _Mapping]]] = ...) -> None: ...

class BackfillTriggerRequest(_message.Message):
    __slots__ = ("trigger_id", "until", "all", "dry_run")
    TRIGGER_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    ALL_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    trigger_id: str
    until: _timestamp_pb2.Timestamp
    all: bool
    dry_run: bool
    def __init__(self, trigger_id: _Optional[str] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., all: _Optional[bool] = ..., dry_run: _Optional[bool] = ..., **kwargs) -> None: ...

class BackfillTriggerResponse(_message.Message):
    __slots__ = ("trigger_id", "executions", "times_left_out")
    TRIGGER_ID_FIELD_NUMBER: _ClassVar[int]
    EXECUTIONS_FIELD_NUMBER: _ClassVar[int]
    TIMES_LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    trigger_id: str
    executions: _containers.RepeatedCompositeFieldContainer[_trigger_pb2.TriggerExecution]
    times_left_out: int
    def __init__(self, trigger_id: _Optional[str] = ..., executions: _Optional[_Iterable[_Union[_trigger_pb2.TriggerExecution, _Mapping]]] = ..., times_left_out: _Optional[int] = ...) -> None: ...

class FireWebhookRequest(_message.Message):
    __slots__ = ("trigger_id", "body")
    TRIGGER_ID_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    trigger_id: str
    body: _httpbody_pb2.HttpBody
    def __init__(self, trigger_id: _Optional[str] = ..., body: _Optional[_Union[_httpbody_pb2.HttpBody, _Mapping]] = ...) -> None: ...

class FireWebhookResponse(_message.Message):
    __slots__ = ("execution_id", "status", "run_id", "reason", "duplicate")
    EXECUTION_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    execution_id: str
    status: _trigger_pb2.TriggerExecution.Status
    run_id: str
    reason: str
    duplicate: bool
    def __init__(self, execution_id: _Optional[str] = ..., status: _Optional[_Union[_trigger_pb2.TriggerExecution.Status, str]] = ..., run_id: _Optional[str] = ..., reason: _Optional[str] = ..., duplicate: _Optional[bool] = ...) -> None: ...

class RotateTriggerSecretRequest(_message.Message):
    __slots__ = ("trigger_id", "keep_seconds")
    TRIGGER_ID_FIELD_NUMBER: _ClassVar[int]
    KEEP_SECONDS_FIELD_NUMBER: _ClassVar[int]
    trigger_id: str
    keep_seconds: float
    def __init__(self, trigger_id: _Optional[str] = ..., keep_seconds: _Optional[float] = ...) -> None: ...
