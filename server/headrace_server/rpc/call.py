"""The call being answered: what interceptors learn about it and handlers ask for."""

import time
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.message import Message

from headrace_server.model.tenant import Principal
from headrace_server.rpc.methods import Method

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(slots=True)
class Call:
    """One call on its way through the interceptors; each fills in what it is responsible for."""

    method: Method
    context: Context
    #: metadata by lower-case name; of a repeated name the last
    metadata: Mapping[str, str | bytes]
    #: time.perf_counter() at the start
    started: float = field(default_factory=time.perf_counter)
    request_id: str = ""
    #: None until authenticated, and in methods open to everybody
    principal: Principal | None = None
    #: whether the caller would be let in now; None in methods open to everybody
    still_allowed: Callable[[], Awaitable[bool]] | None = None
    #: how the call ended
    code: grpc.StatusCode = grpc.StatusCode.OK
    messages_received: int = 0
    messages_sent: int = 0
    #: bytes of the messages, without framing
    bytes_received: int = 0
    bytes_sent: int = 0

    def header(self, name: str) -> str | None:
        """Return a metadata entry of text, None where it is absent or empty."""
        value = self.metadata.get(name)
        return value if isinstance(value, str) and value else None

    def received(self, message: Message) -> None:
        """Count a message that came in."""
        self.messages_received += 1
        self.bytes_received += message.ByteSize()

    def sent(self, message: Message) -> None:
        """Count a message that goes out."""
        self.messages_sent += 1
        self.bytes_sent += message.ByteSize()


#: Set once at the start of each call's task and never reset: the task's context ends with the call.
current: ContextVar[Call] = ContextVar("headrace_call")


def caller() -> Principal:
    """Who makes the call being answered. Only for methods that need a scope."""
    principal = current.get().principal
    if principal is None:
        raise LookupError("this method is open to everybody: nobody was authenticated")
    return principal
