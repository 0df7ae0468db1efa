"""Errors of the client: every failed call raises a HeadraceError, never a raw AioRpcError.

HeadraceError
├── InvalidRequestError   the request is wrong; field_violations names each field
├── NotFoundError         no such thing in this tenant
├── AccessDeniedError     no valid key, or the key may not do this
├── WrongStateError       the thing's state does not allow the call
├── UnavailableError      the server does not answer, or not in time
└── FileChangedError      a local file changed while it was uploaded
"""

from typing import TypeVar

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status

_TRANSIENT = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.CANCELLED,
}
# Whatever status these come in, the same call fails again.
_FINAL_REASONS = {"TOO_LARGE", "UPLOAD_CLOSED", "WRONG_STATE"}
# A cut stream shows as one of these, without a word of ours.
_CUT = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}


class HeadraceError(Exception):
    """A call that failed.

    `code` is the gRPC status, `reason` the name of an ErrorReason (empty when the answer was not
    the server's own), `metadata` its ErrorInfo metadata, `field_violations` (field, description)
    pairs, `retry_after` seconds or None, `request_id` what the call sent as x-request-id.
    """

    def __init__(
        self,
        message: str,
        *,
        code: grpc.StatusCode = grpc.StatusCode.UNKNOWN,
        reason: str = "",
        metadata: dict[str, str] | None = None,
        field_violations: tuple[tuple[str, str], ...] = (),
        retry_after: float | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.reason = reason
        self.metadata = metadata or {}
        self.field_violations = field_violations
        self.retry_after = retry_after
        self.request_id = request_id

    @property
    def transient(self) -> bool:
        """Whether the same call may succeed later."""
        if self.reason in _FINAL_REASONS:
            return False
        return self.code in _TRANSIENT or (self.code in _CUT and not self.reason)


class InvalidRequestError(HeadraceError):
    """The request is wrong; `field_violations` names each field."""


class NotFoundError(HeadraceError):
    """No such thing in this tenant."""


class AccessDeniedError(HeadraceError):
    """No valid key, or the key may not do this."""


class WrongStateError(HeadraceError):
    """The state of the thing does not allow the call."""


class UnavailableError(HeadraceError):
    """The server does not answer, or not in time."""


class FileChangedError(HeadraceError):
    """A local file changed while it was uploaded."""


_CLASSES: dict[grpc.StatusCode, type[HeadraceError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequestError,
    grpc.StatusCode.OUT_OF_RANGE: InvalidRequestError,
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.UNAUTHENTICATED: AccessDeniedError,
    grpc.StatusCode.PERMISSION_DENIED: AccessDeniedError,
    grpc.StatusCode.FAILED_PRECONDITION: WrongStateError,
    grpc.StatusCode.ALREADY_EXISTS: WrongStateError,
    grpc.StatusCode.ABORTED: WrongStateError,
    grpc.StatusCode.UNAVAILABLE: UnavailableError,
    grpc.StatusCode.DEADLINE_EXCEEDED: UnavailableError,
    grpc.StatusCode.CANCELLED: UnavailableError,
}


def from_code(code: grpc.StatusCode, message: str) -> HeadraceError:
    """Make the error of a status that came without details."""
    return _CLASSES.get(code, HeadraceError)(message, code=code)


def from_rpc_error(error: grpc.aio.AioRpcError, request_id: str) -> HeadraceError:
    """Read the google.rpc.Status of a failed call into a HeadraceError."""
    details = _details(error)
    info = _first(details, error_details_pb2.ErrorInfo())
    retry = _first(details, error_details_pb2.RetryInfo())
    bad = _first(details, error_details_pb2.BadRequest())
    gone = info is not None and info.reason == "UPLOAD_EXPIRED"
    kind = NotFoundError if gone else _CLASSES.get(error.code(), HeadraceError)
    return kind(
        error.details() or error.code().name,
        code=error.code(),
        reason=info.reason if info else "",
        metadata=dict(info.metadata) if info else None,
        field_violations=tuple((v.field, v.description) for v in bad.field_violations)
        if bad
        else (),
        retry_after=retry.retry_delay.ToTimedelta().total_seconds() if retry else None,
        request_id=request_id,
    )


def _details(error: grpc.aio.AioRpcError) -> list[AnyMessage]:
    for key, value in error.trailing_metadata():
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            return list(Status.FromString(value).details)
    return []


_MessageT = TypeVar("_MessageT", bound=Message)


def _first(details: list[AnyMessage], kind: _MessageT) -> _MessageT | None:
    return next((kind for detail in details if detail.Unpack(kind)), None)
