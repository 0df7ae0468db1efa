import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from headrace_client.errors import (
    HeadraceError,
    NotFoundError,
    UnavailableError,
    from_code,
    from_rpc_error,
)

Code = grpc.StatusCode


def rpc_error(code: grpc.StatusCode, *details: object) -> grpc.aio.AioRpcError:
    status = Status(code=code.value[0])
    for detail in details:
        packed = AnyMessage()
        packed.Pack(detail)  # type: ignore[arg-type]  # any message
        status.details.append(packed)
    trailing = grpc.aio.Metadata(("grpc-status-details-bin", status.SerializeToString()))
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailing, details="words")


def test_details_are_read() -> None:
    error = from_rpc_error(
        rpc_error(
            Code.RESOURCE_EXHAUSTED,
            RetryInfo(retry_delay=Duration(seconds=2, nanos=500_000_000)),
            ErrorInfo(reason="QUOTA_EXCEEDED", metadata={"limit": "watches"}),
        ),
        "r1",
    )
    assert error.reason == "QUOTA_EXCEEDED"
    assert error.metadata == {"limit": "watches"}
    assert error.retry_after == 2.5
    assert error.request_id == "r1"
    assert str(error) == "words"
    assert error.transient


def test_an_error_without_details_is_of_its_class() -> None:
    error = from_rpc_error(rpc_error(Code.UNAVAILABLE), "")
    assert type(error) is UnavailableError
    assert (error.reason, error.metadata, error.field_violations) == ("", {}, ())


def test_an_expired_upload_is_not_found_whatever_its_status() -> None:
    gone = rpc_error(Code.FAILED_PRECONDITION, ErrorInfo(reason="UPLOAD_EXPIRED"))
    assert type(from_rpc_error(gone, "")) is NotFoundError


@pytest.mark.parametrize(
    ("code", "reason", "transient"),
    [
        (Code.UNAVAILABLE, "", True),
        (Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", True),
        (Code.INTERNAL, "", True),
        (Code.INTERNAL, "INTERNAL", False),
        (Code.RESOURCE_EXHAUSTED, "TOO_LARGE", False),
        (Code.ABORTED, "UPLOAD_CLOSED", False),
        (Code.NOT_FOUND, "NOT_FOUND", False),
        (Code.UNAUTHENTICATED, "", False),
    ],
)
def test_what_may_succeed_later(code: grpc.StatusCode, reason: str, transient: bool) -> None:
    assert HeadraceError("", code=code, reason=reason).transient is transient
    assert from_code(code, "x").code is code
