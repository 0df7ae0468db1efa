"""Bodies that come with calls."""

from collections.abc import AsyncIterator

from headrace_server.model.errors import WrongLengthError


async def whole(body: AsyncIterator[bytes], total: int | None) -> AsyncIterator[bytes]:
    """Pass a body on; raises WrongLengthError at its end where it is not as long as declared.

    To gRPC, a stream that is cut looks ended: nothing but its length tells a part from the whole.
    """
    arrived = 0
    async for data in body:
        arrived += len(data)
        yield data
    if total is not None and arrived != total:
        raise WrongLengthError(
            f"{arrived} bytes arrived and {total} were declared; send the file again",
            offset=str(arrived),
            total_bytes=str(total),
        )
