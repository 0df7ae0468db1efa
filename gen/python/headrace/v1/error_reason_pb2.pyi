from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class ErrorReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ERROR_REASON_UNSPECIFIED: _ClassVar[ErrorReason]
    INVALID_FIELD: _ClassVar[ErrorReason]
    NOT_FOUND: _ClassVar[ErrorReason]
    ALREADY_EXISTS: _ClassVar[ErrorReason]
    UNAUTHENTICATED: _ClassVar[ErrorReason]
    MISSING_SCOPE: _ClassVar[ErrorReason]
    IDEMPOTENCY_KEY_REUSED: _ClassVar[ErrorReason]
    IDEMPOTENCY_KEY_IN_USE: _ClassVar[ErrorReason]
    UNKNOWN_DATA_TYPE: _ClassVar[ErrorReason]
    UNSUPPORTED_FORMAT: _ClassVar[ErrorReason]
    WRONG_OFFSET: _ClassVar[ErrorReason]
    CHECKSUM_MISMATCH: _ClassVar[ErrorReason]
    WRONG_LENGTH: _ClassVar[ErrorReason]
    UPLOAD_CLOSED: _ClassVar[ErrorReason]
    UPLOAD_EXPIRED: _ClassVar[ErrorReason]
    TOO_LARGE: _ClassVar[ErrorReason]
    WRONG_STATE: _ClassVar[ErrorReason]
    INVALID_CONTRACT: _ClassVar[ErrorReason]
    QUOTA_EXCEEDED: _ClassVar[ErrorReason]
    STORAGE_UNAVAILABLE: _ClassVar[ErrorReason]
    INTERNAL: _ClassVar[ErrorReason]
    DEADLINE_EXCEEDED: _ClassVar[ErrorReason]
    SHUTTING_DOWN: _ClassVar[ErrorReason]
    INVALID_QUERY: _ClassVar[ErrorReason]
    QUERY_TIMEOUT: _ClassVar[ErrorReason]
ERROR_REASON_UNSPECIFIED: ErrorReason
INVALID_FIELD: ErrorReason
NOT_FOUND: ErrorReason
ALREADY_EXISTS: ErrorReason
UNAUTHENTICATED: ErrorReason
MISSING_SCOPE: ErrorReason
IDEMPOTENCY_KEY_REUSED: ErrorReason
IDEMPOTENCY_KEY_IN_USE: ErrorReason
UNKNOWN_DATA_TYPE: ErrorReason
UNSUPPORTED_FORMAT: ErrorReason
WRONG_OFFSET: ErrorReason
CHECKSUM_MISMATCH: ErrorReason
WRONG_LENGTH: ErrorReason
UPLOAD_CLOSED: ErrorReason
UPLOAD_EXPIRED: ErrorReason
TOO_LARGE: ErrorReason
WRONG_STATE: ErrorReason
INVALID_CONTRACT: ErrorReason
QUOTA_EXCEEDED: ErrorReason
STORAGE_UNAVAILABLE: ErrorReason
INTERNAL: ErrorReason
DEADLINE_EXCEEDED: ErrorReason
SHUTTING_DOWN: ErrorReason
INVALID_QUERY: ErrorReason
QUERY_TIMEOUT: ErrorReason
