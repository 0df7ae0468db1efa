"""Each row of the table, and what goes into details."""

import inspect
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2 as details
from headrace.v1.error_reason_pb2 import ErrorReason

from headrace_server.model import errors
from headrace_server.model.errors import FieldViolation
from headrace_server.rpc.status_codes import TABLE, ShuttingDownError, row_of, status_of

_VIOLATION = FieldViolation("field", "must be right")
_WRONG = ("wrong", _VIOLATION)

#: an error; its code, its reason, the details besides ErrorInfo
ROWS: list[tuple[Exception, str, str, set[str]]] = [
    (errors.InvalidFieldError(*_WRONG), "INVALID_ARGUMENT", "INVALID_FIELD", {"BadRequest"}),
    (errors.InvalidFieldError("wrong"), "INVALID_ARGUMENT", "INVALID_FIELD", set()),
    (errors.UnknownDataTypeError(*_WRONG), "INVALID_ARGUMENT", "UNKNOWN_DATA_TYPE", {"BadRequest"}),
    (
        errors.UnsupportedFormatError(*_WRONG),
        "INVALID_ARGUMENT",
        "UNSUPPORTED_FORMAT",
        {"BadRequest"},
    ),
    (errors.InvalidContractError(*_WRONG), "INVALID_ARGUMENT", "INVALID_CONTRACT", {"BadRequest"}),
    (
        errors.ChecksumMismatchError(*_WRONG),
        "INVALID_ARGUMENT",
        "CHECKSUM_MISMATCH",
        {"BadRequest"},
    ),
    (
        errors.IdempotencyKeyReusedError(*_WRONG),
        "INVALID_ARGUMENT",
        "IDEMPOTENCY_KEY_REUSED",
        {"BadRequest"},
    ),
    (errors.NotFoundError("tenant", "x"), "NOT_FOUND", "NOT_FOUND", {"ResourceInfo"}),
    (errors.UploadExpiredError("x"), "NOT_FOUND", "UPLOAD_EXPIRED", {"ResourceInfo"}),
    (
        errors.AlreadyExistsError("tenant", "x"),
        "ALREADY_EXISTS",
        "ALREADY_EXISTS",
        {"ResourceInfo"},
    ),
    (errors.WrongStateError("no"), "FAILED_PRECONDITION", "WRONG_STATE", {"PreconditionFailure"}),
    (
        errors.UploadClosedError("no", status="COMPLETED"),
        "FAILED_PRECONDITION",
        "UPLOAD_CLOSED",
        {"PreconditionFailure"},
    ),
    (errors.WrongOffsetError(1, 2), "FAILED_PRECONDITION", "WRONG_OFFSET", {"PreconditionFailure"}),
    (errors.WrongLengthError("no"), "FAILED_PRECONDITION", "WRONG_LENGTH", {"PreconditionFailure"}),
    (errors.StaleAttemptError("no"), "FAILED_PRECONDITION", "WRONG_STATE", {"PreconditionFailure"}),
    (errors.UnauthenticatedError("no"), "UNAUTHENTICATED", "UNAUTHENTICATED", set()),
    (errors.MissingScopeError("no"), "PERMISSION_DENIED", "MISSING_SCOPE", set()),
    (errors.TooLargeError("no"), "INVALID_ARGUMENT", "TOO_LARGE", set()),
    (
        errors.QuotaExceededError("no", limit="watches", retry_after=3),
        "RESOURCE_EXHAUSTED",
        "QUOTA_EXCEEDED",
        {"QuotaFailure", "RetryInfo"},
    ),
    (errors.InvalidQueryError(*_WRONG), "INVALID_ARGUMENT", "INVALID_QUERY", {"BadRequest"}),
    (errors.QueryTimeoutError(30), "DEADLINE_EXCEEDED", "QUERY_TIMEOUT", set()),
    (errors.IdempotencyKeyInUseError("no"), "ABORTED", "IDEMPOTENCY_KEY_IN_USE", {"RetryInfo"}),
    (errors.StorageUnavailableError("no"), "UNAVAILABLE", "STORAGE_UNAVAILABLE", {"RetryInfo"}),
    (ShuttingDownError("no"), "UNAVAILABLE", "SHUTTING_DOWN", {"RetryInfo"}),
    (TimeoutError(), "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED", set()),
    (KeyError("secret"), "INTERNAL", "INTERNAL", set()),
    (errors.HeadraceError("secret"), "INTERNAL", "INTERNAL", set()),
    (errors.RefusedRowsError("secret"), "INTERNAL", "INTERNAL", set()),
]


