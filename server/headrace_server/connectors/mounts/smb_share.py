"""One session with one share of a server of SMB. Blocking, and of one thread at a time."""

from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from smbprotocol.exceptions import (
    EndOfFile,
    NoMoreFiles,
    SMBConnectionClosed,
    SMBException,
    SMBResponseException,
)
from smbprotocol.file_info import FileFsFullSizeInformation, FileInformationClass
from smbprotocol.open import (
    CreateDisposition,
    CreateOptions,
    DirectoryAccessMask,
    FilePipePrinterAccessMask,
    ImpersonationLevel,
    Open,
    ShareAccess,
    SMB2QueryDirectoryRequest,
    SMB2QueryDirectoryResponse,
    SMB2QueryInfoRequest,
    SMB2QueryInfoResponse,
)
from smbprotocol.session import Session
from smbprotocol.tree import TreeConnect

from headrace_server.connectors.base import ConnectorError
from headrace_server.connectors.mounts.smb_entries import Entry, entries_in, entry_of
from headrace_server.connectors.mounts.smb_errors import in_words
from headrace_server.connectors.mounts.smb_transport import CheckedConnection

PORT = 445

#: bytes of one answer, where server and credits allow it
_READ_BYTES = 1 << 20
_LIST_BYTES = 1 << 20
_CREDIT_BYTES = 64 << 10
_CREDITS = 128
_ALL = ShareAccess.FILE_SHARE_READ | ShareAccess.FILE_SHARE_WRITE | ShareAccess.FILE_SHARE_DELETE
_NO_WRITERS = ShareAccess.FILE_SHARE_READ | ShareAccess.FILE_SHARE_DELETE


