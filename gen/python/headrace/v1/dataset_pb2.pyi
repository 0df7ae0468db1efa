import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DatasetDeclaration(_message.Message):
    __slots__ = ("full_name", "display_name", "description", "owner", "steward", "documentation_url", "tags", "columns", "primary_key", "checks", "version", "breaking_changes", "freshness_hours", "last_updated_at", "update_schedule", "upstreams", "retention_days")
    class Owner(_message.Message):
        __slots__ = ("name", "team", "contact")
        NAME_FIELD_NUMBER: _ClassVar[int]
        TEAM_FIELD_NUMBER: _ClassVar[int]
        CONTACT_FIELD_NUMBER: _ClassVar[int]
        name: str
        team: str
        contact: str
        def __init__(self, name: _Optional[str] = ..., team: _Optional[str] = ..., contact: _Optional[str] = ...) -> None: ...
    class Column(_message.Message):
        __slots__ = ("name", "type", "description", "deprecated")
        NAME_FIELD_NUMBER: _ClassVar[int]
        TYPE_FIELD_NUMBER: _ClassVar[int]
        DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
        DEPRECATED_FIELD_NUMBER: _ClassVar[int]
        name: str
        type: str
        description: str
        deprecated: bool
        def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ..., description: _Optional[str] = ..., deprecated: _Optional[bool] = ...) -> None: ...
    class Check(_message.Message):
        __slots__ = ("name", "kind", "columns", "outcome", "checked_at")
        class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
            __slots__ = ()
            KIND_UNSPECIFIED: _ClassVar[DatasetDeclaration.Check.Kind]
            NOT_NULL: _ClassVar[DatasetDeclaration.Check.Kind]
            UNIQUE: _ClassVar[DatasetDeclaration.Check.Kind]
            ACCEPTED_VALUES: _ClassVar[DatasetDeclaration.Check.Kind]
            RANGE: _ClassVar[DatasetDeclaration.Check.Kind]
            FORMAT: _ClassVar[DatasetDeclaration.Check.Kind]
            REFERENCE: _ClassVar[DatasetDeclaration.Check.Kind]
            SCHEMA: _ClassVar[DatasetDeclaration.Check.Kind]
            DISTRIBUTION: _ClassVar[DatasetDeclaration.Check.Kind]
            FRESHNESS: _ClassVar[DatasetDeclaration.Check.Kind]
            CUSTOM: _ClassVar[DatasetDeclaration.Check.Kind]
        KIND_UNSPECIFIED: DatasetDeclaration.Check.Kind
        NOT_NULL: DatasetDeclaration.Check.Kind
        UNIQUE: DatasetDeclaration.Check.Kind
        ACCEPTED_VALUES: DatasetDeclaration.Check.Kind
        RANGE: DatasetDeclaration.Check.Kind
        FORMAT: DatasetDeclaration.Check.Kind
        REFERENCE: DatasetDeclaration.Check.Kind
        SCHEMA: DatasetDeclaration.Check.Kind
        DISTRIBUTION: DatasetDeclaration.Check.Kind
        FRESHNESS: DatasetDeclaration.Check.Kind
        CUSTOM: DatasetDeclaration.Check.Kind
        class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
            __slots__ = ()
            OUTCOME_UNSPECIFIED: _ClassVar[DatasetDeclaration.Check.Outcome]
            PASSED: _ClassVar[DatasetDeclaration.Check.Outcome]
            FAILED: _ClassVar[DatasetDeclaration.Check.Outcome]
        OUTCOME_UNSPECIFIED: DatasetDeclaration.Check.Outcome
        PASSED: DatasetDeclaration.Check.Outcome
        FAILED: DatasetDeclaration.Check.Outcome
        NAME_FIELD_NUMBER: _ClassVar[int]
        KIND_FIELD_NUMBER: _ClassVar[int]
        COLUMNS_FIELD_NUMBER: _ClassVar[int]
        OUTCOME_FIELD_NUMBER: _ClassVar[int]
        CHECKED_AT_FIELD_NUMBER: _ClassVar[int]
        name: str
        kind: DatasetDeclaration.Check.Kind
        columns: _containers.RepeatedScalarFieldContainer[str]
        outcome: DatasetDeclaration.Check.Outcome
        checked_at: _timestamp_pb2.Timestamp
        def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[DatasetDeclaration.Check.Kind, str]] = ..., columns: _Optional[_Iterable[str]] = ..., outcome: _Optional[_Union[DatasetDeclaration.Check.Outcome, str]] = ..., checked_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
    class BreakingChange(_message.Message):
        __slots__ = ("description", "effective_at", "announced_at")
        DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
        EFFECTIVE_AT_FIELD_NUMBER: _ClassVar[int]
        ANNOUNCED_AT_FIELD_NUMBER: _ClassVar[int]
        description: str
        effective_at: _timestamp_pb2.Timestamp
        announced_at: _timestamp_pb2.Timestamp
        def __init__(self, description: _Optional[str] = ..., effective_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., announced_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
    FULL_NAME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    STEWARD_FIELD_NUMBER: _ClassVar[int]
    DOCUMENTATION_URL_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    PRIMARY_KEY_FIELD_NUMBER: _ClassVar[int]
    CHECKS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    BREAKING_CHANGES_FIELD_NUMBER: _ClassVar[int]
    FRESHNESS_HOURS_FIELD_NUMBER: _ClassVar[int]
    LAST_UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATE_SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    UPSTREAMS_FIELD_NUMBER: _ClassVar[int]
    RETENTION_DAYS_FIELD_NUMBER: _ClassVar[int]
    full_name: str
    display_name: str
    description: str
    owner: DatasetDeclaration.Owner
    steward: str
    documentation_url: str
    tags: _containers.RepeatedScalarFieldContainer[str]
    columns: _containers.RepeatedCompositeFieldContainer[DatasetDeclaration.Column]
    primary_key: _containers.RepeatedScalarFieldContainer[str]
    checks: _containers.RepeatedCompositeFieldContainer[DatasetDeclaration.Check]
    version: str
    breaking_changes: _containers.RepeatedCompositeFieldContainer[DatasetDeclaration.BreakingChange]
    freshness_hours: int
    last_updated_at: _timestamp_pb2.Timestamp
    update_schedule: str
    upstreams: _containers.RepeatedScalarFieldContainer[str]
    retention_days: int
    def __init__(self, full_name: _Optional[str] = ..., display_name: _Optional[str] = ..., description: _Optional[str] = ..., owner: _Optional[_Union[DatasetDeclaration.Owner, _Mapping]] = ..., steward: _Optional[str] = ..., documentation_url: _Optional[str] = ..., tags: _Optional[_Iterable[str]] = ..., columns: _Optional[_Iterable[_Union[DatasetDeclaration.Column, _Mapping]]] = ..., primary_key: _Optional[_Iterable[str]] = ..., checks: _Optional[_Iterable[_Union[DatasetDeclaration.Check, _Mapping]]] = ..., version: _Optional[str] = ..., breaking_changes: _Optional[_Iterable[_Union[DatasetDeclaration.BreakingChange, _Mapping]]] = ..., freshness_hours: _Optional[int] = ..., last_updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_schedule: _Optional[str] = ..., upstreams: _Optional[_Iterable[str]] = ..., retention_days: _Optional[int] = ...) -> None: ...

class DatasetObservation(_message.Message):
    __slots__ = ("observed_at", "rows", "sampled_rows", "columns", "primary_key", "references", "keys", "updated_at", "rows_read", "rows_rejected", "rows_parked", "compared", "schema_breaks", "new_columns", "distribution_shifts")
    class Column(_message.Message):
        __slots__ = ("name", "type", "nullable", "null_rate", "mean", "deviation")
        NAME_FIELD_NUMBER: _ClassVar[int]
        TYPE_FIELD_NUMBER: _ClassVar[int]
        NULLABLE_FIELD_NUMBER: _ClassVar[int]
        NULL_RATE_FIELD_NUMBER: _ClassVar[int]
        MEAN_FIELD_NUMBER: _ClassVar[int]
        DEVIATION_FIELD_NUMBER: _ClassVar[int]
        name: str
        type: str
        nullable: bool
        null_rate: float
        mean: float
        deviation: float
        def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ..., nullable: _Optional[bool] = ..., null_rate: _Optional[float] = ..., mean: _Optional[float] = ..., deviation: _Optional[float] = ...) -> None: ...
    class Key(_message.Message):
        __slots__ = ("columns", "duplicate_rate", "enforced")
        COLUMNS_FIELD_NUMBER: _ClassVar[int]
        DUPLICATE_RATE_FIELD_NUMBER: _ClassVar[int]
        ENFORCED_FIELD_NUMBER: _ClassVar[int]
        columns: _containers.RepeatedScalarFieldContainer[str]
        duplicate_rate: float
        enforced: bool
        def __init__(self, columns: _Optional[_Iterable[str]] = ..., duplicate_rate: _Optional[float] = ..., enforced: _Optional[bool] = ...) -> None: ...
    OBSERVED_AT_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    SAMPLED_ROWS_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    PRIMARY_KEY_FIELD_NUMBER: _ClassVar[int]
    REFERENCES_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    ROWS_READ_FIELD_NUMBER: _ClassVar[int]
    ROWS_REJECTED_FIELD_NUMBER: _ClassVar[int]
    ROWS_PARKED_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_BREAKS_FIELD_NUMBER: _ClassVar[int]
    NEW_COLUMNS_FIELD_NUMBER: _ClassVar[int]
    DISTRIBUTION_SHIFTS_FIELD_NUMBER: _ClassVar[int]
    observed_at: _timestamp_pb2.Timestamp
    rows: int
    sampled_rows: int
    columns: _containers.RepeatedCompositeFieldContainer[DatasetObservation.Column]
    primary_key: _containers.RepeatedScalarFieldContainer[str]
    references: _containers.RepeatedScalarFieldContainer[str]
    keys: _containers.RepeatedCompositeFieldContainer[DatasetObservation.Key]
    updated_at: _timestamp_pb2.Timestamp
    rows_read: int
    rows_rejected: int
    rows_parked: int
    compared: bool
    schema_breaks: _containers.RepeatedScalarFieldContainer[str]
    new_columns: _containers.RepeatedScalarFieldContainer[str]
    distribution_shifts: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, observed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., rows: _Optional[int] = ..., sampled_rows: _Optional[int] = ..., columns: _Optional[_Iterable[_Union[DatasetObservation.Column, _Mapping]]] = ..., primary_key: _Optional[_Iterable[str]] = ..., references: _Optional[_Iterable[str]] = ..., keys: _Optional[_Iterable[_Union[DatasetObservation.Key, _Mapping]]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., rows_read: _Optional[int] = ..., rows_rejected: _Optional[int] = ..., rows_parked: _Optional[int] = ..., compared: _Optional[bool] = ..., schema_breaks: _Optional[_Iterable[str]] = ..., new_columns: _Optional[_Iterable[str]] = ..., distribution_shifts: _Optional[_Iterable[str]] = ...) -> None: ...