def _details(error: Exception) -> dict[str, Any]:
    found = {}
    for packed in status_of(error, "r-1").details:
        kind = getattr(details, packed.TypeName().rpartition(".")[2])
        found[kind.DESCRIPTOR.name] = kind()
        assert packed.Unpack(found[kind.DESCRIPTOR.name])
    return found


@pytest.mark.parametrize(("error", "code", "reason", "more"), ROWS)
def test_each_error_has_its_code_its_reason_and_its_details(
    error: Exception, code: str, reason: str, more: set[str]
) -> None:
    assert row_of(error).code is grpc.StatusCode[code]
    assert status_of(error, "r-1").code == grpc.StatusCode[code].value[0]
    found = _details(error)
    assert found["ErrorInfo"].reason == reason
    assert found["ErrorInfo"].domain == "headrace"
    assert found.keys() - {"ErrorInfo"} == more


def test_every_error_of_the_tree_stands_in_the_table() -> None:
    tree = {
        cls
        for _, cls in inspect.getmembers(errors, inspect.isclass)
        if issubclass(cls, errors.HeadraceError) and cls is not errors.HeadraceError
    }
    assert tree <= TABLE.keys()
    assert {type(error) for error, *_ in ROWS} >= tree


def test_every_reason_can_be_given() -> None:
    given = {ErrorReason.Name(row.reason) for row in TABLE.values()}
    assert given == set(ErrorReason.keys()) - {"ERROR_REASON_UNSPECIFIED"}


def test_a_subclass_without_a_row_has_its_parents() -> None:
    class PausedError(errors.WrongStateError):
        """Stands in no table."""

    assert row_of(PausedError("no")) is TABLE[errors.WrongStateError]


def test_details_hold_what_the_error_says() -> None:
    assert _details(errors.InvalidFieldError(*_WRONG))["BadRequest"].field_violations[0] == (
        details.BadRequest.FieldViolation(
            field="field", description="must be right", reason="INVALID_FIELD"
        )
    )
    quota = _details(errors.QuotaExceededError("no", limit="watches", retry_after=1.5))
    assert quota["RetryInfo"].retry_delay.ToMilliseconds() == 1500
    assert quota["QuotaFailure"].violations[0].subject == "watches"
    assert _details(errors.NotFoundError("tenant", "x"))["ResourceInfo"].resource_name == "x"
    closed = _details(errors.UploadClosedError("no", status="COMPLETED"))["PreconditionFailure"]
    assert closed.violations[0].subject == "COMPLETED"
    assert _details(errors.WrongOffsetError(1, 2))["ErrorInfo"].metadata == {"offset": "2"}


def test_a_fault_tells_nothing_but_the_request_id() -> None:
    status = status_of(KeyError("secret"), "r-1")
    assert b"secret" not in status.SerializeToString()
    assert _details(KeyError("secret"))["ErrorInfo"].metadata == {"request_id": "r-1"}


def test_long_errors_are_cut_to_what_clients_take() -> None:
    violations = [FieldViolation("f" * 2000, "d" * 2000)] * 500
    long = errors.InvalidFieldError("m" * 9000, *violations, known="k" * 9000)
    # Base64 makes a third more of it, and 8 KB is what a client takes by default.
    assert status_of(long, "r-1").ByteSize() * 4 / 3 < 8000
    assert _details(long)["BadRequest"].field_violations
