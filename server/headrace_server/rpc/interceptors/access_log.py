"""One structured line for every call. Never a body, never a secret."""

import time
from typing import Any

import structlog
from grpc_health.v1 import health_pb2

from headrace_server.rpc.call import Call
from headrace_server.rpc.interceptors.chain import Handler
from headrace_server.rpc.methods import Method

_HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name


class AccessLog:
    """Writes the line when the call has ended, however it ended."""

    def wrap(self, method: Method, handler: Handler) -> Handler:
        # Bound once: binding for every call costs more than the line itself.
        log = structlog.get_logger("headrace.access").bind(method=method.full_name)
        # Envoy and balancers ask every few seconds, which would hide what happened.
        write = log.debug if method.service == _HEALTH else log.info

        async def logged(call: Call, request: Any) -> Any:
            try:
                response = await handler(call, request)
                if response is not None:
                    call.sent(response)
                return response
            finally:
                write("call", **_facts(call))

        return logged


def _facts(call: Call) -> dict[str, Any]:
    principal = call.principal
    return {
        "code": call.code.name,
        "ms": round((time.perf_counter() - call.started) * 1000, 3),
        "tenant": principal and principal.tenant_id,
        "key_id": principal and principal.key_id,
        "request_id": call.request_id,
        "peer": call.context.peer(),
        "bytes_received": call.bytes_received,
        "bytes_sent": call.bytes_sent,
    }