class Dataset(_message.Message):
    __slots__ = ("id", "full_name", "display_name", "readiness_score", "readiness_status", "dimension_scores", "reasons", "actions", "waivers", "declaration", "observation", "rules_version", "scored_at", "created_at", "updated_at", "revision")
    class ReadinessStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        READINESS_STATUS_UNSPECIFIED: _ClassVar[Dataset.ReadinessStatus]
        GOLD: _ClassVar[Dataset.ReadinessStatus]
        PRODUCTION_READY: _ClassVar[Dataset.ReadinessStatus]
        INTERNAL: _ClassVar[Dataset.ReadinessStatus]
        DRAFT: _ClassVar[Dataset.ReadinessStatus]
    READINESS_STATUS_UNSPECIFIED: Dataset.ReadinessStatus
    GOLD: Dataset.ReadinessStatus
    PRODUCTION_READY: Dataset.ReadinessStatus
    INTERNAL: Dataset.ReadinessStatus
    DRAFT: Dataset.ReadinessStatus
    class Dimension(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        DIMENSION_UNSPECIFIED: _ClassVar[Dataset.Dimension]
        OWNERSHIP: _ClassVar[Dataset.Dimension]
        DOCUMENTATION: _ClassVar[Dataset.Dimension]
        SCHEMA_HYGIENE: _ClassVar[Dataset.Dimension]
        DATA_QUALITY: _ClassVar[Dataset.Dimension]
        STABILITY: _ClassVar[Dataset.Dimension]
        OPERATIONS: _ClassVar[Dataset.Dimension]
    DIMENSION_UNSPECIFIED: Dataset.Dimension
    OWNERSHIP: Dataset.Dimension
    DOCUMENTATION: Dataset.Dimension
    SCHEMA_HYGIENE: Dataset.Dimension
    DATA_QUALITY: Dataset.Dimension
    STABILITY: Dataset.Dimension
    OPERATIONS: Dataset.Dimension
    class DimensionScore(_message.Message):
        __slots__ = ("dimension", "score", "max_score", "not_evaluated")
        DIMENSION_FIELD_NUMBER: _ClassVar[int]
        SCORE_FIELD_NUMBER: _ClassVar[int]
        MAX_SCORE_FIELD_NUMBER: _ClassVar[int]
        NOT_EVALUATED_FIELD_NUMBER: _ClassVar[int]
        dimension: Dataset.Dimension
        score: int
        max_score: int
        not_evaluated: _containers.RepeatedScalarFieldContainer[str]
        def __init__(self, dimension: _Optional[_Union[Dataset.Dimension, str]] = ..., score: _Optional[int] = ..., max_score: _Optional[int] = ..., not_evaluated: _Optional[_Iterable[str]] = ...) -> None: ...
    class Reason(_message.Message):
        __slots__ = ("dimension", "rule", "points", "message", "not_evaluated", "declared", "observed", "waived_until")
        DIMENSION_FIELD_NUMBER: _ClassVar[int]
        RULE_FIELD_NUMBER: _ClassVar[int]
        POINTS_FIELD_NUMBER: _ClassVar[int]
        MESSAGE_FIELD_NUMBER: _ClassVar[int]
        NOT_EVALUATED_FIELD_NUMBER: _ClassVar[int]
        DECLARED_FIELD_NUMBER: _ClassVar[int]
        OBSERVED_FIELD_NUMBER: _ClassVar[int]
        WAIVED_UNTIL_FIELD_NUMBER: _ClassVar[int]
        dimension: Dataset.Dimension
        rule: str
        points: int
        message: str
        not_evaluated: bool
        declared: str
        observed: str
        waived_until: _timestamp_pb2.Timestamp
        def __init__(self, dimension: _Optional[_Union[Dataset.Dimension, str]] = ..., rule: _Optional[str] = ..., points: _Optional[int] = ..., message: _Optional[str] = ..., not_evaluated: _Optional[bool] = ..., declared: _Optional[str] = ..., observed: _Optional[str] = ..., waived_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
    class Action(_message.Message):
        __slots__ = ("dimension", "rule", "points", "description")
        DIMENSION_FIELD_NUMBER: _ClassVar[int]
        RULE_FIELD_NUMBER: _ClassVar[int]
        POINTS_FIELD_NUMBER: _ClassVar[int]
        DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
        dimension: Dataset.Dimension
        rule: str
        points: int
        description: str
        def __init__(self, dimension: _Optional[_Union[Dataset.Dimension, str]] = ..., rule: _Optional[str] = ..., points: _Optional[int] = ..., description: _Optional[str] = ...) -> None: ...
    class Waiver(_message.Message):
        __slots__ = ("rule", "justification", "granted_by", "granted_at", "expires_at")
        RULE_FIELD_NUMBER: _ClassVar[int]
        JUSTIFICATION_FIELD_NUMBER: _ClassVar[int]
        GRANTED_BY_FIELD_NUMBER: _ClassVar[int]
        GRANTED_AT_FIELD_NUMBER: _ClassVar[int]
        EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
        rule: str
        justification: str
        granted_by: str
        granted_at: _timestamp_pb2.Timestamp
        expires_at: _timestamp_pb2.Timestamp
        def __init__(self, rule: _Optional[str] = ..., justification: _Optional[str] = ..., granted_by: _Optional[str] = ..., granted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    FULL_NAME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    READINESS_SCORE_FIELD_NUMBER: _ClassVar[int]
    READINESS_STATUS_FIELD_NUMBER: _ClassVar[int]
    DIMENSION_SCORES_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    WAIVERS_FIELD_NUMBER: _ClassVar[int]
    DECLARATION_FIELD_NUMBER: _ClassVar[int]
    OBSERVATION_FIELD_NUMBER: _ClassVar[int]
    RULES_VERSION_FIELD_NUMBER: _ClassVar[int]
    SCORED_AT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    id: str
    full_name: str
    display_name: str
    readiness_score: int
    readiness_status: Dataset.ReadinessStatus
    dimension_scores: _containers.RepeatedCompositeFieldContainer[Dataset.DimensionScore]
    reasons: _containers.RepeatedCompositeFieldContainer[Dataset.Reason]
    actions: _containers.RepeatedCompositeFieldContainer[Dataset.Action]
    waivers: _containers.RepeatedCompositeFieldContainer[Dataset.Waiver]
    declaration: DatasetDeclaration
    observation: DatasetObservation
    rules_version: str
    scored_at: _timestamp_pb2.Timestamp
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    revision: int
    def __init__(self, id: _Optional[str] = ..., full_name: _Optional[str] = ..., display_name: _Optional[str] = ..., readiness_score: _Optional[int] = ..., readiness_status: _Optional[_Union[Dataset.ReadinessStatus, str]] = ..., dimension_scores: _Optional[_Iterable[_Union[Dataset.DimensionScore, _Mapping]]] = ..., reasons: _Optional[_Iterable[_Union[Dataset.Reason, _Mapping]]] = ..., actions: _Optional[_Iterable[_Union[Dataset.Action, _Mapping]]] = ..., waivers: _Optional[_Iterable[_Union[Dataset.Waiver, _Mapping]]] = ..., declaration: _Optional[_Union[DatasetDeclaration, _Mapping]] = ..., observation: _Optional[_Union[DatasetObservation, _Mapping]] = ..., rules_version: _Optional[str] = ..., scored_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., revision: _Optional[int] = ...) -> None: ...

class ScoreEntry(_message.Message):
    __slots__ = ("number", "scored_at", "readiness_score", "readiness_status", "dimension_scores", "rules_version", "cause")
    class Cause(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        CAUSE_UNSPECIFIED: _ClassVar[ScoreEntry.Cause]
        DECLARED: _ClassVar[ScoreEntry.Cause]
        REQUESTED: _ClassVar[ScoreEntry.Cause]
        OBSERVED: _ClassVar[ScoreEntry.Cause]
        WAIVER: _ClassVar[ScoreEntry.Cause]
        RESCORED: _ClassVar[ScoreEntry.Cause]
    CAUSE_UNSPECIFIED: ScoreEntry.Cause
    DECLARED: ScoreEntry.Cause
    REQUESTED: ScoreEntry.Cause
    OBSERVED: ScoreEntry.Cause
    WAIVER: ScoreEntry.Cause
    RESCORED: ScoreEntry.Cause
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    SCORED_AT_FIELD_NUMBER: _ClassVar[int]
    READINESS_SCORE_FIELD_NUMBER: _ClassVar[int]
    READINESS_STATUS_FIELD_NUMBER: _ClassVar[int]
    DIMENSION_SCORES_FIELD_NUMBER: _ClassVar[int]
    RULES_VERSION_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    number: int
    scored_at: _timestamp_pb2.Timestamp
    readiness_score: int
    readiness_status: Dataset.ReadinessStatus
    dimension_scores: _containers.RepeatedCompositeFieldContainer[Dataset.DimensionScore]
    rules_version: str
    cause: ScoreEntry.Cause
    def __init__(self, number: _Optional[int] = ..., scored_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., readiness_score: _Optional[int] = ..., readiness_status: _Optional[_Union[Dataset.ReadinessStatus, str]] = ..., dimension_scores: _Optional[_Iterable[_Union[Dataset.DimensionScore, _Mapping]]] = ..., rules_version: _Optional[str] = ..., cause: _Optional[_Union[ScoreEntry.Cause, str]] = ...) -> None: ...
