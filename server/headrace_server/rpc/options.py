"""How the gRPC server listens and what it allows."""

from dataclasses import dataclass
from pathlib import Path

import grpc


@dataclass(frozen=True, slots=True)
class Tls:
    """Certificates, in PEM files."""

    #: certificate chain of the server
    cert: Path
    #: its private key
    key: Path
    #: authority that clients' certificates must come from; None where clients need none
    client_ca: Path | None = None

    def credentials(self) -> grpc.ServerCredentials:
        """Read the files. Raises OSError."""
        pair = (self.key.read_bytes(), self.cert.read_bytes())
        authority = self.client_ca.read_bytes() if self.client_ca else None
        return grpc.ssl_server_credentials(
            [pair], root_certificates=authority, require_client_auth=authority is not None
        )


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Limits of the gRPC server."""

    #: None for plain text
    tls: Tls | None = None
    #: whether callers without a key are let in as long as no key is configured; only where nothing
    #: but loopback is listened on
    allow_anonymous: bool = False
    #: most bytes of one message that comes in; uploads are many messages
    max_message_bytes: int = 8 * 1024 * 1024
    #: most bytes of a call's metadata, 32 more an entry; Envoy takes 16 KB and adds some of its own
    max_metadata_bytes: int = 24 * 1024
    #: most calls at once, open streams included; further ones get RESOURCE_EXHAUSTED
    max_concurrent_calls: int = 4096

    def channel_arguments(self) -> tuple[tuple[str, int], ...]:
        """Return the options of the gRPC core."""
        return (
            # Twice that is let in, so that whoever sends too much is told so in words of ours.
            ("grpc.max_receive_message_length", 2 * self.max_message_bytes),
            ("grpc.max_send_message_length", -1),
            ("grpc.max_metadata_size", self.max_metadata_bytes),
            ("grpc.absolute_max_metadata_size", self.max_metadata_bytes),
            # A port that another process listens on is an error, not half of the calls lost.
            ("grpc.so_reuseport", 0),
            # Ping idle connections, so that a client that vanished does not hold its streams.
            ("grpc.keepalive_time_ms", 60_000),
            ("grpc.keepalive_timeout_ms", 20_000),
            # Clients may ping every 10 s, also between calls; faster ones are cut off.
            ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.max_ping_strikes", 3),
        )
