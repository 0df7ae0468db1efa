"""Every error that leaves a room, as a tree; the edge maps each to a status along its MRO.

HeadraceError
├── InvalidFieldError              a field of the request is wrong
│   ├── UnknownDataTypeError       no contract declares it
│   ├── UnsupportedFormatError     the bytes are of a format we cannot load
│   ├── InvalidContractError       a contract contradicts itself or what is loaded
│   ├── InvalidQueryError          SQL that is wrong, or does more than read
│   ├── ChecksumMismatchError      the bytes are not those that were declared
│   └── IdempotencyKeyReusedError  same key, another request
├── NotFoundError                  no such thing in this tenant
│   └── UploadExpiredError         it was there, and is gone
├── AlreadyExistsError             the name is taken
├── WrongStateError                the thing's state does not allow it
│   ├── UploadClosedError          the session takes no more bytes
│   ├── WrongOffsetError           the bytes do not begin where the upload ends
│   └── WrongLengthError           the upload is not as long as declared
├── UnauthenticatedError           no valid key
├── MissingScopeError              the key may not do this
├── TooLargeError                  a limit on size
├── QuotaExceededError             a limit on how much at once
├── QueryTimeoutError              the query ran longer than it may
├── IdempotencyKeyInUseError       the first request with this key is still being answered
├── StaleAttemptError              a fencing token that is no longer the newest
├── RefusedRowsError               rows that must be parsed before they are merged; never answered
└── StorageUnavailableError        disk or database cannot take more now
"""

from dataclasses import dataclass


class HeadraceError(Exception):
    """An error whose words are meant for the caller.

    `metadata` goes into ErrorInfo; its keys are documented with each reason in error_reason.proto.
    """

    def __init__(self, message: str, **metadata: str) -> None:
        super().__init__(message)
        self.message = message
        self.metadata = metadata


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One wrong field: its path in the request, and what would be right."""

    field: str
    description: str


class InvalidFieldError(HeadraceError):
    """A field of the request is wrong; `violations` names each."""

    def __init__(self, message: str, *violations: FieldViolation, **metadata: str) -> None:
        super().__init__(message, **metadata)
        self.violations = violations

    @classmethod
    def of(cls, field: str, description: str) -> "InvalidFieldError":
        """The error of one wrong field."""
        return cls(f"{field}: {description}", FieldViolation(field, description), field=field)


class UnknownDataTypeError(InvalidFieldError):
    """No contract of the tenant declares the data type."""


class UnsupportedFormatError(InvalidFieldError):
    """The bytes are of a format that cannot be loaded."""


class InvalidContractError(InvalidFieldError):
    """The contract contradicts itself or the tables already loaded."""


class InvalidQueryError(InvalidFieldError):
    """SQL that a user wrote is wrong, or does more than read; says where, if that is known."""

    @classmethod
    def at(cls, description: str, line: int | None, column: int | None) -> "InvalidQueryError":
        """The error at a line and a column of the SQL, both from 1."""
        where = {} if line is None else {"line": str(line), "column": str(column)}
        place = f" (line {line}, column {column})" if line is not None else ""
        violation = FieldViolation("sql", f"{description}{place}")
        return cls(f"sql: {description}{place}", violation, field="sql", **where)


class ChecksumMismatchError(InvalidFieldError):
    """The bytes are not those that were declared; nothing of them was kept."""


class IdempotencyKeyReusedError(InvalidFieldError):
    """The idempotency key came with another request before."""


class NotFoundError(HeadraceError):
    """No such thing in this tenant; another tenant's looks exactly the same."""

    def __init__(self, resource_type: str, name: str, what: str = "not found") -> None:
        super().__init__(f"{resource_type} {name!r} {what}", resource_type=resource_type)
        self.resource_type = resource_type
        self.name = name


class UploadExpiredError(NotFoundError):
    """The upload session expired and its bytes are gone."""

    def __init__(self, token: str) -> None:
        super().__init__("upload session", token, "is gone: it expired; create a new one")


class AlreadyExistsError(HeadraceError):
    """The name is taken."""

    def __init__(self, resource_type: str, name: str) -> None:
        super().__init__(f"{resource_type} {name!r} already exists", resource_type=resource_type)
        self.resource_type = resource_type
        self.name = name


class WrongStateError(HeadraceError):
    """The state of the thing does not allow the call."""


class UploadClosedError(WrongStateError):
    """The session takes no more bytes from this writer."""


class WrongOffsetError(WrongStateError):
    """The bytes do not begin where the upload ends; `offset` is the right place."""

    def __init__(self, given: int, offset: int) -> None:
        super().__init__(
            f"the upload stands at offset {offset}, not {given}: send the bytes from {offset}",
            offset=str(offset),
        )
        self.offset = offset


class WrongLengthError(WrongStateError):
    """The upload is shorter or longer than was declared."""


class UnauthenticatedError(HeadraceError):
    """No valid key came with the call."""


class MissingScopeError(HeadraceError):
    """The key lacks the scope that the call needs."""


class TooLargeError(HeadraceError):
    """Something from outside is larger than the limit in `metadata`."""


class QuotaExceededError(HeadraceError):
    """A limit on how much at once is reached; try again after `retry_after` seconds."""

    def __init__(self, message: str, *, limit: str, retry_after: float) -> None:
        super().__init__(message, limit=limit)
        self.retry_after = retry_after


class QueryTimeoutError(HeadraceError):
    """The query ran longer than it may, and was ended."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"the query ran longer than {seconds:g} s: ask for less, or raise timeout_seconds",
            timeout_seconds=f"{seconds:g}",
        )


class IdempotencyKeyInUseError(HeadraceError):
    """The first request with this key is still being answered."""


class StaleAttemptError(HeadraceError):
    """The fencing token is not the newest: another attempt holds the work, or may."""


class RefusedRowsError(HeadraceError):
    """The database refuses rows as their file writes them; nothing of their chunk was committed.

    The caller parses the chunk with care, which tells what is wrong line by line, and merges it
    again.
    """


class StorageUnavailableError(HeadraceError):
    """The disk or a database cannot take more now."""
