import socket
from collections.abc import Iterator

import pytest

from headrace_server.connectors.mounts.smb_transport import Transport


@pytest.fixture
def pair() -> Iterator[tuple[Transport, socket.socket]]:
    """A transport, and the other side's socket."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        transport = Transport("127.0.0.1", server.getsockname()[1], 0.05)
        transport.connect()
        peer, _ = server.accept()
        with peer:
            yield transport, peer
        transport.close()


Pair = tuple[Transport, socket.socket]


def test_messages_are_carried(pair: Pair) -> None:
    transport, peer = pair
    transport.send(b"abc")
    assert peer.recv(100) == b"\0\0\0\3abc"
    peer.sendall(b"\0\0\0\2xy\0\0\0\1z")
    assert transport.recv(1) == b"xy"
    assert transport.recv(1) == b"z"


def test_silence_is_told_from_the_end(pair: Pair) -> None:
    transport, peer = pair
    with pytest.raises(TimeoutError):
        transport.recv(0.01)
    assert transport.connected
    peer.sendall(b"\0\0\0\4xy")
    with pytest.raises(TimeoutError):
        transport.recv(1)
    peer.shutdown(socket.SHUT_RDWR)
    assert transport.recv(1) is None
    assert not transport.connected


def test_a_message_that_is_too_long_is_not_waited_for(pair: Pair) -> None:
    transport, peer = pair
    peer.sendall(b"\x7f\xff\xff\xff")
    with pytest.raises(OSError, match="too long"):
        transport.recv(1)


def test_nothing_goes_over_a_closed_one(pair: Pair) -> None:
    transport, _ = pair
    transport.close()
    transport.close()
    assert transport.recv(1) is None
    with pytest.raises(ConnectionResetError):
        transport.send(b"abc")


def test_a_reset_is_an_end(pair: Pair) -> None:
    transport, peer = pair
    transport.send(b"abc")
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    peer.close()
    assert transport.recv(1) is None
