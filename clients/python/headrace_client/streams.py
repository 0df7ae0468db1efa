"""Reading a server's stream, with an end to silence."""

import asyncio
from collections.abc import AsyncGenerator
from typing import TypeVar, cast

import grpc

from headrace_client.connection import Connection, Metadata
from headrace_client.errors import from_code

_Request = TypeVar("_Request")
_Message = TypeVar("_Message")


async def received(
    connection: Connection,
    call: grpc.aio.UnaryStreamCall[_Request, _Message],
    metadata: Metadata,
    silence: float,
) -> AsyncGenerator[_Message, None]:
    """Yield the messages of a call made with `metadata`, and cancel it when left.

    Raises HeadraceError; UNAVAILABLE when nothing came for `silence` seconds.
    """
    try:
        while True:
            # Not wait_for: it forgets a cancellation that comes together with a message.
            async with asyncio.timeout(silence):
                with connection.translated(metadata):
                    message = await call.read()
            if message is grpc.aio.EOF:
                return
            yield cast("_Message", message)
    except TimeoutError:
        raise from_code(grpc.StatusCode.UNAVAILABLE, "the stream fell silent") from None
    finally:
        call.cancel()
