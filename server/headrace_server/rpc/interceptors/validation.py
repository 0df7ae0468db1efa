"""Checks requests by their size and the buf.validate rules of their fields."""

from collections.abc import AsyncIterator, Awaitable
from typing import Any

from google.protobuf.message import Message

from headrace_server.model.errors import TooLargeError
from headrace_server.rpc.call import Call
from headrace_server.rpc.field_rules import FieldRules
from headrace_server.rpc.interceptors.chain import Handler
from headrace_server.rpc.methods import OPEN_SERVICES, Method


class Validation:
    """Checks the request, or the first message of a stream, which carries more than bytes."""

    def __init__(self, *, max_bytes: int = 8 << 20) -> None:
        """Refuse larger messages in words of ours, as far as the transport lets them in."""
        self._max_bytes = max_bytes
        self._rules = FieldRules()

    def wrap(self, method: Method, handler: Handler) -> Handler:
        request_class = method.request_class
        if method.service in OPEN_SERVICES or request_class is None:
            return handler

        def valid(call: Call, request: Message) -> Awaitable[Any]:
            self._check(request)
            return handler(call, request)

        async def valid_stream(call: Call, requests: AsyncIterator[Message]) -> Any:
            # A stream without messages is read as one with an empty message.
            first = await anext(aiter(requests), None) or request_class()
            self._check(first)
            return await handler(call, _chained(first, requests))

        return valid_stream if method.client_streaming else valid

    def _check(self, request: Message) -> None:
        size, most = request.ByteSize(), self._max_bytes
        if size > most:
            raise TooLargeError(
                f"the request has {size} bytes, and may have {most}: split it into several",
                limit=str(most),
            )
        self._rules.check(request)


async def _chained(first: Message, rest: AsyncIterator[Message]) -> AsyncIterator[Message]:
    yield first
    async for message in rest:
        yield message
