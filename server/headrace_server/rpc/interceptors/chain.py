"""Puts the interceptors around every handler, once per method.

All four kinds of handlers become one shape, `async (call, request) -> response`: a server stream is
iterated here and written message by message, so that an error in mid-iteration, a cancellation and
a handler that writes by itself (grpc_health's Watch) pass through the same interceptors as an
error of a unary call.
"""

from __future__ import annotations  # grpc's types are generic in its stubs only

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from contextvars import ContextVar
from typing import Any, Protocol

import grpc

from headrace_server.rpc.call import Call, Context, current
from headrace_server.rpc.methods import Method, method_of

#: Of the call whose handler was just found, in its task. grpc decodes it anew for all who ask.
_metadata: ContextVar[Sequence[tuple[str, str | bytes]]] = ContextVar("headrace_metadata")

Handler = Callable[[Call, Any], Awaitable[Any]]
"""Answers a call; the request is a message, or an async iterator of messages.

One that only does something before the next may be a plain function that returns the next's
awaitable: it is called within the `try` of those around it all the same.
"""


class Interceptor(Protocol):
    """One concern of the edge."""

    def wrap(self, method: Method, handler: Handler) -> Handler:
        """Return a handler with this concern around `handler`, or itself where it has none."""


class InterceptorChain(grpc.GenericRpcHandler):
    """Every method behind the interceptors, outermost first, found by the path of a call.

    Services are registered here instead of with the server, which is given the chain alone. That
    spares each call what grpc does for interceptors of its own (a search through all services, two
    coroutines) and for methods registered by name (a wait for all of them, armed anew).
    """

    def __init__(self, interceptors: Sequence[Interceptor]) -> None:
        self._interceptors = tuple(interceptors)
        self._services: list[grpc.GenericRpcHandler] = []
        self._handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}

    def add_generic_rpc_handlers(self, services: Iterable[grpc.GenericRpcHandler]) -> None:
        """Take services, as generated code hands them over."""
        self._services.extend(services)

    def add_registered_method_handlers(self, service: str, handlers: object) -> None:
        """Take nothing: the generic handlers have the same methods."""

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Return the wrapped handler of the method; None where there is no such method."""
        _metadata.set(handler_call_details.invocation_metadata)
        path = handler_call_details.method
        handler = self._handlers.get(path)
        if handler is None:
            bare = self._find(handler_call_details)
            if bare is None:
                return None
            handler = self._handlers[path] = self._wrapped(path, bare)
        return handler

    def _find(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        found = (service.service(handler_call_details) for service in self._services)
        return next((handler for handler in found if handler is not None), None)

    def _wrapped(
        self, path: str, bare: grpc.RpcMethodHandler[Any, Any]
    ) -> grpc.RpcMethodHandler[Any, Any]:
        method = method_of(
            path,
            client_streaming=bool(bare.request_streaming),
            server_streaming=bool(bare.response_streaming),
        )
        name = f"{'stream' if method.client_streaming else 'unary'}_" + (
            "stream" if method.server_streaming else "unary"
        )
        handler = _innermost(method, getattr(bare, name))
        for interceptor in reversed(self._interceptors):
            handler = interceptor.wrap(method, handler)
        make = getattr(grpc, f"{name}_rpc_method_handler")
        wrapped: grpc.RpcMethodHandler[Any, Any] = make(
            _outermost(method, handler), bare.request_deserializer, bare.response_serializer
        )
        return wrapped


def _outermost(method: Method, handler: Handler) -> Callable[[Any, Context], Awaitable[Any]]:
    async def behaviour(request: Any, context: Context) -> Any:
        call = Call(method, context, dict(_metadata.get()))
        current.set(call)
        if not method.client_streaming:
            call.received(request)
        return await handler(call, request)

    return behaviour


def _innermost(method: Method, behaviour: Callable[[Any, Context], Any]) -> Handler:
    run = _write_each(behaviour) if inspect.isasyncgenfunction(behaviour) else _answer(behaviour)
    if not method.client_streaming:
        return run

    async def counted(call: Call, requests: AsyncIterator[Any]) -> Any:
        return await run(call, _received(call, requests))

    return counted


def _answer(behaviour: Callable[[Any, Context], Awaitable[Any]]) -> Handler:
    def answer(call: Call, request: Any) -> Awaitable[Any]:
        return behaviour(request, call.context)

    return answer


def _write_each(behaviour: Callable[[Any, Context], AsyncIterator[Any]]) -> Handler:
    async def write_each(call: Call, request: Any) -> None:
        async with aclosing(behaviour(request, call.context)) as messages:  # type: ignore[type-var]  # an async generator
            async for message in messages:
                call.sent(message)
                await call.context.write(message)

    return write_each


async def _received(call: Call, requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for request in requests:
        call.received(request)
        yield request
