"""Counts and times every call for Prometheus. Labels name methods and codes only."""

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from headrace_server.rpc.call import Call
from headrace_server.rpc.interceptors.chain import Handler
from headrace_server.rpc.methods import Method

_METHOD = ("grpc_type", "grpc_service", "grpc_method")
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_BOUNDS = (*map(str, _SECONDS), "+Inf")


class _Tally:
    """The numbers of one method. Plain ones: all calls are on one thread, and locks cost."""

    def __init__(self, method: Method) -> None:
        self.labels = (method.kind, method.service, method.name)
        self.started = 0
        self.in_flight = 0
        self.handled: Counter[str] = Counter()
        self.received = 0
        self.sent = 0
        self.seconds = 0.0
        #: calls by bucket, not yet summed up
        self.buckets = [0] * len(_BOUNDS)

    def begin(self) -> None:
        self.started += 1
        self.in_flight += 1

    def end(self, call: Call) -> None:
        seconds = time.perf_counter() - call.started
        self.in_flight -= 1
        self.handled[call.code.name] += 1
        self.seconds += seconds
        self.buckets[bisect_left(_SECONDS, seconds)] += 1
        self.received += call.messages_received
        self.sent += call.messages_sent


class CallMetrics(Collector):
    """The names are those of the gRPC ecosystem's dashboards."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._tallies: list[_Tally] = []
        registry.register(self)

    def wrap(self, method: Method, handler: Handler) -> Handler:
        tally = _Tally(method)
        self._tallies.append(tally)

        async def measured(call: Call, request: Any) -> Any:
            tally.begin()
            try:
                return await handler(call, request)
            finally:
                tally.end(call)

        return measured

    def collect(self) -> Iterator[Metric]:
        """Yield the families of metrics as they stand."""
        started = CounterMetricFamily("grpc_server_started", "Calls begun.", labels=_METHOD)
        handled = CounterMetricFamily(
            "grpc_server_handled", "Calls ended.", labels=(*_METHOD, "grpc_code")
        )
        received = CounterMetricFamily(
            "grpc_server_msg_received", "Messages that came in.", labels=_METHOD
        )
        sent = CounterMetricFamily("grpc_server_msg_sent", "Messages sent.", labels=_METHOD)
        in_flight = GaugeMetricFamily("grpc_server_in_flight", "Calls open.", labels=_METHOD)
        seconds = HistogramMetricFamily(
            "grpc_server_handling_seconds", "Seconds from beginning to end.", labels=_METHOD
        )
        for tally in tuple(self._tallies):
            started.add_metric(tally.labels, tally.started)
            for code, count in tuple(tally.handled.items()):
                handled.add_metric((*tally.labels, code), count)
            received.add_metric(tally.labels, tally.received)
            sent.add_metric(tally.labels, tally.sent)
            in_flight.add_metric(tally.labels, tally.in_flight)
            summed = zip(_BOUNDS, accumulate(tally.buckets), strict=True)
            seconds.add_metric(tally.labels, list(summed), sum_value=tally.seconds)
        yield from (started, handled, received, sent, in_flight, seconds)
