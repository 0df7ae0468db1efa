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

class Run(_message.Message):
    __slots__ = ("run_id", "pipeline_id", "status", "started_at", "parameters", "pipeline_version", "trigger_id", "nominal_time", "event", "steps", "progress", "rows_processed", "ended_steps", "total_steps", "failed_steps", "error", "revision", "terminal", "created_at", "completed_at", "duration_seconds")
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATUS_UNSPECIFIED: _ClassVar[Run.Status]
        PENDING: _ClassVar[Run.Status]
        RUNNING: _ClassVar[Run.Status]
        WAITING: _ClassVar[Run.Status]
        SUCCEEDED: _ClassVar[Run.Status]
        FAILED: _ClassVar[Run.Status]
        CANCELLED: _ClassVar[Run.Status]
    STATUS_UNSPECIFIED: Run.Status
    PENDING: Run.Status
    RUNNING: Run.Status
    WAITING: Run.Status
    SUCCEEDED: Run.Status
    FAILED: Run.Status
    CANCELLED: Run.Status
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_VERSION_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_ID_FIELD_NUMBER: _ClassVar[int]
    NOMINAL_TIME_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    ROWS_PROCESSED_FIELD_NUMBER: _ClassVar[int]
    ENDED_STEPS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_STEPS_FIELD_NUMBER: _ClassVar[int]
    FAILED_STEPS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TERMINAL_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_AT_FIELD_NUMBER: _ClassVar[int]
    DURATION_SECONDS_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    pipeline_id: str
    status: Run.Status
    started_at: _timestamp_pb2.Timestamp
    parameters: _struct_pb2.Struct
    pipeline_version: int
    trigger_id: str
    nominal_time: _timestamp_pb2.Timestamp
    event: _struct_pb2.Struct
    steps: _containers.RepeatedCompositeFieldContainer[RunStep]
    progress: int
    rows_processed: int
    ended_steps: int
    total_steps: int
    failed_steps: int
    error: str
    revision: int
    terminal: bool
    created_at: _timestamp_pb2.Timestamp
    completed_at: _timestamp_pb2.Timestamp
    duration_seconds: float
    def __init__(self, run_id: _Optional[str] = ..., pipeline_id: _Optional[str] = ..., status: _Optional[_Union[Run.Status, str]] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., parameters: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., pipeline_version: _Optional[int] = ..., trigger_id: _Optional[str] = ..., nominal_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., event: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., steps: _Optional[_Iterable[_Union[RunStep, _Mapping]]] = ..., progress: _Optional[int] = ..., rows_processed: _Optional[int] = ..., ended_steps: _Optional[int] = ..., total_steps: _Optional[int] = ..., failed_steps: _Optional[int] = ..., error: _Optional[str] = ..., revision: _Optional[int] = ..., terminal: _Optional[bool] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., completed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., duration_seconds: _Optional[float] = ...) -> None: ...

class RunStep(_message.Message):
    __slots__ = ("id", "kind", "status", "attempt", "started_at", "completed_at", "duration_seconds", "progress", "rows_processed", "output", "error", "next_attempt_at", "message", "decided_by", "decided_at", "comment")
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATUS_UNSPECIFIED: _ClassVar[RunStep.Status]
        PENDING: _ClassVar[RunStep.Status]
        RUNNING: _ClassVar[RunStep.Status]
        WAITING: _ClassVar[RunStep.Status]
        SUCCEEDED: _ClassVar[RunStep.Status]
        FAILED: _ClassVar[RunStep.Status]
        SKIPPED: _ClassVar[RunStep.Status]
        CANCELLED: _ClassVar[RunStep.Status]
    STATUS_UNSPECIFIED: RunStep.Status
    PENDING: RunStep.Status
    RUNNING: RunStep.Status
    WAITING: RunStep.Status
    SUCCEEDED: RunStep.Status
    FAILED: RunStep.Status
    SKIPPED: RunStep.Status
    CANCELLED: RunStep.Status
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_AT_FIELD_NUMBER: _ClassVar[int]
    DURATION_SECONDS_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    ROWS_PROCESSED_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    NEXT_ATTEMPT_AT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DECIDED_BY_FIELD_NUMBER: _ClassVar[int]
    DECIDED_AT_FIELD_NUMBER: _ClassVar[int]
    COMMENT_FIELD_NUMBER: _ClassVar[int]
    id: str
    kind: str
    status: RunStep.Status
    attempt: int
    started_at: _timestamp_pb2.Timestamp
    completed_at: _timestamp_pb2.Timestamp
    duration_seconds: float
    progress: int
    rows_processed: int
    output: _struct_pb2.Struct
    error: str
    next_attempt_at: _timestamp_pb2.Timestamp
    message: str
    decided_by: str
    decided_at: _timestamp_pb2.Timestamp
    comment: str
    def __init__(self, id: _Optional[str] = ..., kind: _Optional[str] = ..., status: _Optional[_Union[RunStep.Status, str]] = ..., attempt: _Optional[int] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., completed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., duration_seconds: _Optional[float] = ..., progress: _Optional[int] = ..., rows_processed: _Optional[int] = ..., output: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., error: _Optional[str] = ..., next_attempt_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., message: _Optional[str] = ..., decided_by: _Optional[str] = ..., decided_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., comment: _Optional[str] = ...) -> None: ...

class RunLogLine(_message.Message):
    __slots__ = ("at", "step_id", "attempt", "message")
    AT_FIELD_NUMBER: _ClassVar[int]
    STEP_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    at: _timestamp_pb2.Timestamp
    step_id: str
    attempt: int
    message: str
    def __init__(self, at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., step_id: _Optional[str] = ..., attempt: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...
