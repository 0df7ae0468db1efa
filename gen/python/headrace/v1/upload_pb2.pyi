import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class UploadSession(_message.Message):
    __slots__ = ("upload_token", "file_name", "data_type", "offset", "total_bytes", "status", "expires_at", "request_id")
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATUS_UNSPECIFIED: _ClassVar[UploadSession.Status]
        OPEN: _ClassVar[UploadSession.Status]
        FAILED: _ClassVar[UploadSession.Status]
        COMPLETED: _ClassVar[UploadSession.Status]
    STATUS_UNSPECIFIED: UploadSession.Status
    OPEN: UploadSession.Status
    FAILED: UploadSession.Status
    COMPLETED: UploadSession.Status
    UPLOAD_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    DATA_TYPE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    upload_token: str
    file_name: str
    data_type: str
    offset: int
    total_bytes: int
    status: UploadSession.Status
    expires_at: _timestamp_pb2.Timestamp
    request_id: str
    def __init__(self, upload_token: _Optional[str] = ..., file_name: _Optional[str] = ..., data_type: _Optional[str] = ..., offset: _Optional[int] = ..., total_bytes: _Optional[int] = ..., status: _Optional[_Union[UploadSession.Status, str]] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...
