"""The watch of one thing that reconnects by itself."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Protocol, TypeVar

import grpc

from headrace_client.connection import Connection, Metadata
from headrace_client.errors import HeadraceError, from_code
from headrace_client.retry import Retry
from headrace_client.streams import received

#: seconds without a message after which a watch counts as cut; the server sends every 15 s
_SILENCE = 45.0


class Snapshot(Protocol):
    """A message of a watch: something as it stood at one revision."""

    revision: int
    terminal: bool


_SnapshotT = TypeVar("_SnapshotT", bound=Snapshot)
_Request = TypeVar("_Request")


async def watched(
    connection: Connection,
    open_stream: Callable[[int, Metadata], grpc.aio.UnaryStreamCall[_Request, _SnapshotT]],
    after_revision: int,
) -> AsyncIterator[_SnapshotT]:
    """Yield a thing after each change, the terminal snapshot last, each revision once, in order.

    `open_stream` opens the stream after a revision, with metadata. Raises HeadraceError where
    reconnecting is of no use, or when nothing came for the connection's `patience`.
    """
    retry = Retry(connection.patience)
    seen = after_revision
    while True:
        metadata = connection.metadata()
        call = open_stream(seen, metadata)
        try:
            async with aclosing(received(connection, call, metadata, _SILENCE)) as snapshots:
                async for snapshot in snapshots:
                    retry.progressed()
                    if snapshot.terminal:
                        yield snapshot
                        return
                    if snapshot.revision > seen:
                        seen = snapshot.revision
                        yield snapshot
            error = from_code(grpc.StatusCode.UNAVAILABLE, "the watch was cut")
        except HeadraceError as raised:
            error = raised
        await retry.pause(error)
