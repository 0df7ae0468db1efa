import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Reject(_message.Message):
    __slots__ = ("reject_id", "file_name", "data_type", "line", "byte_offset", "column", "reason", "message", "raw", "raw_truncated", "missing_parent", "parked_since")
    class Reason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        REASON_UNSPECIFIED: _ClassVar[Reject.Reason]
        MALFORMED_JSON: _ClassVar[Reject.Reason]
        NOT_AN_OBJECT: _ClassVar[Reject.Reason]
        INVALID_UTF8: _ClassVar[Reject.Reason]
        LINE_TOO_LONG: _ClassVar[Reject.Reason]
        MISSING_COLUMN: _ClassVar[Reject.Reason]
        NULL_VALUE: _ClassVar[Reject.Reason]
        UNKNOWN_COLUMN: _ClassVar[Reject.Reason]
        DUPLICATE_COLUMN: _ClassVar[Reject.Reason]
        WRONG_TYPE: _ClassVar[Reject.Reason]
        INVALID_VALUE: _ClassVar[Reject.Reason]
        TOO_LONG: _ClassVar[Reject.Reason]
        OUT_OF_RANGE: _ClassVar[Reject.Reason]
        PATTERN_MISMATCH: _ClassVar[Reject.Reason]
        NOT_ALLOWED: _ClassVar[Reject.Reason]
        NUL_CHARACTER: _ClassVar[Reject.Reason]
        MISSING_PARENT: _ClassVar[Reject.Reason]
        WRONG_FIELD_COUNT: _ClassVar[Reject.Reason]
    REASON_UNSPECIFIED: Reject.Reason
    MALFORMED_JSON: Reject.Reason
    NOT_AN_OBJECT: Reject.Reason
    INVALID_UTF8: Reject.Reason
    LINE_TOO_LONG: Reject.Reason
    MISSING_COLUMN: Reject.Reason
    NULL_VALUE: Reject.Reason
    UNKNOWN_COLUMN: Reject.Reason
    DUPLICATE_COLUMN: Reject.Reason
    WRONG_TYPE: Reject.Reason
    INVALID_VALUE: Reject.Reason
    TOO_LONG: Reject.Reason
    OUT_OF_RANGE: Reject.Reason
    PATTERN_MISMATCH: Reject.Reason
    NOT_ALLOWED: Reject.Reason
    NUL_CHARACTER: Reject.Reason
    MISSING_PARENT: Reject.Reason
    WRONG_FIELD_COUNT: Reject.Reason
    class MissingParent(_message.Message):
        __slots__ = ("table", "column", "value")
        TABLE_FIELD_NUMBER: _ClassVar[int]
        COLUMN_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        table: str
        column: str
        value: str
        def __init__(self, table: _Optional[str] = ..., column: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    REJECT_ID_FIELD_NUMBER: _ClassVar[int]
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    DATA_TYPE_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    BYTE_OFFSET_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RAW_FIELD_NUMBER: _ClassVar[int]
    RAW_TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    MISSING_PARENT_FIELD_NUMBER: _ClassVar[int]
    PARKED_SINCE_FIELD_NUMBER: _ClassVar[int]
    reject_id: str
    file_name: str
    data_type: str
    line: int
    byte_offset: int
    column: str
    reason: Reject.Reason
    message: str
    raw: str
    raw_truncated: bool
    missing_parent: Reject.MissingParent
    parked_since: _timestamp_pb2.Timestamp
    def __init__(self, reject_id: _Optional[str] = ..., file_name: _Optional[str] = ..., data_type: _Optional[str] = ..., line: _Optional[int] = ..., byte_offset: _Optional[int] = ..., column: _Optional[str] = ..., reason: _Optional[_Union[Reject.Reason, str]] = ..., message: _Optional[str] = ..., raw: _Optional[str] = ..., raw_truncated: _Optional[bool] = ..., missing_parent: _Optional[_Union[Reject.MissingParent, _Mapping]] = ..., parked_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
