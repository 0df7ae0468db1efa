"""A TCP proxy that cuts connections."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

_BLOCK = 1024


@dataclass(slots=True)
class Cuts:
    """After how many bytes each connection in turn is cut; later ones are left alone."""

    #: bytes from the client, by connection
    upward: list[int] = field(default_factory=list)
    #: bytes from the server, by connection
    downward: list[int] = field(default_factory=list)
    #: how many were cut
    made: int = 0


@asynccontextmanager
async def cutting_proxy(address: str, cuts: Cuts) -> AsyncIterator[str]:
    """Pass connections on to `host:port`; gives the address to connect to instead."""
    host, _, port = address.partition(":")
    ends: set[asyncio.StreamWriter] = set()
    served: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.add(asyncio.current_task())
        try:
            up_reader, up_writer = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.transport.abort()
            return
        both = (writer, up_writer)
        ends.update(both)
        await asyncio.gather(
            _pass(reader, up_writer, _next(cuts.upward), cuts, both),
            _pass(up_reader, writer, _next(cuts.downward), cuts, both),
        )

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for end in ends:
            end.transport.abort()
        await asyncio.gather(*filter(None, served))


def _next(budgets: list[int]) -> int | None:
    return budgets.pop(0) if budgets else None


async def _pass(
    source: asyncio.StreamReader,
    target: asyncio.StreamWriter,
    budget: int | None,
    cuts: Cuts,
    both: Sequence[asyncio.StreamWriter],
) -> None:
    """Pass bytes on, and cut both ends once the budget is spent; None is without end."""
    with suppress(OSError):
        while data := await source.read(_BLOCK if budget is None else min(_BLOCK, budget)):
            target.write(data)
            await target.drain()
            if budget is not None:
                budget -= len(data)
                if budget == 0:
                    cuts.made += 1
                    break
    for end in both:
        end.transport.abort()
