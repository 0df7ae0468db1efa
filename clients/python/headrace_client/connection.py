"""One channel to a server, and how each call over it is made."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Protocol, Self, TypeVar

import grpc
from google.protobuf.descriptor import FileDescriptor, MethodDescriptor
from headrace.v1 import (
    datamart_service_pb2,
    export_service_pb2,
    ingestion_service_pb2,
    pipeline_service_pb2,
    preview_service_pb2,
    readiness_service_pb2,
    remote_job_service_pb2,
    run_service_pb2,
    status_service_pb2,
    storage_service_pb2,
    tenant_service_pb2,
    trigger_service_pb2,
    warehouse_service_pb2,
)

from headrace_client.address import DEFAULT_ADDRESS, parse_address
from headrace_client.errors import from_code, from_rpc_error

Metadata = tuple[tuple[str, str], ...]

_SERVICES: tuple[FileDescriptor, ...] = (
    datamart_service_pb2.DESCRIPTOR,
    export_service_pb2.DESCRIPTOR,
    ingestion_service_pb2.DESCRIPTOR,
    pipeline_service_pb2.DESCRIPTOR,
    preview_service_pb2.DESCRIPTOR,
    readiness_service_pb2.DESCRIPTOR,
    remote_job_service_pb2.DESCRIPTOR,
    run_service_pb2.DESCRIPTOR,
    status_service_pb2.DESCRIPTOR,
    storage_service_pb2.DESCRIPTOR,
    tenant_service_pb2.DESCRIPTOR,
    trigger_service_pb2.DESCRIPTOR,
    warehouse_service_pb2.DESCRIPTOR,
)
_RETRY_POLICY = {
    "maxAttempts": 5,
    "initialBackoff": "0.1s",
    "maxBackoff": "1s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}
# They wait for a place that may be away itself: `StorageCalls` tells the two apart.
_ASKED_ONCE = {"Mount", "WatchFolder", "ImportFile"}
_MAX_MESSAGE_BYTES = 64 << 20

_Request = TypeVar("_Request")
_Response = TypeVar("_Response")


class _PageRequest(Protocol):
    page_token: str


class _Page(Protocol):
    next_page_token: str


_PageRequestT = TypeVar("_PageRequestT", bound=_PageRequest)
_PageT = TypeVar("_PageT", bound=_Page)


def _unary_methods() -> Iterator[MethodDescriptor]:
    for file in _SERVICES:
        for service in file.services_by_name.values():
            for method in service.methods:
                if not (method.client_streaming or method.server_streaming):
                    yield method


def service_config() -> str:
    """Return the gRPC service config: every unary call is retried while the server is away.

    That is safe because a call is idempotent or carries an idempotency key (`mutate`); jobs that a
    lost answer of PollJobs gave are given again when their leases run out.
    Streams are resumed by the code that knows their offset or revision, never blindly.
    """
    names = [
        {"service": m.containing_service.full_name, "method": m.name}
        for m in _unary_methods()
        if m.name not in _ASKED_ONCE
    ]
    return json.dumps({"methodConfig": [{"name": names, "retryPolicy": _RETRY_POLICY}]})


def _options(*, loopback: bool) -> list[tuple[str, str | int]]:
    return [
        ("grpc.primary_user_agent", f"headrace-client/{version('headrace-client')}"),
        ("grpc.service_config", service_config()),
        ("grpc.enable_retries", 1),
        ("grpc.enable_http_proxy", 0 if loopback else 1),
        ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
        ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.min_reconnect_backoff_ms", 200),
        ("grpc.max_reconnect_backoff_ms", 5_000),
        # Clients of one process that dial one address share no broken connection this way.
        ("grpc.use_local_subchannel_pool", 1),
    ]


def _credentials(ca: Path | None, cert: Path | None, key: Path | None) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(
        root_certificates=ca.read_bytes() if ca else None,
        private_key=key.read_bytes() if key else None,
        certificate_chain=cert.read_bytes() if cert else None,
    )


class Connection:
    """An async context manager around one channel; the base of Client, which documents it."""

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        *,
        api_key: str | None = None,
        tenant_id: str | None = None,
        tls: bool = False,
        tls_ca: Path | None = None,
        tls_cert: Path | None = None,
        tls_key: Path | None = None,
        timeout: float = 30.0,
        patience: float = 120.0,
    ) -> None:
        self.address = address
        self.tenant_id = tenant_id
        self.timeout = timeout
        self.patience = patience
        self._parsed = parse_address(address)
        named = {"x-api-key": api_key, "x-tenant-id": tenant_id}
        self._identity = tuple((name, value) for name, value in named.items() if value)
        self._credentials = (
            _credentials(tls_ca, tls_cert, tls_key)
            if tls or self._parsed.tls or tls_ca or tls_cert
            else None
        )

    @cached_property
    def channel(self) -> grpc.aio.Channel:
        """The channel, made on first use: it belongs to the event loop that runs then."""
        target, options = self._parsed.target, _options(loopback=self._parsed.loopback)
        if self._credentials:
            return grpc.aio.secure_channel(target, self._credentials, options=options)
        return grpc.aio.insecure_channel(target, options=options)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the channel; calls under way end."""
        await self.channel.close()

    def metadata(self, **entries: str | None) -> Metadata:
        """Return the metadata of one call: who calls, a new request id, and the given entries.

        An underscore in a name stands for a hyphen; entries that are None are left out.
        """
        extra = ((n.replace("_", "-"), value) for n, value in entries.items() if value)
        return (*self._identity, ("x-request-id", uuid.uuid4().hex), *extra)

    @contextmanager
    def translated(self, metadata: Metadata) -> Iterator[None]:
        """Turn what gRPC raises inside into HeadraceError."""
        try:
            yield
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, dict(metadata)["x-request-id"]) from None
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # grpc.aio cancels its own call when the connection breaks in mid-write.
            raise from_code(grpc.StatusCode.CANCELLED, "the stream was cut") from None
        except grpc.aio.UsageError as error:
            raise from_code(grpc.StatusCode.CANCELLED, str(error)) from None

    async def call(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[_Request, _Response],
        request: _Request,
        *,
        idempotency_key: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  # gRPC enforces it, on both sides
    ) -> _Response:
        """Make one unary call with deadline and metadata. Raises HeadraceError."""
        metadata = self.metadata(idempotency_key=idempotency_key)
        with self.translated(metadata):
            return await method(request, metadata=metadata, timeout=timeout or self.timeout)

    async def mutate(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[_Request, _Response],
        request: _Request,
        idempotency_key: str | None,
        *,
        waits: float = 0.0,
    ) -> _Response:
        """Make one unary call that must happen once, under a new key where none is given.

        `waits` is how many seconds the server may take for it beside the deadline.
        """
        key = idempotency_key or uuid.uuid4().hex
        deadline = self.timeout + waits
        return await self.call(method, request, idempotency_key=key, timeout=deadline)

    async def pages(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[_PageRequestT, _PageT],
        request: _PageRequestT,
    ) -> AsyncIterator[_PageT]:
        """Yield the pages of a list, each read when asked for. Raises HeadraceError."""
        while True:
            page = await self.call(method, request)
            yield page
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token
