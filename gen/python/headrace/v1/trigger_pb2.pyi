import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Trigger(_message.Message):
    __slots__ = ("trigger_id", "name", "pipeline_id", "trigger_type", "cron_schedule", "next_execution", "status", "created_at", "last_execution", "execution_count", "success_rate", "paused_at", "pause_reason", "parameters", "time_zone", "overlap", "catch_up", "catch_up_window_seconds", "jitter_seconds", "on_resume", "pause_after_failures", "consecutive_failures", "folder_path", "file_pattern", "watch_id", "webhook_auth", "webhook_path", "secret", "live_secrets")
    class Type(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        TYPE_UNSPECIFIED: _ClassVar[Trigger.Type]
        CRON: _ClassVar[Trigger.Type]
        WEBHOOK: _ClassVar[Trigger.Type]
        FILE: _ClassVar[Trigger.Type]
        MANUAL: _ClassVar[Trigger.Type]
    TYPE_UNSPECIFIED: Trigger.Type
    CRON: Trigger.Type
    WEBHOOK: Trigger.Type
    FILE: Trigger.Type
    MANUAL: Trigger.Type
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATUS_UNSPECIFIED: _ClassVar[Trigger.Status]
        ACTIVE: _ClassVar[Trigger.Status]
        PAUSED: _ClassVar[Trigger.Status]
    STATUS_UNSPECIFIED: Trigger.Status
    ACTIVE: Trigger.Status
    PAUSED: Trigger.Status
    class Overlap(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        OVERLAP_UNSPECIFIED: _ClassVar[Trigger.Overlap]
        SKIP: _ClassVar[Trigger.Overlap]
        QUEUE_ONE: _ClassVar[Trigger.Overlap]
        ALLOW: _ClassVar[Trigger.Overlap]
        CANCEL_RUNNING: _ClassVar[Trigger.Overlap]
    OVERLAP_UNSPECIFIED: Trigger.Overlap
    SKIP: Trigger.Overlap
    QUEUE_ONE: Trigger.Overlap
    ALLOW: Trigger.Overlap
    CANCEL_RUNNING: Trigger.Overlap
    class CatchUp(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        CATCH_UP_UNSPECIFIED: _ClassVar[Trigger.CatchUp]
        ALL: _ClassVar[Trigger.CatchUp]
        LATEST: _ClassVar[Trigger.CatchUp]
        NONE: _ClassVar[Trigger.CatchUp]
    CATCH_UP_UNSPECIFIED: Trigger.CatchUp
    ALL: Trigger.CatchUp
    LATEST: Trigger.CatchUp
    NONE: Trigger.CatchUp
    class OnResume(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ON_RESUME_UNSPECIFIED: _ClassVar[Trigger.OnResume]
        CONTINUE: _ClassVar[Trigger.OnResume]
        MAKE_UP: _ClassVar[Trigger.OnResume]
    ON_RESUME_UNSPECIFIED: Trigger.OnResume
    CONTINUE: Trigger.OnResume
    MAKE_UP: Trigger.OnResume
    class WebhookAuth(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        WEBHOOK_AUTH_UNSPECIFIED: _ClassVar[Trigger.WebhookAuth]
        SIGNATURE: _ClassVar[Trigger.WebhookAuth]
        TOKEN: _ClassVar[Trigger.WebhookAuth]
    WEBHOOK_AUTH_UNSPECIFIED: Trigger.WebhookAuth
    SIGNATURE: Trigger.WebhookAuth
    TOKEN: Trigger.WebhookAuth
    TRIGGER_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_ID_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_TYPE_FIELD_NUMBER: _ClassVar[int]
    CRON_SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    NEXT_EXECUTION_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_EXECUTION_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_COUNT_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_RATE_FIELD_NUMBER: _ClassVar[int]
    PAUSED_AT_FIELD_NUMBER: _ClassVar[int]
    PAUSE_REASON_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    OVERLAP_FIELD_NUMBER: _ClassVar[int]
    CATCH_UP_FIELD_NUMBER: _ClassVar[int]
    CATCH_UP_WINDOW_SECONDS_FIELD_NUMBER: _ClassVar[int]
    JITTER_SECONDS_FIELD_NUMBER: _ClassVar[int]
    ON_RESUME_FIELD_NUMBER: _ClassVar[int]
    PAUSE_AFTER_FAILURES_FIELD_NUMBER: _ClassVar[int]
    CONSECUTIVE_FAILURES_FIELD_NUMBER: _ClassVar[int]
    FOLDER_PATH_FIELD_NUMBER: _ClassVar[int]
    FILE_PATTERN_FIELD_NUMBER: _ClassVar[int]
    WATCH_ID_FIELD_NUMBER: _ClassVar[int]
    WEBHOOK_AUTH_FIELD_NUMBER: _ClassVar[int]
    WEBHOOK_PATH_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    LIVE_SECRETS_FIELD_NUMBER: _ClassVar[int]
    trigger_id: str
    name: str
    pipeline_id: str
    trigger_type: Trigger.Type
    cron_schedule: str
    next_execution: _timestamp_pb2.Timestamp
    status: Trigger.Status
    created_at: _timestamp_pb2.Timestamp
    last_execution: _timestamp_pb2.Timestamp
    execution_count: int
    success_rate: float
    paused_at: _timestamp_pb2.Timestamp
    pause_reason: str
    parameters: _struct_pb2.Struct
    time_zone: str
    overlap: Trigger.Overlap
    catch_up: Trigger.CatchUp
    catch_up_window_seconds: float
    jitter_seconds: float
    on_resume: Trigger.OnResume
    pause_after_failures: int
    consecutive_failures: int
    folder_path: str
    file_pattern: str
    watch_id: str
    webhook_auth: Trigger.WebhookAuth
    webhook_path: str
    secret: str
    live_secrets: int
    def __init__(self, trigger_id: _Optional[str] = ..., name: _Optional[str] = ..., pipeline_id: _Optional[str] = ..., trigger_type: _Optional[_Union[Trigger.Type, str]] = ..., cron_schedule: _Optional[str] = ..., next_execution: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., status: _Optional[_Union[Trigger.Status, str]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_execution: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., execution_count: _Optional[int] = ..., success_rate: _Optional[float] = ..., paused_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., pause_reason: _Optional[str] = ..., parameters: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., time_zone: _Optional[str] = ..., overlap: _Optional[_Union[Trigger.Overlap, str]] = ..., catch_up: _Optional[_Union[Trigger.CatchUp, str]] = ..., catch_up_window_seconds: _Optional[float] = ..., jitter_seconds: _Optional[float] = ..., on_resume: _Optional[_Union[Trigger.OnResume, str]] = ..., pause_after_failures: _Optional[int] = ..., consecutive_failures: _Optional[int] = ..., folder_path: _Optional[str] = ..., file_pattern: _Optional[str] = ..., watch_id: _Optional[str] = ..., webhook_auth: _Optional[_Union[Trigger.WebhookAuth, str]] = ..., webhook_path: _Optional[str] = ..., secret: _Optional[str] = ..., live_secrets: _Optional[int] = ...) -> None: ...

class TriggerExecution(_message.Message):
    __slots__ = ("execution_id", "executed_at", "status", "duration_seconds", "rows_processed", "run_id", "nominal_time", "reason", "times", "file_path", "webhook_id", "backfill")
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATUS_UNSPECIFIED: _ClassVar[TriggerExecution.Status]
        QUEUED: _ClassVar[TriggerExecution.Status]
        RUNNING: _ClassVar[TriggerExecution.Status]
        SUCCESS: _ClassVar[TriggerExecution.Status]
        FAILED: _ClassVar[TriggerExecution.Status]
        CANCELLED: _ClassVar[TriggerExecution.Status]
        SKIPPED: _ClassVar[TriggerExecution.Status]
    STATUS_UNSPECIFIED: TriggerExecution.Status
    QUEUED: TriggerExecution.Status
    RUNNING: TriggerExecution.Status
    SUCCESS: TriggerExecution.Status
    FAILED: TriggerExecution.Status
    CANCELLED: TriggerExecution.Status
    SKIPPED: TriggerExecution.Status
    EXECUTION_ID_FIELD_NUMBER: _ClassVar[int]
    EXECUTED_AT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    DURATION_SECONDS_FIELD_NUMBER: _ClassVar[int]
    ROWS_PROCESSED_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    NOMINAL_TIME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TIMES_FIELD_NUMBER: _ClassVar[int]
    FILE_PATH_FIELD_NUMBER: _ClassVar[int]
    WEBHOOK_ID_FIELD_NUMBER: _ClassVar[int]
    BACKFILL_FIELD_NUMBER: _ClassVar[int]
    execution_id: str
    executed_at: _timestamp_pb2.Timestamp
    status: TriggerExecution.Status
    duration_seconds: float
    rows_processed: int
    run_id: str
    nominal_time: _timestamp_pb2.Timestamp
    reason: str
    times: int
    file_path: str
    webhook_id: str
    backfill: bool
    def __init__(self, execution_id: _Optional[str] = ..., executed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., status: _Optional[_Union[TriggerExecution.Status, str]] = ..., duration_seconds: _Optional[float] = ..., rows_processed: _Optional[int] = ..., run_id: _Optional[str] = ..., nominal_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reason: _Optional[str] = ..., times: _Optional[int] = ..., file_path: _Optional[str] = ..., webhook_id: _Optional[str] = ..., backfill: _Optional[bool] = ...) -> None: ...
