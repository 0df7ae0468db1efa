"""Where the gateway listens, where it forwards to, and whom it lets in."""

import ipaddress
from dataclasses import dataclass

_ANY_HOST = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # read, not listened on


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
        if int(port) > 0xFFFF:  # noqa: PLR2004  # the largest port
            raise ValueError(f"{text!r} is not an address: {port} is no port")
        return cls(host.removeprefix("[").removesuffix("]"), int(port))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def reachable(self) -> "Address":
        """Return where a listener of this address is reached from this machine."""
        return Address(_ANY_HOST.get(self.host, self.host), self.port)


@dataclass(frozen=True, slots=True)
class GatewayOptions:
    """What is rendered into Envoy's configuration."""

    #: where callers come in; port 0 for a free one
    http_address: str = "127.0.0.1:8000"
    #: where the gRPC server listens
    grpc_address: str = "127.0.0.1:50051"
    #: origins of pages that may call, such as "https://app.example.com"; empty for every page that
    #: this machine serves. On loopback, their hosts are the only ones but this machine's own that
    #: callers of REST may name.
    cors_origins: tuple[str, ...] = ()
    #: PEM files of the server's certificate chain and key, used for callers too; empty for plain
    #: text. The gateway trusts the server by that very certificate.
    tls_cert: str = ""
    tls_key: str = ""
    #: PEM file of the authority that callers' certificates must come from, which the server asks
    #: of the gateway too: its own certificate then comes from there; empty where none is needed
    tls_client_ca: str = ""
