import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from headrace.v1 import relationship_pb2 as _relationship_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DetectRelationshipsRequest(_message.Message):
    __slots__ = ("tables", "schema", "confidence_threshold", "use_ai", "wait_seconds")
    TABLES_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    USE_AI_FIELD_NUMBER: _ClassVar[int]
    WAIT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    tables: _containers.RepeatedScalarFieldContainer[str]
    schema: str
    confidence_threshold: float
    use_ai: bool
    wait_seconds: float
    def __init__(self, tables: _Optional[_Iterable[str]] = ..., schema: _Optional[str] = ..., confidence_threshold: _Optional[float] = ..., use_ai: _Optional[bool] = ..., wait_seconds: _Optional[float] = ...) -> None: ...

class GetDetectionRequest(_message.Message):
    __slots__ = ("detection_id",)
    DETECTION_ID_FIELD_NUMBER: _ClassVar[int]
    detection_id: str
    def __init__(self, detection_id: _Optional[str] = ...) -> None: ...

class CancelDetectionRequest(_message.Message):
    __slots__ = ("detection_id",)
    DETECTION_ID_FIELD_NUMBER: _ClassVar[int]
    detection_id: str
    def __init__(self, detection_id: _Optional[str] = ...) -> None: ...

class DecideRelationshipRequest(_message.Message):
    __slots__ = ("schema", "from_table", "from_column", "to_table", "to_column", "from_columns", "to_columns", "through", "decision", "relationship_type")
    class Decision(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        DECISION_UNSPECIFIED: _ClassVar[DecideRelationshipRequest.Decision]
        ACCEPT: _ClassVar[DecideRelationshipRequest.Decision]
        REJECT: _ClassVar[DecideRelationshipRequest.Decision]
    DECISION_UNSPECIFIED: DecideRelationshipRequest.Decision
    ACCEPT: DecideRelationshipRequest.Decision
    REJECT: DecideRelationshipRequest.Decision
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    FROM_TABLE_FIELD_NUMBER: _ClassVar[int]
    FROM_COLUMN_FIELD_NUMBER: _ClassVar[int]
    TO_TABLE_FIELD_NUMBER: _ClassVar[int]
    TO_COLUMN_FIELD_NUMBER: _ClassVar[int]
    FROM_COLUMNS_FIELD_NUMBER: _ClassVar[int]
    TO_COLUMNS_FIELD_NUMBER: _ClassVar[int]
    THROUGH_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    RELATIONSHIP_TYPE_FIELD_NUMBER: _ClassVar[int]
    schema: str
    from_table: str
    from_column: str
    to_table: str
    to_column: str
    from_columns: _containers.RepeatedScalarFieldContainer[str]
    to_columns: _containers.RepeatedScalarFieldContainer[str]
    through: str
    decision: DecideRelationshipRequest.Decision
    relationship_type: _relationship_pb2.Relationship.Type
    def __init__(self, schema: _Optional[str] = ..., from_table: _Optional[str] = ..., from_column: _Optional[str] = ..., to_table: _Optional[str] = ..., to_column: _Optional[str] = ..., from_columns: _Optional[_Iterable[str]] = ..., to_columns: _Optional[_Iterable[str]] = ..., through: _Optional[str] = ..., decision: _Optional[_Union[DecideRelationshipRequest.Decision, str]] = ..., relationship_type: _Optional[_Union[_relationship_pb2.Relationship.Type, str]] = ...) -> None: ...

class DecideRelationshipResponse(_message.Message):
    __slots__ = ("decision", "decided_at")
    DECISION_FIELD_NUMBER: _ClassVar[int]
    DECIDED_AT_FIELD_NUMBER: _ClassVar[int]
    decision: DecideRelationshipRequest.Decision
    decided_at: _timestamp_pb2.Timestamp
    def __init__(self, decision: _Optional[_Union[DecideRelationshipRequest.Decision, str]] = ..., decided_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
