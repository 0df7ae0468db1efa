"""Checks requests by the buf.validate rules of their fields."""

from collections.abc import AsyncIterator, Awaitable
from typing import Any

from google.protobuf.message import Message

from headrace_server.rpc.call import Call
from headrace_server.rpc.field_rules import FieldRules
from headrace_server.rpc.interceptors.chain import Handler
from headrace_server.rpc.methods import Method


class Validation:
    """Checks the request, or the first message of a stream, which carries more than bytes."""

    def __init__(self) -> None:
        self._rules = FieldRules()

    def wrap(self, method: Method, handler: Handler) -> Handler:
        request_class = method.request_class
        if method.scope is None or request_class is None:
            return handler

        def valid(call: Call, request: Message) -> Awaitable[Any]:
            self._rules.check(request)
            return handler(call, request)

        async def valid_stream(call: Call, requests: AsyncIterator[Message]) -> Any:
            # A stream without messages is read as one with an empty message.
            first = await anext(aiter(requests), None) or request_class()
            self._rules.check(first)
            return await handler(call, _chained(first, requests))

        return valid_stream if method.client_streaming else valid


async def _chained(first: Message, rest: AsyncIterator[Message]) -> AsyncIterator[Message]:
    yield first
    async for message in rest:
        yield message
