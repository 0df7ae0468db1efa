"""Where the server is: an address as typed, read into a gRPC target."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

DEFAULT_ADDRESS = "127.0.0.1:50051"
_DEFAULT_PORTS = {"": 50051, "http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """A server's address."""

    #: what gRPC dials: host:port or unix:path
    target: str
    #: whether the scheme asked for TLS
    tls: bool
    #: whether it is this machine
    loopback: bool


def parse_address(text: str) -> Address:
    """Read `host:port`, `http(s)://host:port` or `unix:path`.

    https means TLS. gRPC passes through Envoy's listener, so the REST address works as well.
    Raises ValueError with the right form.
    """
    if text.startswith("unix:"):
        return Address(text, tls=False, loopback=True)
    parts = urlsplit(text if "://" in text else f"//{text}")
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.path not in {"", "/"}:
        raise ValueError(f"{text!r} is not an address: write host:port or http(s)://host:port")
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Address(f"{host}:{port}", parts.scheme == "https", _is_loopback(parts.hostname))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
