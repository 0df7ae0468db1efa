"""Gives every call an id that finds it in the log, and sends it back."""

import random
import re
from collections.abc import Awaitable
from typing import Any

import structlog

from headrace_server.rpc.call import Call
from headrace_server.rpc.interceptors.chain import Handler
from headrace_server.rpc.methods import Method

REQUEST_ID = "x-request-id"
_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")


def _new_request_id() -> str:
    # Unique is enough, nobody needs to be unable to guess it; the system's randomness is slow.
    return f"{random.getrandbits(128):032x}"


class RequestIds:
    """Takes the caller's x-request-id where it is sane, else makes one."""

    def wrap(self, _method: Method, handler: Handler) -> Handler:
        def identified(call: Call, request: Any) -> Awaitable[Any]:
            given = call.header(REQUEST_ID)
            sane = given is not None and _SANE.fullmatch(given)
            call.request_id = given if given and sane else _new_request_id()
            call.context.set_trailing_metadata(((REQUEST_ID, call.request_id),))
            structlog.contextvars.bind_contextvars(request_id=call.request_id)
            return handler(call, request)

        return identified
