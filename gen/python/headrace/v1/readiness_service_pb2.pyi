import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from headrace.v1 import dataset_pb2 as _dataset_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class IngestMockDatasetsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class IngestMockDatasetsResponse(_message.Message):
    __slots__ = ("ingested", "errors", "datasets", "error_details")
    class Summary(_message.Message):
        __slots__ = ("id", "full_name", "display_name", "readiness_score", "readiness_status")
        ID_FIELD_NUMBER: _ClassVar[int]
        FULL_NAME_FIELD_NUMBER: _ClassVar[int]
        DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
        READINESS_SCORE_FIELD_NUMBER: _ClassVar[int]
        READINESS_STATUS_FIELD_NUMBER: _ClassVar[int]
        id: str
        full_name: str
        display_name: str
        readiness_score: int
        readiness_status: str
        def __init__(self, id: _Optional[str] = ..., full_name: _Optional[str] = ..., display_name: _Optional[str] = ..., readiness_score: _Optional[int] = ..., readiness_status: _Optional[str] = ...) -> None: ...
    INGESTED_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    DATASETS_FIELD_NUMBER: _ClassVar[int]
    ERROR_DETAILS_FIELD_NUMBER: _ClassVar[int]
    ingested: int
    errors: int
    datasets: _containers.RepeatedCompositeFieldContainer[IngestMockDatasetsResponse.Summary]
    error_details: str
    def __init__(self, ingested: _Optional[int] = ..., errors: _Optional[int] = ..., datasets: _Optional[_Iterable[_Union[IngestMockDatasetsResponse.Summary, _Mapping]]] = ..., error_details: _Optional[str] = ...) -> None: ...

class UpsertDatasetRequest(_message.Message):
    __slots__ = ("declaration",)
    DECLARATION_FIELD_NUMBER: _ClassVar[int]
    declaration: _dataset_pb2.DatasetDeclaration
    def __init__(self, declaration: _Optional[_Union[_dataset_pb2.DatasetDeclaration, _Mapping]] = ...) -> None: ...

class ListDatasetsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "readiness_status", "search", "order_by")
    class Order(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ORDER_UNSPECIFIED: _ClassVar[ListDatasetsRequest.Order]
        NAME: _ClassVar[ListDatasetsRequest.Order]
        BEST_FIRST: _ClassVar[ListDatasetsRequest.Order]
        WORST_FIRST: _ClassVar[ListDatasetsRequest.Order]
    ORDER_UNSPECIFIED: ListDatasetsRequest.Order
    NAME: ListDatasetsRequest.Order
    BEST_FIRST: ListDatasetsRequest.Order
    WORST_FIRST: ListDatasetsRequest.Order
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    READINESS_STATUS_FIELD_NUMBER: _ClassVar[int]
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    readiness_status: _dataset_pb2.Dataset.ReadinessStatus
    search: str
    order_by: ListDatasetsRequest.Order
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., readiness_status: _Optional[_Union[_dataset_pb2.Dataset.ReadinessStatus, str]] = ..., search: _Optional[str] = ..., order_by: _Optional[_Union[ListDatasetsRequest.Order, str]] = ...) -> None: ...

class ListDatasetsResponse(_message.Message):
    __slots__ = ("datasets", "next_page_token")
    DATASETS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    datasets: _containers.RepeatedCompositeFieldContainer[_dataset_pb2.Dataset]
    next_page_token: str
    def __init__(self, datasets: _Optional[_Iterable[_Union[_dataset_pb2.Dataset, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetDatasetRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class ScoreDatasetRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class ListScoreHistoryRequest(_message.Message):
    __slots__ = ("id", "page_size", "page_token")
    ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    id: str
    page_size: int
    page_token: str
    def __init__(self, id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListScoreHistoryResponse(_message.Message):
    __slots__ = ("history", "next_page_token")
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    history: _containers.RepeatedCompositeFieldContainer[_dataset_pb2.ScoreEntry]
    next_page_token: str
    def __init__(self, history: _Optional[_Iterable[_Union[_dataset_pb2.ScoreEntry, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ObserveDatasetRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class WatchReadinessRequest(_message.Message):
    __slots__ = ("after_revision", "id")
    AFTER_REVISION_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    after_revision: int
    id: str
    def __init__(self, after_revision: _Optional[int] = ..., id: _Optional[str] = ...) -> None: ...

class WatchReadinessResponse(_message.Message):
    __slots__ = ("datasets", "revision", "terminal")
    DATASETS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TERMINAL_FIELD_NUMBER: _ClassVar[int]
    datasets: _containers.RepeatedCompositeFieldContainer[_dataset_pb2.Dataset]
    revision: int
    terminal: bool
    def __init__(self, datasets: _Optional[_Iterable[_Union[_dataset_pb2.Dataset, _Mapping]]] = ..., revision: _Optional[int] = ..., terminal: _Optional[bool] = ...) -> None: ...

class GrantWaiverRequest(_message.Message):
    __slots__ = ("id", "rule", "justification", "expires_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    JUSTIFICATION_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    rule: str
    justification: str
    expires_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., rule: _Optional[str] = ..., justification: _Optional[str] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RevokeWaiverRequest(_message.Message):
    __slots__ = ("id", "rule")
    ID_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    id: str
    rule: str
    def __init__(self, id: _Optional[str] = ..., rule: _Optional[str] = ...) -> None: ...
