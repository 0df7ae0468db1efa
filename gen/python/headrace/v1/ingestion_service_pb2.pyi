from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import httpbody_pb2 as _httpbody_pb2
from headrace.v1 import contract_pb2 as _contract_pb2
from headrace.v1 import ingestion_pb2 as _ingestion_pb2
from headrace.v1 import mapping_pb2 as _mapping_pb2
from headrace.v1 import priority_pb2 as _priority_pb2
from headrace.v1 import reject_pb2 as _reject_pb2
from headrace.v1 import upload_pb2 as _upload_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateIngestionRequest(_message.Message):
    __slots__ = ("mappings", "priority")
    MAPPINGS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    mappings: _containers.RepeatedCompositeFieldContainer[_mapping_pb2.Mapping]
    priority: _priority_pb2.Priority
    def __init__(self, mappings: _Optional[_Iterable[_Union[_mapping_pb2.Mapping, _Mapping]]] = ..., priority: _Optional[_Union[_priority_pb2.Priority, str]] = ...) -> None: ...

class CreateIngestionResponse(_message.Message):
    __slots__ = ("request_id", "status", "message")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    status: _ingestion_pb2.Ingestion.Status
    message: str
    def __init__(self, request_id: _Optional[str] = ..., status: _Optional[_Union[_ingestion_pb2.Ingestion.Status, str]] = ..., message: _Optional[str] = ...) -> None: ...

class IngestFileRequest(_message.Message):
    __slots__ = ("file_name", "data_type", "body", "priority", "total_bytes")
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    DATA_TYPE_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    file_name: str
    data_type: str
    body: _httpbody_pb2.HttpBody
    priority: _priority_pb2.Priority
    total_bytes: int
    def __init__(self, file_name: _Optional[str] = ..., data_type: _Optional[str] = ..., body: _Optional[_Union[_httpbody_pb2.HttpBody, _Mapping]] = ..., priority: _Optional[_Union[_priority_pb2.Priority, str]] = ..., total_bytes: _Optional[int] = ...) -> None: ...

class IngestOrdersRequest(_message.Message):
    __slots__ = ("file_name", "body", "priority", "total_bytes")
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    file_name: str
    body: _httpbody_pb2.HttpBody
    priority: _priority_pb2.Priority
    total_bytes: int
    def __init__(self, file_name: _Optional[str] = ..., body: _Optional[_Union[_httpbody_pb2.HttpBody, _Mapping]] = ..., priority: _Optional[_Union[_priority_pb2.Priority, str]] = ..., total_bytes: _Optional[int] = ...) -> None: ...

class IngestFileResponse(_message.Message):
    __slots__ = ("request_id", "upload_token", "data_type", "status", "bytes_received", "files")
    class File(_message.Message):
        __slots__ = ("file_name", "data_type", "bytes_received")
        FILE_NAME_FIELD_NUMBER: _ClassVar[int]
        DATA_TYPE_FIELD_NUMBER: _ClassVar[int]
        BYTES_RECEIVED_FIELD_NUMBER: _ClassVar[int]
        file_name: str
        data_type: str
        bytes_received: int
        def __init__(self, file_name: _Optional[str] = ..., data_type: _Optional[str] = ..., bytes_received: _Optional[int] = ...) -> None: ...
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    UPLOAD_TOKEN_FIELD_NUMBER: _ClassVar[int]
    DATA_TYPE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    BYTES_RECEIVED_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    upload_token: str
    data_type: str
    status: _ingestion_pb2.Ingestion.Status
    bytes_received: int
    files: _containers.RepeatedCompositeFieldContainer[IngestFileResponse.File]
    def __init__(self, request_id: _Optional[str] = ..., upload_token: _Optional[str] = ..., data_type: _Optional[str] = ..., status: _Optional[_Union[_ingestion_pb2.Ingestion.Status, str]] = ..., bytes_received: _Optional[int] = ..., files: _Optional[_Iterable[_Union[IngestFileResponse.File, _Mapping]]] = ...) -> None: ...

class CreateUploadSessionRequest(_message.Message):
    __slots__ = ("file_name", "data_type", "total_bytes", "sha256", "priority", "keep", "job_id", "attempt")
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    DATA_TYPE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    file_name: str
    data_type: str
    total_bytes: int
    sha256: str
    priority: _priority_pb2.Priority
    keep: bool
    job_id: str
    attempt: int
    def __init__(self, file_name: _Optional[str] = ..., data_type: _Optional[str] = ..., total_bytes: _Optional[int] = ..., sha256: _Optional[str] = ..., priority: _Optional[_Union[_priority_pb2.Priority, str]] = ..., keep: _Optional[bool] = ..., job_id: _Optional[str] = ..., attempt: _Optional[int] = ...) -> None: ...

