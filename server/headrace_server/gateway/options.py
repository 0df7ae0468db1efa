"""Where the gateway listens, where it forwards to, and whom it lets in."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port; port 0 stands for a free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read `host:port`, an IPv6 host in brackets. Raises ValueError."""
        host, separator, port = text.rpartition(":")
        if not separator or not host or not port.isascii() or not port.isdecimal():
            raise ValueError(f"{text!r} is not an address: write host:port")
        if int(port) > 65535:  # noqa: PLR2004  # the largest there is
            raise ValueError(f"{text!r} is not an address: {port} is no port")
        return cls(host.removeprefix("[").removesuffix("]"), int(port))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class ListenerTls:
    """Certificates shown to callers, in PEM files."""

    cert: Path
    key: Path
    #: authority that callers' certificates must come from; None where they need none
    client_ca: Path | None = None


@dataclass(frozen=True, slots=True)
class UpstreamTls:
    """How the gateway trusts the gRPC server, which is known by its very certificate."""

    #: the server's certificate chain in a PEM file; its first one is pinned
    server_cert: Path
    #: what the gateway shows where the server asks for a certificate
    cert: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class GatewayOptions:
    """What is rendered into Envoy's configuration."""

    #: where callers come in
    listen: Address = Address("127.0.0.1", 8000)
    #: the gRPC server
    upstream: Address = Address("127.0.0.1", 50051)
    #: origins of pages that may call, such as "https://app.example.com"; empty for those of this
    #: machine
    cors_origins: tuple[str, ...] = ()
    #: None for plain text
    listener_tls: ListenerTls | None = None
    #: None where the server speaks plain text
    upstream_tls: UpstreamTls | None = None
