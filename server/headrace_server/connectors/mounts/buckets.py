"""What every store of objects can do: one module a provider does it."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from headrace_server.connectors.base import ConnectorError, TemporaryError


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as its bucket describes it."""

    key: str
    #: bytes
    size: int
    modified_at: datetime
    #: another one for each version: an ETag or a generation
    tag: str


class Bucket(ABC):
    """The objects of a bucket. Every method may raise ConnectorError, in words for the caller."""

    @abstractmethod
    def list(self, prefix: str, *, deep: bool) -> AsyncGenerator[StoredObject, None]:
        """Yield the objects whose keys begin so; unless `deep`, none with a slash after that."""

    @abstractmethod
    async def head(self, key: str) -> StoredObject:
        """Describe an object. Raises MissingError."""

    @abstractmethod
    def read(self, found: StoredObject, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of that version from `start` until before `end`.

        Raises TemporaryError where there is another version now, and where the connection is lost.
        """

    @abstractmethod
    async def close(self) -> None:
        """Let go of connections."""


def changed(key: str) -> TemporaryError:
    """The error of an object that has another version now."""
    return TemporaryError(f"{key} changed while it was read")


@contextmanager
def packages_of(kind: str, extra: str) -> Iterator[None]:
    """Say what to install where an import fails."""
    try:
        yield
    except ImportError as error:
        raise ConnectorError(
            f"{kind} needs packages that are not installed: have the server's operator install"
            f" headrace-server[{extra}]"
        ) from error


def refusal_in(error: BaseException | None) -> ConnectorError | None:
    """Return the refusal to connect that is behind an error; None where there is none."""
    while error is not None and not isinstance(error, ConnectorError):
        error = error.__cause__ or error.__context__
    return error


#: opens a bucket in the loop that it is used in
OpenBucket = Callable[[], Bucket]
