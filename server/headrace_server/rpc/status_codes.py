"""The one table of errors: exception class -> status code and reason, along the class's MRO."""

from collections.abc import Callable
from dataclasses import dataclass

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from headrace.v1.error_reason_pb2 import ErrorReason

from headrace_server.model import errors

DOMAIN = "headrace"
#: Clients take 8 KB of trailers, in which details stand in base64: what is long is cut.
MAX_TEXT = 500
MAX_VIOLATIONS_BYTES = 3000


class ShuttingDownError(errors.HeadraceError):
    """The server stops; the stream can be opened again elsewhere or later."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table."""

    code: grpc.StatusCode
    reason: ErrorReason
    #: seconds to put into RetryInfo; None where trying again does not help
    retry_after: float | None = None


_Code = grpc.StatusCode

TABLE: dict[type[BaseException], Row] = {
    errors.InvalidFieldError: Row(_Code.INVALID_ARGUMENT, ErrorReason.INVALID_FIELD),
    errors.UnknownDataTypeError: Row(_Code.INVALID_ARGUMENT, ErrorReason.UNKNOWN_DATA_TYPE),
    errors.UnsupportedFormatError: Row(_Code.INVALID_ARGUMENT, ErrorReason.UNSUPPORTED_FORMAT),
    errors.InvalidContractError: Row(_Code.INVALID_ARGUMENT, ErrorReason.INVALID_CONTRACT),
    errors.InvalidQueryError: Row(_Code.INVALID_ARGUMENT, ErrorReason.INVALID_QUERY),
    errors.ChecksumMismatchError: Row(_Code.INVALID_ARGUMENT, ErrorReason.CHECKSUM_MISMATCH),
    errors.IdempotencyKeyReusedError: Row(
        _Code.INVALID_ARGUMENT, ErrorReason.IDEMPOTENCY_KEY_REUSED
    ),
    errors.NotFoundError: Row(_Code.NOT_FOUND, ErrorReason.NOT_FOUND),
    errors.UploadExpiredError: Row(_Code.NOT_FOUND, ErrorReason.UPLOAD_EXPIRED),
    errors.AlreadyExistsError: Row(_Code.ALREADY_EXISTS, ErrorReason.ALREADY_EXISTS),
    errors.WrongStateError: Row(_Code.FAILED_PRECONDITION, ErrorReason.WRONG_STATE),
    errors.UploadClosedError: Row(_Code.FAILED_PRECONDITION, ErrorReason.UPLOAD_CLOSED),
    errors.WrongOffsetError: Row(_Code.FAILED_PRECONDITION, ErrorReason.WRONG_OFFSET),
    errors.WrongLengthError: Row(_Code.FAILED_PRECONDITION, ErrorReason.WRONG_LENGTH),
    errors.UnauthenticatedError: Row(_Code.UNAUTHENTICATED, ErrorReason.UNAUTHENTICATED),
    errors.MissingScopeError: Row(_Code.PERMISSION_DENIED, ErrorReason.MISSING_SCOPE),
    errors.TooLargeError: Row(_Code.INVALID_ARGUMENT, ErrorReason.TOO_LARGE),
    errors.QuotaExceededError: Row(_Code.RESOURCE_EXHAUSTED, ErrorReason.QUOTA_EXCEEDED),
    errors.QueryTimeoutError: Row(_Code.DEADLINE_EXCEEDED, ErrorReason.QUERY_TIMEOUT),
    errors.IdempotencyKeyInUseError: Row(
        _Code.ABORTED, ErrorReason.IDEMPOTENCY_KEY_IN_USE, retry_after=0.2
    ),
    errors.StaleAttemptError: Row(_Code.FAILED_PRECONDITION, ErrorReason.WRONG_STATE),
    errors.RefusedRowsError: Row(_Code.INTERNAL, ErrorReason.INTERNAL),
    errors.StorageUnavailableError: Row(
        _Code.UNAVAILABLE, ErrorReason.STORAGE_UNAVAILABLE, retry_after=1.0
    ),
    ShuttingDownError: Row(_Code.UNAVAILABLE, ErrorReason.SHUTTING_DOWN, retry_after=1.0),
    TimeoutError: Row(_Code.DEADLINE_EXCEEDED, ErrorReason.DEADLINE_EXCEEDED),
    Exception: Row(_Code.INTERNAL, ErrorReason.INTERNAL),
}