class GetUploadSessionRequest(_message.Message):
    __slots__ = ("token",)
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: str
    def __init__(self, token: _Optional[str] = ...) -> None: ...

class AppendUploadRequest(_message.Message):
    __slots__ = ("token", "offset", "sha256", "body")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    token: str
    offset: int
    sha256: str
    body: _httpbody_pb2.HttpBody
    def __init__(self, token: _Optional[str] = ..., offset: _Optional[int] = ..., sha256: _Optional[str] = ..., body: _Optional[_Union[_httpbody_pb2.HttpBody, _Mapping]] = ...) -> None: ...

class CompleteUploadRequest(_message.Message):
    __slots__ = ("token", "sha256")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    token: str
    sha256: str
    def __init__(self, token: _Optional[str] = ..., sha256: _Optional[str] = ...) -> None: ...

class ResumeUploadRequest(_message.Message):
    __slots__ = ("token",)
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: str
    def __init__(self, token: _Optional[str] = ...) -> None: ...

class AbortUploadRequest(_message.Message):
    __slots__ = ("token",)
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: str
    def __init__(self, token: _Optional[str] = ...) -> None: ...

class AbortUploadResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CancelIngestionRequest(_message.Message):
    __slots__ = ("request_id",)
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    def __init__(self, request_id: _Optional[str] = ...) -> None: ...

class RetryIngestionRequest(_message.Message):
    __slots__ = ("request_id",)
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    def __init__(self, request_id: _Optional[str] = ...) -> None: ...

class ListRejectsRequest(_message.Message):
    __slots__ = ("request_id", "page_size", "page_token", "filter")
    class Filter(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        FILTER_UNSPECIFIED: _ClassVar[ListRejectsRequest.Filter]
        REJECTED: _ClassVar[ListRejectsRequest.Filter]
        PARKED: _ClassVar[ListRejectsRequest.Filter]
    FILTER_UNSPECIFIED: ListRejectsRequest.Filter
    REJECTED: ListRejectsRequest.Filter
    PARKED: ListRejectsRequest.Filter
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    page_size: int
    page_token: str
    filter: ListRejectsRequest.Filter
    def __init__(self, request_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[_Union[ListRejectsRequest.Filter, str]] = ...) -> None: ...

class ListRejectsResponse(_message.Message):
    __slots__ = ("rejects", "next_page_token")
    REJECTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    rejects: _containers.RepeatedCompositeFieldContainer[_reject_pb2.Reject]
    next_page_token: str
    def __init__(self, rejects: _Optional[_Iterable[_Union[_reject_pb2.Reject, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ReplayRejectsRequest(_message.Message):
    __slots__ = ("request_id", "corrections", "only_corrections")
    class Correction(_message.Message):
        __slots__ = ("reject_id", "raw")
        REJECT_ID_FIELD_NUMBER: _ClassVar[int]
        RAW_FIELD_NUMBER: _ClassVar[int]
        reject_id: str
        raw: str
        def __init__(self, reject_id: _Optional[str] = ..., raw: _Optional[str] = ...) -> None: ...
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CORRECTIONS_FIELD_NUMBER: _ClassVar[int]
    ONLY_CORRECTIONS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    corrections: _containers.RepeatedCompositeFieldContainer[ReplayRejectsRequest.Correction]
    only_corrections: bool
    def __init__(self, request_id: _Optional[str] = ..., corrections: _Optional[_Iterable[_Union[ReplayRejectsRequest.Correction, _Mapping]]] = ..., only_corrections: _Optional[bool] = ...) -> None: ...

class ReplayRejectsResponse(_message.Message):
    __slots__ = ("replayed", "status")
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    replayed: int
    status: _ingestion_pb2.Ingestion
    def __init__(self, replayed: _Optional[int] = ..., status: _Optional[_Union[_ingestion_pb2.Ingestion, _Mapping]] = ...) -> None: ...

class RegisterContractRequest(_message.Message):
    __slots__ = ("contract",)
    CONTRACT_FIELD_NUMBER: _ClassVar[int]
    contract: _contract_pb2.Contract
    def __init__(self, contract: _Optional[_Union[_contract_pb2.Contract, _Mapping]] = ...) -> None: ...

class GetContractRequest(_message.Message):
    __slots__ = ("name", "version")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class ListContractsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListContractsResponse(_message.Message):
    __slots__ = ("contracts", "next_page_token")
    CONTRACTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    contracts: _containers.RepeatedCompositeFieldContainer[_contract_pb2.Contract]
    next_page_token: str
    def __init__(self, contracts: _Optional[_Iterable[_Union[_contract_pb2.Contract, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
