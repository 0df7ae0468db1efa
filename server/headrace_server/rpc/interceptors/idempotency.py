"""Answers a repeated call that carries the same idempotency key with the first answer."""

import asyncio
import hashlib
import re
from typing import Any

import structlog
from google.protobuf.message import Message
from headrace.v1.tenant_service_pb2 import CreateApiKeyResponse
from headrace.v1.trigger_pb2 import Trigger

from headrace_server.core.idempotency import Answer, Idempotency
from headrace_server.model.errors import InvalidFieldError
from headrace_server.rpc.call import Call, caller
from headrace_server.rpc.interceptors.chain import Handler
from headrace_server.rpc.methods import Method

IDEMPOTENCY_KEY = "idempotency-key"
_SANE = re.compile(r"[\x21-\x7e]{1,255}")
#: fields that are never stored, by the message they are in
_SECRETS: dict[type[Message], tuple[str, ...]] = {
    CreateApiKeyResponse: ("secret",),
    Trigger: ("secret",),
}


class IdempotencyKeys:
    """For unary methods that change something; streams hand their key to the core.

    Work that holds a key runs to its end though its caller is gone: the caller comes back with the
    same key, and must find the answer, not do the work twice.
    """

    def __init__(self, idempotency: Idempotency) -> None:
        self._idempotency = idempotency
        self._running: set[asyncio.Task[Message]] = set()

    def wrap(self, method: Method, handler: Handler) -> Handler:
        if method.read_only or method.streaming or method.scope is None:
            return handler

        async def once(call: Call, request: Message) -> Any:
            key = idempotency_key(call)
            if key is None:
                return await handler(call, request)
            work = asyncio.create_task(self._answer(call, request, key, handler))
            self._running.add(work)
            work.add_done_callback(self._ended)
            return await asyncio.shield(work)

        return once

    async def drain(self) -> None:
        """Wait for the work whose callers are gone."""
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _answer(self, call: Call, request: Message, key: str, handler: Handler) -> Message:
        found = await self._idempotency.begin(
            caller().tenant_id, call.method.full_name, key, _fingerprint(request)
        )
        if isinstance(found, Answer):
            return _response_class(call.method).FromString(found.body)
        try:
            async with self._idempotency.held(found):
                response: Message = await handler(call, request)
        except BaseException:
            await self._idempotency.abandon(found)
            raise
        await self._idempotency.finish(found, _without_secrets(response).SerializeToString())
        return response

    def _ended(self, work: asyncio.Task[Message]) -> None:
        self._running.discard(work)
        if not work.cancelled() and work.exception() is not None:
            structlog.get_logger("headrace.idempotency").debug("failed", error=work.exception())


def idempotency_key(call: Call) -> str | None:
    """Return the key of the call, None where it has none. Raises InvalidFieldError."""
    key = call.header(IDEMPOTENCY_KEY)
    if key is not None and not _SANE.fullmatch(key):
        raise InvalidFieldError.of(
            IDEMPOTENCY_KEY, "must be 1 to 255 visible ASCII characters, a UUID for example"
        )
    return key


def _fingerprint(request: Message) -> str:
    return hashlib.sha256(request.SerializeToString(deterministic=True)).hexdigest()


def _response_class(method: Method) -> type[Message]:
    assert method.response_class is not None  # noqa: S101  # only described methods get here
    return method.response_class


def _without_secrets(response: Message) -> Message:
    secrets = _SECRETS.get(type(response), ())
    if not secrets:
        return response
    kept = type(response)()
    kept.CopyFrom(response)
    for field in secrets:
        kept.ClearField(field)
    return kept
