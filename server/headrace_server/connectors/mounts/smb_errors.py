"""What servers of SMB say, in words for whoever mounted the share."""

from collections.abc import Iterator
from contextlib import contextmanager

from smbprotocol.exceptions import (
    SMBAuthenticationError,
    SMBResponseException,
)
from smbprotocol.header import NtStatus

from headrace_server.connectors.base import ConnectorError, MissingError, TemporaryError


class LostError(TemporaryError):
    """The session is of no use any more: the next call needs another."""


_MISSING = {
    NtStatus.STATUS_NO_SUCH_FILE,
    NtStatus.STATUS_OBJECT_NAME_INVALID,
    NtStatus.STATUS_OBJECT_NAME_NOT_FOUND,
    NtStatus.STATUS_OBJECT_PATH_INVALID,
    NtStatus.STATUS_OBJECT_PATH_NOT_FOUND,
    NtStatus.STATUS_OBJECT_PATH_SYNTAX_BAD,
    NtStatus.STATUS_NOT_FOUND,
    NtStatus.STATUS_NOT_A_DIRECTORY,
    NtStatus.STATUS_DELETE_PENDING,
}
_IN_USE = {NtStatus.STATUS_SHARING_VIOLATION, 0xC0000054}  # the latter: a lock
_REFUSED = {NtStatus.STATUS_ACCESS_DENIED, NtStatus.STATUS_PRIVILEGE_NOT_HELD}
_WRONG = {NtStatus.STATUS_LOGON_FAILURE, NtStatus.STATUS_WRONG_PASSWORD, 0xC0000064}
_WORDS: tuple[tuple[set[int], type[ConnectorError], str], ...] = (
    (_MISSING, MissingError, "{what}: no such file or folder"),
    ({NtStatus.STATUS_FILE_IS_A_DIRECTORY}, MissingError, "{what} is a folder"),
    (
        {NtStatus.STATUS_STOPPED_ON_SYMLINK},
        MissingError,
        "{what} is behind a symbolic link, which is not followed",
    ),
    (_IN_USE, TemporaryError, "{what} is being written, or locked, by somebody else"),
    (_WRONG, ConnectorError, "{host}: the user name or password is wrong"),
    (_REFUSED, ConnectorError, "{what}: the user is not permitted to read it"),
    ({NtStatus.STATUS_BAD_NETWORK_NAME}, ConnectorError, "{host} has no share {share}"),
    (
        {NtStatus.STATUS_PATH_NOT_COVERED},
        ConnectorError,
        "{what} is on another server (DFS): mount it from there",
    ),
)
#: why an account with the right password is not let in
_ACCOUNT = {
    0xC000006E: "is restricted",
    0xC000006F: "may not log on at this hour",
    0xC0000070: "may not log on from this machine",
    NtStatus.STATUS_PASSWORD_EXPIRED: "has a password that expired",
    0xC0000072: "is disabled",
    0xC000015B: "may not log on over the network",
    0xC0000193: "has expired",
    0xC0000224: "must have its password changed",
    0xC0000234: "is locked out",
}
#: what says that the session has come to its end
_ENDED = {
    NtStatus.STATUS_NETWORK_NAME_DELETED,
    NtStatus.STATUS_USER_SESSION_DELETED,
    NtStatus.STATUS_FILE_CLOSED,
    0xC000035C,  # network session expired
    0xC000020C,  # connection disconnected
}


@contextmanager
def in_words(host: str, share: str, path: str = "") -> Iterator[None]:
    """Say what went wrong with a share, or a path in it. The words hold no credentials."""
    what = path or f"//{host}/{share}"
    try:
        yield
    except SMBResponseException as error:
        raise _answered(error.status, host, share, what) from error
    except SMBAuthenticationError as error:
        raise ConnectorError(f"{host}: the user cannot be logged on with what it offers") from error
    except TimeoutError as error:
        raise LostError(f"{host} does not answer") from error
    except ConnectorError:
        raise
    except Exception as error:
        # What smbprotocol cannot read of a server's messages, it says in errors of any kind.
        raise LostError(f"{host}: the connection was lost, or is refused") from error


def _answered(status: int, host: str, share: str, what: str) -> ConnectorError:
    if status in _ENDED:
        return LostError(f"{host} has ended the session")
    if status in _ACCOUNT:
        return ConnectorError(f"{host}: the user's account {_ACCOUNT[status]}")
    for statuses, kind, words in _WORDS:
        if status in statuses:
            return kind(words.format(host=host, share=share, what=what))
    return TemporaryError(f"{what}: the server refuses for now (status 0x{status:08X})")
