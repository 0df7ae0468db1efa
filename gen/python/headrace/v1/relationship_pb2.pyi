import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Relationship(_message.Message):
    __slots__ = ("from_table", "from_column", "to_table", "to_column", "relationship_type", "confidence", "detection_method", "from_columns", "to_columns", "through", "evidence")
    class Type(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        TYPE_UNSPECIFIED: _ClassVar[Relationship.Type]
        MANY_TO_ONE: _ClassVar[Relationship.Type]
        ONE_TO_ONE: _ClassVar[Relationship.Type]
        MANY_TO_MANY: _ClassVar[Relationship.Type]
    TYPE_UNSPECIFIED: Relationship.Type
    MANY_TO_ONE: Relationship.Type
    ONE_TO_ONE: Relationship.Type
    MANY_TO_MANY: Relationship.Type
    class DetectionMethod(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        DETECTION_METHOD_UNSPECIFIED: _ClassVar[Relationship.DetectionMethod]
        FOREIGN_KEY_CONSTRAINT: _ClassVar[Relationship.DetectionMethod]
        CONFIRMED: _ClassVar[Relationship.DetectionMethod]
        VALUE_INCLUSION: _ClassVar[Relationship.DetectionMethod]
        NAME_MATCH: _ClassVar[Relationship.DetectionMethod]
        AI_INFERENCE: _ClassVar[Relationship.DetectionMethod]
    DETECTION_METHOD_UNSPECIFIED: Relationship.DetectionMethod
    FOREIGN_KEY_CONSTRAINT: Relationship.DetectionMethod
    CONFIRMED: Relationship.DetectionMethod
    VALUE_INCLUSION: Relationship.DetectionMethod
    NAME_MATCH: Relationship.DetectionMethod
    AI_INFERENCE: Relationship.DetectionMethod
    FROM_TABLE_FIELD_NUMBER: _ClassVar[int]
    FROM_COLUMN_FIELD_NUMBER: _ClassVar[int]
    TO_TABLE_FIELD_NUMBER: _ClassVar[int]
    TO_COLUMN_FIELD_NUMBER: _ClassVar[int]
    RELATIONSHIP_TYPE_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    DETECTION_METHOD_FIELD_NUMBER: _ClassVar[int]
    FROM_COLUMNS_FIELD_NUMBER: _ClassVar[int]
    TO_COLUMNS_FIELD_NUMBER: _ClassVar[int]
    THROUGH_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    from_table: str
    from_column: str
    to_table: str
    to_column: str
    relationship_type: Relationship.Type
    confidence: float
    detection_method: Relationship.DetectionMethod
    from_columns: _containers.RepeatedScalarFieldContainer[str]
    to_columns: _containers.RepeatedScalarFieldContainer[str]
    through: str
    evidence: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, from_table: _Optional[str] = ..., from_column: _Optional[str] = ..., to_table: _Optional[str] = ..., to_column: _Optional[str] = ..., relationship_type: _Optional[_Union[Relationship.Type, str]] = ..., confidence: _Optional[float] = ..., detection_method: _Optional[_Union[Relationship.DetectionMethod, str]] = ..., from_columns: _Optional[_Iterable[str]] = ..., to_columns: _Optional[_Iterable[str]] = ..., through: _Optional[str] = ..., evidence: _Optional[_Iterable[str]] = ...) -> None: ...

class RelationshipDetection(_message.Message):
    __slots__ = ("relationships", "total_relationships", "suggested_joins", "detection_id", "status", "schema", "tables_read", "total_tables", "error", "created_at", "completed_at", "expires_at")
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATUS_UNSPECIFIED: _ClassVar[RelationshipDetection.Status]
        PENDING: _ClassVar[RelationshipDetection.Status]
        IN_PROGRESS: _ClassVar[RelationshipDetection.Status]
        COMPLETED: _ClassVar[RelationshipDetection.Status]
        FAILED: _ClassVar[RelationshipDetection.Status]
        CANCELLED: _ClassVar[RelationshipDetection.Status]
    STATUS_UNSPECIFIED: RelationshipDetection.Status
    PENDING: RelationshipDetection.Status
    IN_PROGRESS: RelationshipDetection.Status
    COMPLETED: RelationshipDetection.Status
    FAILED: RelationshipDetection.Status
    CANCELLED: RelationshipDetection.Status
    RELATIONSHIPS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_RELATIONSHIPS_FIELD_NUMBER: _ClassVar[int]
    SUGGESTED_JOINS_FIELD_NUMBER: _ClassVar[int]
    DETECTION_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    TABLES_READ_FIELD_NUMBER: _ClassVar[int]
    TOTAL_TABLES_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_AT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    relationships: _containers.RepeatedCompositeFieldContainer[Relationship]
    total_relationships: int
    suggested_joins: _containers.RepeatedScalarFieldContainer[str]
    detection_id: str
    status: RelationshipDetection.Status
    schema: str
    tables_read: int
    total_tables: int
    error: str
    created_at: _timestamp_pb2.Timestamp
    completed_at: _timestamp_pb2.Timestamp
    expires_at: _timestamp_pb2.Timestamp
    def __init__(self, relationships: _Optional[_Iterable[_Union[Relationship, _Mapping]]] = ..., total_relationships: _Optional[int] = ..., suggested_joins: _Optional[_Iterable[str]] = ..., detection_id: _Optional[str] = ..., status: _Optional[_Union[RelationshipDetection.Status, str]] = ..., schema: _Optional[str] = ..., tables_read: _Optional[int] = ..., total_tables: _Optional[int] = ..., error: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., completed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
