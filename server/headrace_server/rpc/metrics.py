"""The metrics for Prometheus, over HTTP on an address of their own."""

from dataclasses import dataclass
from threading import Thread
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server


@dataclass(frozen=True, slots=True)
class MetricsEndpoint:
    """Serves `/metrics` from a thread."""

    _server: WSGIServer
    _thread: Thread

    @classmethod
    def start(
        cls, registry: CollectorRegistry, *, host: str = "127.0.0.1", port: int = 0
    ) -> "MetricsEndpoint":
        """Listen; port 0 means a free one. Raises OSError where the port is taken."""
        return cls(*start_http_server(port, addr=host, registry=registry))

    @property
    def port(self) -> int:
        """The port listened on."""
        return self._server.server_port

    def stop(self) -> None:
        """Stop listening and wait for the thread."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
