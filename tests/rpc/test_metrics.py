"""The endpoint for Prometheus."""

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter

from headrace_server.rpc.metrics import MetricsEndpoint


def test_metrics_are_served_on_loopback_until_stopped() -> None:
    registry = CollectorRegistry()
    Counter("things", "Things.", registry=registry).inc(3)
    endpoint = MetricsEndpoint.start(registry)
    url = f"http://127.0.0.1:{endpoint.port}/metrics"
    try:
        assert "things_total 3.0" in httpx.get(url).text
    finally:
        endpoint.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_a_taken_port_is_an_error() -> None:
    endpoint = MetricsEndpoint.start(CollectorRegistry())
    try:
        with pytest.raises(OSError, match="in use"):
            MetricsEndpoint.start(CollectorRegistry(), port=endpoint.port)
    finally:
        endpoint.stop()
