"""Connections of SMB that keep to the address that was checked, and wait only for so long."""

import logging
import select
import socket
import uuid
from contextlib import suppress
from threading import Lock
from typing import Any

from smbprotocol.connection import Connection
from smbprotocol.exceptions import SMBException

# It tells of users, paths and each lost connection; what matters of that, callers are told.
logging.getLogger("smbprotocol").setLevel(logging.CRITICAL)

#: bytes of one message; servers offer reads of 8 MiB at most
_MOST_BYTES = (16 << 20) - 1
_LENGTH_BYTES = 4
_MILLISECONDS = 1000


class Transport:
    """Messages over TCP, as smbprotocol wants them. One thread receives, others send."""

    def __init__(self, address: str, port: int, seconds: float) -> None:
        self._peer = (address, port)
        self._seconds = seconds
        self._sending = Lock()
        self._socket: socket.socket | None = None

    @property
    def connected(self) -> bool:
        """Whether nobody has closed it."""
        return self._socket is not None

    def connect(self) -> None:
        """Connect. Raises OSError."""
        opened = socket.create_connection(self._peer, self._seconds)
        opened.settimeout(None)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = opened

    def close(self) -> None:
        """Close; who waits for a message is told that there is none."""
        opened, self._socket = self._socket, None
        if opened is not None:
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()

    def send(self, message: Any) -> None:
        """Send a message: bytes, or a structure that packs itself. Raises OSError."""
        data = message if isinstance(message, bytes) else message.pack()
        opened = self._socket
        if opened is None:
            raise ConnectionResetError("the connection is closed")
        with self._sending:
            opened.sendall(len(data).to_bytes(_LENGTH_BYTES, "big") + data)

    def recv(self, timeout: float) -> bytes | None:
        """Return the next message, None where the connection ends.

        Raises TimeoutError where none begins in time or one that began does not go on, and OSError
        where it is too long.
        """
        head = self._exactly(_LENGTH_BYTES, timeout)
        if head is None:
            return None
        length = int.from_bytes(head, "big")
        if length > _MOST_BYTES:
            raise OSError("a message is too long")
        return self._exactly(length, self._seconds)

    def _exactly(self, length: int, seconds: float) -> bytes | None:
        data = bytearray(length)
        place, filled = memoryview(data), 0
        while filled < length:
            received = self._receive(place[filled:], seconds)
            if not received:
                self.close()
                return None
            filled += received
        return bytes(data)

    def _receive(self, place: memoryview, seconds: float) -> int:
        """Return how many bytes came, 0 where the connection was ended by anybody."""
        opened = self._socket
        if opened is None:
            return 0
        try:
            waiting = select.poll()  # select() cannot wait for many files
            waiting.register(opened, select.POLLIN)
            ready = waiting.poll(seconds * _MILLISECONDS)
            received = opened.recv_into(place) if ready else 0
        except (OSError, ValueError):
            return 0
        if not ready:
            raise TimeoutError
        return received


class CheckedConnection(Connection):  # type: ignore[misc]  # untyped
    """A connection to the address that was checked, by whatever name its server is called.

    No answer is waited for longer than its seconds, and no symbolic link is followed for a server:
    that is how one leads out of the folder of a mount.
    """

    def __init__(self, host: str, address: str, port: int, seconds: float) -> None:
        self._address = address
        self._seconds = seconds
        self._checked: Transport | None = None
        super().__init__(uuid.uuid4(), host, port, require_signing=True)

    @property
    def transport(self) -> Any:
        """What it sends by."""
        return self._checked

    @transport.setter
    def transport(self, own: Any) -> None:
        """Take ours instead of smbprotocol's own, which resolves the name once more."""
        if own is not None:
            self._checked = Transport(self._address, self.port, self._seconds)

    def receive(
        self,
        request: Any,
        wait: bool = True,
        timeout: float | None = None,
        resolve_symlinks: bool = True,
    ) -> Any:
        """Return the answer to a request. Raises TimeoutError where there is none in time."""
        seconds = timeout or self._seconds
        if not request.response_event.wait(seconds):
            raise TimeoutError
        try:
            return super().receive(request, wait=wait, timeout=seconds, resolve_symlinks=False)
        except SMBException as error:
            if not request.response_event.is_set():
                raise TimeoutError from error
            raise