def row_of(error: Exception) -> Row:
    """Return the row of the nearest class in the error's MRO that has one."""
    return next(TABLE[cls] for cls in type(error).__mro__ if cls in TABLE)


def status_of(error: Exception, request_id: str) -> status_pb2.Status:
    """Make the status of an error: its words and details, or nothing but the id of a fault."""
    row = row_of(error)
    if row.reason == ErrorReason.INTERNAL:
        fault = f"a fault of the server; its log tells more of request {request_id}"
        return _status(row, fault, _error_info(row, {"request_id": request_id}))
    if not isinstance(error, errors.HeadraceError):
        return _status(row, "the deadline passed before the work was done", _error_info(row, {}))
    details = [make(error, row) for cls, make in _DETAILS if isinstance(error, cls)]
    return _status(row, error.message, _error_info(row, error.metadata), *filter(None, details))


def _status(row: Row, message: str, *details: Message) -> status_pb2.Status:
    packed = [any_pb2.Any() for _ in details]
    for into, detail in zip(packed, details, strict=True):
        into.Pack(detail)
    code: tuple[int, str] = row.code.value
    return status_pb2.Status(code=code[0], message=message[:MAX_TEXT], details=packed)


def _error_info(row: Row, metadata: dict[str, str]) -> Message:
    short = {key: value[:MAX_TEXT] for key, value in metadata.items()}
    info: Message = error_details_pb2.ErrorInfo(
        reason=ErrorReason.Name(row.reason), domain=DOMAIN, metadata=short
    )
    return info


def _bad_request(error: errors.InvalidFieldError, row: Row) -> Message | None:
    if not error.violations:
        return None
    detail = error_details_pb2.BadRequest()
    for violation in error.violations:
        detail.field_violations.add(
            field=violation.field[:MAX_TEXT],
            description=violation.description[:MAX_TEXT],
            reason=ErrorReason.Name(row.reason),
        )
        if detail.ByteSize() > MAX_VIOLATIONS_BYTES:
            break
    bad_request: Message = detail
    return bad_request


def _resource_info(
    error: errors.NotFoundError | errors.AlreadyExistsError, _row: Row
) -> Message | None:
    detail: Message = error_details_pb2.ResourceInfo(
        resource_type=error.resource_type, resource_name=error.name[:MAX_TEXT]
    )
    return detail


def _precondition_failure(error: errors.HeadraceError, row: Row) -> Message | None:
    violation = error_details_pb2.PreconditionFailure.Violation(
        type=ErrorReason.Name(row.reason),
        subject=error.metadata.get("status", ""),
        description=error.message[:MAX_TEXT],
    )
    detail: Message = error_details_pb2.PreconditionFailure(violations=[violation])
    return detail


def _quota_failure(error: errors.QuotaExceededError, _row: Row) -> Message | None:
    violation = error_details_pb2.QuotaFailure.Violation(
        subject=error.metadata["limit"], description=error.message[:MAX_TEXT]
    )
    detail: Message = error_details_pb2.QuotaFailure(violations=[violation])
    return detail


def _retry_info(error: errors.HeadraceError, row: Row) -> Message | None:
    seconds = error.retry_after if isinstance(error, errors.QuotaExceededError) else row.retry_after
    if seconds is None:
        return None
    detail = error_details_pb2.RetryInfo()
    detail.retry_delay.FromNanoseconds(int(seconds * 1e9))
    retry_info: Message = detail
    return retry_info


_DETAILS: tuple[tuple[type[errors.HeadraceError], Callable[..., Message | None]], ...] = (
    (errors.InvalidFieldError, _bad_request),
    (errors.NotFoundError, _resource_info),
    (errors.AlreadyExistsError, _resource_info),
    (errors.WrongStateError, _precondition_failure),
    (errors.StaleAttemptError, _precondition_failure),
    (errors.QuotaExceededError, _quota_failure),
    (errors.HeadraceError, _retry_info),
)
