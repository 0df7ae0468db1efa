"""Counts and times every call for Prometheus. Labels name methods and codes only."""

import time
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from headrace_server.rpc.call import Call
from headrace_server.rpc.interceptors.chain import Handler
from headrace_server.rpc.methods import Method

_METHOD = ("grpc_type", "grpc_service", "grpc_method")
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class CallMetrics:
    """The names are those of the gRPC ecosystem's dashboards."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._started = Counter("grpc_server_started", "Calls begun.", _METHOD, registry=registry)
        self._handled = Counter(
            "grpc_server_handled", "Calls ended.", (*_METHOD, "grpc_code"), registry=registry
        )
        self._seconds = Histogram(
            "grpc_server_handling_seconds",
            "Seconds from a call's beginning to its end.",
            _METHOD,
            buckets=_SECONDS,
            registry=registry,
        )
        self._in_flight = Gauge(
            "grpc_server_in_flight", "Calls being answered.", _METHOD, registry=registry
        )
        self._received = Counter(
            "grpc_server_msg_received", "Messages read from streams.", _METHOD, registry=registry
        )
        self._sent = Counter(
            "grpc_server_msg_sent", "Messages written to streams.", _METHOD, registry=registry
        )

    def wrap(self, method: Method, handler: Handler) -> Handler:
        labels = (method.kind, method.service, method.name)
        started = self._started.labels(*labels)
        seconds = self._seconds.labels(*labels)
        in_flight = self._in_flight.labels(*labels)
        received, sent = self._received.labels(*labels), self._sent.labels(*labels)

        async def measured(call: Call, request: Any) -> Any:
            started.inc()
            in_flight.inc()
            try:
                return await handler(call, request)
            finally:
                in_flight.dec()
                seconds.observe(time.perf_counter() - call.started)
                self._handled.labels(*labels, call.code.name).inc()
                if method.streaming:
                    received.inc(call.messages_received)
                    sent.inc(call.messages_sent)

        return measured
