"""What every connector does, and how it says that it could not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from headrace_server.model.mapping import Record

Output = dict[str, Any]
"""What a target answered; JSON."""

#: bytes that one address may give at most, since many are read at once
MAX_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Call:
    """On whose behalf an address is read or written."""

    tenant_id: str
    request_id: str
    mapping_id: str
    #: which try of the mapping this is, from 1
    attempt: int
    #: place of the mapping in its request, from 0
    position: int = 0
    #: tries of the mapping that were written down before this run of its request
    tries_before: int = 0
    #: fencing token: attempt of the job that carries it
    fence: int = 1


class ConnectorError(Exception):
    """An address could not be read or written, and trying again would not help.

    The words are meant for the caller: they hold no secrets.
    """


class MissingError(ConnectorError):
    """There is nothing at an address."""


class TemporaryError(ConnectorError):
    """The other side is not there, or busy, now: trying again may help."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        """Take the seconds that the other side asked to wait for, if it did."""
        super().__init__(message)
        self.retry_after = retry_after


class Connector(Protocol):
    """Reads and writes the addresses of some schemes."""

    #: how often a mapping is tried at most while errors are temporary
    tries: int

    def check(self, address: str, *, written: bool) -> None:
        """Raise ConnectorError for an address that can never be read, or `written`."""
        ...

    def host_of(self, address: str) -> str | None:
        """Return what the limits and circuits of an address go by; None where there are none."""
        ...

    async def read(self, address: str, call: Call) -> list[Record]:
        """Return the records at an address. Raises ConnectorError."""
        ...

    async def write(self, address: str, records: Sequence[Record], call: Call) -> Output:
        """Write the records; returns what the target says to that. Raises ConnectorError.

        A mapping whose worker died is written again: writing twice must do no harm, or be told by
        the call's request and mapping id.
        """
        ...
