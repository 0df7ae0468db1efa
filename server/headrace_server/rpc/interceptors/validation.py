"""Checks requests by the buf.validate rules of their fields."""

from collections.abc import AsyncIterator, Awaitable
from typing import Any

import protovalidate
from google.protobuf.message import Message

from headrace_server.model.errors import FieldViolation, InvalidFieldError
from headrace_server.rpc.call import Call
from headrace_server.rpc.interceptors.chain import Handler
from headrace_server.rpc.methods import Method


class Validation:
    """Checks the request, or the first message of a stream, which carries more than bytes."""

    def __init__(self) -> None:
        self._validator = protovalidate.Validator()

    def wrap(self, method: Method, handler: Handler) -> Handler:
        request_class = method.request_class
        if method.scope is None or request_class is None:
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
        violations = self._validator.collect_violations(request)
        if not violations:
            return
        wrong = [FieldViolation(_path(v), v.proto.message) for v in violations]
        words = "; ".join(f"{violation.field}: {violation.description}" for violation in wrong)
        raise InvalidFieldError(words, *wrong, field=wrong[0].field)


async def _chained(first: Message, rest: AsyncIterator[Message]) -> AsyncIterator[Message]:
    yield first
    async for message in rest:
        yield message


def _path(violation: protovalidate.Violation) -> str:
    """The path of the field as a caller writes it, such as `contract.tables[0].name`."""
    path = violation.proto.field
    if path is None:
        return ""
    return ".".join(_step(element) for element in path.elements)


def _step(element: protovalidate.FieldPathElementPb) -> str:
    if element.subscript is None:
        return element.field_name
    return f"{element.field_name}[{element.subscript.value}]"
