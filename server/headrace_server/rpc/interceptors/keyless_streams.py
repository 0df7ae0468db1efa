"""Keeps room for callers with a key: streams that need none are few at once, and do not last."""

import asyncio
from typing import Any

from headrace_server.model.errors import QuotaExceededError
from headrace_server.rpc.call import Call
from headrace_server.rpc.interceptors.chain import Handler
from headrace_server.rpc.methods import Method

#: health watches and reflection, open at once in the whole server
MOST_OPEN = 64
LIFE_SECONDS = 600.0

_RETRY_SECONDS = 5.0


class KeylessStreams:
    """Limits the streams that are open to everybody, such as the watch of grpc.health."""

    def __init__(self, most: int = MOST_OPEN, life: float = LIFE_SECONDS) -> None:
        self._most = most
        self._life = life
        self._open = 0

    def wrap(self, method: Method, handler: Handler) -> Handler:
        if method.scope is not None or not method.streaming:
            return handler

        async def limited(call: Call, request: Any) -> Any:
            if self._open >= self._most:
                raise _exceeded(f"{self._most} streams that need no key are open already")
            self._open += 1
            try:
                async with asyncio.timeout(self._life) as life:
                    return await handler(call, request)
            except TimeoutError:
                if not life.expired():
                    raise
                raise _exceeded("a stream that needs no key ends after some minutes") from None
            finally:
                self._open -= 1

        return limited


def _exceeded(message: str) -> QuotaExceededError:
    return QuotaExceededError(
        f"{message}: open it again later", limit="keyless_streams", retry_after=_RETRY_SECONDS
    )
