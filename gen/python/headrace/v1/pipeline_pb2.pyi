import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from headrace.v1 import export_service_pb2 as _export_service_pb2
from headrace.v1 import mapping_pb2 as _mapping_pb2
from headrace.v1 import priority_pb2 as _priority_pb2
from headrace.v1 import storage_pb2 as _storage_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Pipeline(_message.Message):
    __slots__ = ("pipeline_id", "name", "description", "version", "parameters", "steps", "timeout_seconds", "created_at", "updated_at")
    PIPELINE_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    pipeline_id: str
    name: str
    description: str
    version: int
    parameters: _containers.RepeatedCompositeFieldContainer[PipelineParameter]
    steps: _containers.RepeatedCompositeFieldContainer[PipelineStep]
    timeout_seconds: float
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    def __init__(self, pipeline_id: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ..., version: _Optional[int] = ..., parameters: _Optional[_Iterable[_Union[PipelineParameter, _Mapping]]] = ..., steps: _Optional[_Iterable[_Union[PipelineStep, _Mapping]]] = ..., timeout_seconds: _Optional[float] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class PipelineParameter(_message.Message):
    __slots__ = ("name", "type", "default", "required", "description")
    class Type(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        TYPE_UNSPECIFIED: _ClassVar[PipelineParameter.Type]
        STRING: _ClassVar[PipelineParameter.Type]
        INTEGER: _ClassVar[PipelineParameter.Type]
        NUMBER: _ClassVar[PipelineParameter.Type]
        BOOLEAN: _ClassVar[PipelineParameter.Type]
        DATE: _ClassVar[PipelineParameter.Type]
        TIMESTAMP: _ClassVar[PipelineParameter.Type]
        JSON: _ClassVar[PipelineParameter.Type]
    TYPE_UNSPECIFIED: PipelineParameter.Type
    STRING: PipelineParameter.Type
    INTEGER: PipelineParameter.Type
    NUMBER: PipelineParameter.Type
    BOOLEAN: PipelineParameter.Type
    DATE: PipelineParameter.Type
    TIMESTAMP: PipelineParameter.Type
    JSON: PipelineParameter.Type
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: PipelineParameter.Type
    default: _struct_pb2.Value
    required: bool
    description: str
    def __init__(self, name: _Optional[str] = ..., type: _Optional[_Union[PipelineParameter.Type, str]] = ..., default: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., required: _Optional[bool] = ..., description: _Optional[str] = ...) -> None: ...

class PipelineStep(_message.Message):
    __slots__ = ("id", "depends_on", "ingest", "import_file", "refresh_datamart", "score_dataset", "export", "remote_job", "approval", "retry", "on_failure", "timeout_seconds")
    class OnFailure(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ON_FAILURE_UNSPECIFIED: _ClassVar[PipelineStep.OnFailure]
        FAIL: _ClassVar[PipelineStep.OnFailure]
        SKIP: _ClassVar[PipelineStep.OnFailure]
        CONTINUE: _ClassVar[PipelineStep.OnFailure]
    ON_FAILURE_UNSPECIFIED: PipelineStep.OnFailure
    FAIL: PipelineStep.OnFailure
    SKIP: PipelineStep.OnFailure
    CONTINUE: PipelineStep.OnFailure
    ID_FIELD_NUMBER: _ClassVar[int]
    DEPENDS_ON_FIELD_NUMBER: _ClassVar[int]
    INGEST_FIELD_NUMBER: _ClassVar[int]
    IMPORT_FILE_FIELD_NUMBER: _ClassVar[int]
    REFRESH_DATAMART_FIELD_NUMBER: _ClassVar[int]
    SCORE_DATASET_FIELD_NUMBER: _ClassVar[int]
    EXPORT_FIELD_NUMBER: _ClassVar[int]
    REMOTE_JOB_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    ON_FAILURE_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    id: str
    depends_on: _containers.RepeatedScalarFieldContainer[str]
    ingest: IngestStep
    import_file: ImportFileStep
    refresh_datamart: RefreshDatamartStep
    score_dataset: ScoreDatasetStep
    export: ExportStep
    remote_job: RemoteJobStep
    approval: ApprovalStep
    retry: StepRetry
    on_failure: PipelineStep.OnFailure
    timeout_seconds: float
    def __init__(self, id: _Optional[str] = ..., depends_on: _Optional[_Iterable[str]] = ..., ingest: _Optional[_Union[IngestStep, _Mapping]] = ..., import_file: _Optional[_Union[ImportFileStep, _Mapping]] = ..., refresh_datamart: _Optional[_Union[RefreshDatamartStep, _Mapping]] = ..., score_dataset: _Optional[_Union[ScoreDatasetStep, _Mapping]] = ..., export: _Optional[_Union[ExportStep, _Mapping]] = ..., remote_job: _Optional[_Union[RemoteJobStep, _Mapping]] = ..., approval: _Optional[_Union[ApprovalStep, _Mapping]] = ..., retry: _Optional[_Union[StepRetry, _Mapping]] = ..., on_failure: _Optional[_Union[PipelineStep.OnFailure, str]] = ..., timeout_seconds: _Optional[float] = ...) -> None: ...

class StepRetry(_message.Message):
    __slots__ = ("attempts", "delay_seconds", "backoff")
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    DELAY_SECONDS_FIELD_NUMBER: _ClassVar[int]
    BACKOFF_FIELD_NUMBER: _ClassVar[int]
    attempts: int
    delay_seconds: float
    backoff: float
    def __init__(self, attempts: _Optional[int] = ..., delay_seconds: _Optional[float] = ..., backoff: _Optional[float] = ...) -> None: ...

class IngestStep(_message.Message):
    __slots__ = ("mappings", "priority")
    MAPPINGS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    mappings: _containers.RepeatedCompositeFieldContainer[_mapping_pb2.Mapping]
    priority: _priority_pb2.Priority
    def __init__(self, mappings: _Optional[_Iterable[_Union[_mapping_pb2.Mapping, _Mapping]]] = ..., priority: _Optional[_Union[_priority_pb2.Priority, str]] = ...) -> None: ...

class ImportFileStep(_message.Message):
    __slots__ = ("file_path", "target_table", "infer_schema", "options", "priority")
    FILE_PATH_FIELD_NUMBER: _ClassVar[int]
    TARGET_TABLE_FIELD_NUMBER: _ClassVar[int]
    INFER_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    file_path: str
    target_table: str
    infer_schema: bool
    options: _storage_pb2.ImportOptions
    priority: _priority_pb2.Priority
    def __init__(self, file_path: _Optional[str] = ..., target_table: _Optional[str] = ..., infer_schema: _Optional[bool] = ..., options: _Optional[_Union[_storage_pb2.ImportOptions, _Mapping]] = ..., priority: _Optional[_Union[_priority_pb2.Priority, str]] = ...) -> None: ...

class RefreshDatamartStep(_message.Message):
    __slots__ = ("datamart", "schema", "concurrent")
    DATAMART_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    CONCURRENT_FIELD_NUMBER: _ClassVar[int]
    datamart: str
    schema: str
    concurrent: bool
    def __init__(self, datamart: _Optional[str] = ..., schema: _Optional[str] = ..., concurrent: _Optional[bool] = ...) -> None: ...

class ScoreDatasetStep(_message.Message):
    __slots__ = ("dataset", "observe", "minimum_score")
    DATASET_FIELD_NUMBER: _ClassVar[int]
    OBSERVE_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_SCORE_FIELD_NUMBER: _ClassVar[int]
    dataset: str
    observe: bool
    minimum_score: int
    def __init__(self, dataset: _Optional[str] = ..., observe: _Optional[bool] = ..., minimum_score: _Optional[int] = ...) -> None: ...

class ExportStep(_message.Message):
    __slots__ = ("query", "datamart", "report")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    DATAMART_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    query: _export_service_pb2.ExportQueryRequest
    datamart: _export_service_pb2.ExportDatamartRequest
    report: _export_service_pb2.CreateReportRequest
    def __init__(self, query: _Optional[_Union[_export_service_pb2.ExportQueryRequest, _Mapping]] = ..., datamart: _Optional[_Union[_export_service_pb2.ExportDatamartRequest, _Mapping]] = ..., report: _Optional[_Union[_export_service_pb2.CreateReportRequest, _Mapping]] = ...) -> None: ...

class RemoteJobStep(_message.Message):
    __slots__ = ("source_file_path", "content_type", "task_options", "priority")
    SOURCE_FILE_PATH_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    TASK_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    source_file_path: str
    content_type: str
    task_options: _struct_pb2.Struct
    priority: _priority_pb2.Priority
    def __init__(self, source_file_path: _Optional[str] = ..., content_type: _Optional[str] = ..., task_options: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., priority: _Optional[_Union[_priority_pb2.Priority, str]] = ...) -> None: ...

class ApprovalStep(_message.Message):
    __slots__ = ("message",)
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    message: str
    def __init__(self, message: _Optional[str] = ...) -> None: ...