class Share:
    """A share as a user sees it. Paths have slashes; "" is the share itself."""

    def __init__(self, host: str, share: str, tree: TreeConnect) -> None:
        self._host = host
        self._share = share
        self._tree = tree
        self._connection: CheckedConnection = tree.session.connection

    @classmethod
    def connect(
        cls,
        host: str,
        share: str,
        address: str,
        port: int,
        credentials: Mapping[str, str],
        seconds: float,
    ) -> "Share":
        """Log on to a server at the address that was checked. Raises ConnectorError."""
        connection = CheckedConnection(host, address, port, seconds)
        try:
            with in_words(host, share):
                connection.connect(timeout=seconds)
                session = _log_on(connection, host, credentials)
                tree = TreeConnect(session, rf"\\{host}\{share}")
                tree.connect()
        except BaseException:
            _end(connection)
            raise
        return cls(host, share, tree)

    @property
    def connected(self) -> bool:
        """Whether the server has not ended it, as far as is known."""
        return bool(self._connection.transport.connected)

    def drop(self) -> None:
        """End it without a word."""
        _end(self._connection)

    def entries(self, folder: str) -> Generator[Entry, None, None]:
        """Yield all that is in a folder, many with each answer."""
        with in_words(self._host, self._share, folder):
            access = DirectoryAccessMask.FILE_LIST_DIRECTORY
            with self._open(folder, access, CreateOptions.FILE_DIRECTORY_FILE) as (opened, _):
                while answer := self._listed(opened):
                    yield from entries_in(answer)

    def stat(self, path: str) -> Entry:
        """What is at a path, file or folder."""
        with (
            in_words(self._host, self._share, path),
            self._open(path, FilePipePrinterAccessMask.FILE_READ_ATTRIBUTES, 0) as (_, entry),
        ):
            return entry

    def unwritten(self, path: str) -> Entry:
        """What a file is. Raises TemporaryError where anybody has it open to write to it."""
        with (
            in_words(self._host, self._share, path),
            self._open(path, _READ, _FILE, sharing=_NO_WRITERS) as (_, entry),
        ):
            return entry

    @contextmanager
    def reading(self, path: str) -> Iterator["OpenFile"]:
        """Open a file, which others may write to meanwhile."""
        with ExitStack() as stack:
            with in_words(self._host, self._share, path):
                opened, entry = stack.enter_context(self._open(path, _READ, _FILE))
            yield OpenFile(self, opened, path, entry)

    def free_bytes(self, folder: str) -> int:
        """The room that is left for the user."""
        access = FilePipePrinterAccessMask.FILE_READ_ATTRIBUTES
        with (
            in_words(self._host, self._share, folder),
            self._open(folder, access, 0) as (opened, _),
        ):
            request = SMB2QueryInfoRequest()
            asked = FileFsFullSizeInformation()
            request["info_type"] = asked.INFO_TYPE
            request["file_info_class"] = asked.INFO_CLASS
            request["output_buffer_length"] = len(asked)
            request["file_id"] = opened.file_id
            response = SMB2QueryInfoResponse()
            response.unpack(self._ask(request))
            room = response.parse_buffer(FileFsFullSizeInformation)
        units = room["caller_available_units"].get_value()
        sectors, size = room["sectors_per_unit"].get_value(), room["bytes_per_sector"].get_value()
        return int(units * sectors * size)

    @contextmanager
    def _open(
        self, path: str, access: int, options: int, *, sharing: int = _ALL
    ) -> Iterator[tuple[Open, Entry]]:
        """Open something; gives it and what it is."""
        opened = Open(self._tree, self._named(path))
        message, unpack = opened.create(
            ImpersonationLevel.Impersonation,
            access | FilePipePrinterAccessMask.FILE_READ_ATTRIBUTES,
            0,
            sharing,
            CreateDisposition.FILE_OPEN,
            options,
            send=False,
        )
        request = self._send(message)
        unpack(request)
        try:
            yield opened, entry_of(request.response["data"].get_value())
        finally:
            with suppress(SMBException, OSError):
                opened.close()

    def _named(self, path: str) -> str:
        """Return a path as the server takes it: with its own name and the share's, for DFS."""
        name = path.replace("/", "\\")
        if self._tree.is_dfs_share:
            name = rf"{self._host}\{self._share}\{name}".rstrip("\\")
        return name

    def _listed(self, opened: Open) -> bytes:
        """Return the next entries of a folder, b"" where there are no more."""
        request = SMB2QueryDirectoryRequest()
        request["file_information_class"] = FileInformationClass.FILE_FULL_DIRECTORY_INFORMATION
        request["file_id"] = opened.file_id
        request["output_buffer_length"] = self._granted(
            _LIST_BYTES, self._connection.max_transact_size
        )
        request["buffer"] = "*".encode("utf-16-le")
        response = SMB2QueryDirectoryResponse()
        try:
            response.unpack(self._ask(request))
        except NoMoreFiles:
            return b""
        return bytes(response["buffer"].get_value())

    def read(self, opened: Open, path: str, offset: int, length: int) -> bytes:
        """Return bytes of an open file, as many as come with one answer; b"" at its end."""
        if not length:
            return b""
        granted = self._granted(min(length, _READ_BYTES), self._connection.max_read_size)
        with in_words(self._host, self._share, path):
            request, unpack = opened.read(offset, granted, send=False)
            try:
                return bytes(unpack(self._send(request)))
            except EndOfFile:
                return b""

    def _granted(self, wanted: int, most: int) -> int:
        """Return how many bytes may be asked for at once."""
        window = self._connection.sequence_window
        return int(min(wanted, most, max(1, window["high"] - window["low"]) * _CREDIT_BYTES))

    def _ask(self, request: Any) -> Any:
        return self._connection.receive(self._send(request))["data"].get_value()

    def _send(self, request: Any) -> Any:
        session = self._tree.session.session_id
        tree = self._tree.tree_connect_id
        return self._connection.send(request, session, tree, credit_request=_CREDITS)


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file that is open to be read."""

    _from: Share
    _opened: Open
    path: str
    #: what it was when it was opened
    entry: Entry

    def read(self, offset: int, length: int) -> bytes:
        """Return bytes from an offset, as many as come with one answer; b"" at the end."""
        return self._from.read(self._opened, self.path, offset, length)


_READ = FilePipePrinterAccessMask.FILE_READ_DATA
_FILE = CreateOptions.FILE_NON_DIRECTORY_FILE | CreateOptions.FILE_SEQUENTIAL_ONLY


def _log_on(connection: CheckedConnection, host: str, credentials: Mapping[str, str]) -> Session:
    """Log on, encrypted where the server can; what it lets in as a guest is not signed: refused."""
    user, domain = credentials.get("username", ""), credentials.get("domain", "")
    session = Session(
        connection,
        username=f"{domain}\\{user}" if domain else user,
        password=credentials.get("password", ""),
        require_encryption=bool(connection.supports_encryption),
    )
    try:
        session.connect()
    except (SMBResponseException, SMBConnectionClosed):
        raise
    except SMBException as error:
        if "guest" not in str(error):
            raise
        raise ConnectorError(
            f"{host}: the user is only let in as a guest: give one that has an account"
        ) from error
    return session


def _end(connection: CheckedConnection) -> None:
    if connection.transport is not None:
        connection.transport.close()
