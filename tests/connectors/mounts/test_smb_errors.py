import pytest
from smbprotocol.exceptions import SMBAuthenticationError, SMBException, SMBResponseException
from smbprotocol.header import NtStatus, SMB2HeaderResponse

from headrace_server.connectors.base import ConnectorError, MissingError, TemporaryError
from headrace_server.connectors.mounts.smb_errors import LostError, in_words


def answered(status: int) -> SMBResponseException:
    header = SMB2HeaderResponse()
    header["status"] = status
    return SMBResponseException(header)


@pytest.mark.parametrize(
    ("raised", "words", "error"),
    [
        (
            answered(NtStatus.STATUS_ACCESS_DENIED),
            "a.csv: the user is not permitted",
            ConnectorError,
        ),
        (answered(0xC0000234), "files: the user's account is locked out", ConnectorError),
        (answered(NtStatus.STATUS_PASSWORD_EXPIRED), "has a password that expired", ConnectorError),
        (answered(NtStatus.STATUS_BAD_NETWORK_NAME), "files has no share sales", ConnectorError),
        (answered(NtStatus.STATUS_PATH_NOT_COVERED), r"on another server \(DFS\)", ConnectorError),
        (answered(NtStatus.STATUS_STOPPED_ON_SYMLINK), "behind a symbolic link", MissingError),
        (answered(NtStatus.STATUS_DELETE_PENDING), "no such file or folder", MissingError),
        (answered(0xC0000054), "being written, or locked", TemporaryError),
        (answered(NtStatus.STATUS_USER_SESSION_DELETED), "files has ended the session", LostError),
        (answered(NtStatus.STATUS_DISK_FULL), r"for now \(status 0xC000007F\)", TemporaryError),
        (SMBAuthenticationError("hush"), "files: the user cannot be logged on", ConnectorError),
        (SMBException("hush"), "files: the connection was lost", LostError),
        (TimeoutError(), "files does not answer", LostError),
        (KeyError("hush"), "files: the connection was lost", LostError),
        (MissingError("as it is"), "as it is", MissingError),
    ],
)
def test_what_goes_wrong_is_said(
    raised: Exception, words: str, error: type[ConnectorError]
) -> None:
    with pytest.raises(ConnectorError, match=words) as caught, in_words("files", "sales", "a.csv"):
        raise raised
    assert type(caught.value) is error
    assert "hush" not in str(caught.value)
