"""Files of the spool in pieces, for downloads."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

from headrace_server.model.errors import NotFoundError

#: bytes of a piece at most
PIECE_BYTES = 1 << 20


async def pieces_of(path: Path, what: str) -> AsyncGenerator[bytes, None]:
    """Yield the data of an upload in pieces; one empty piece of an empty file.

    Raises NotFoundError, which says `what` is gone.
    """
    try:
        # Here and not in a thread, which a caller that goes away could leave with it.
        file = path.open("rb")
    except FileNotFoundError as error:
        raise NotFoundError(what, path.parent.name, "is gone: it was kept long enough") from error
    with file:
        yield await asyncio.to_thread(file.read, PIECE_BYTES)
        while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
            yield piece
