import asyncio
import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest

from headrace_client import (
    AccessDeniedError,
    Client,
    HeadraceError,
    NotFoundError,
    UnavailableError,
)
from headrace_client.connection import service_config

if TYPE_CHECKING:
    from client.fake.server import FakeServer
    from client.fake.state import State


async def test_every_call_says_who_calls(server: "FakeServer", state: "State") -> None:
    async with Client(server.address, api_key="k", tenant_id="acme") as client:
        await client.get_health()
        await client.get_health()
    first, second = (metadata for _, metadata in state.calls)
    assert (first["x-api-key"], first["x-tenant-id"]) == ("k", "acme")
    assert first["x-request-id"] != second["x-request-id"]
    assert first["user-agent"].startswith("headrace-client/")


async def test_an_error_names_the_request(server: "FakeServer", state: "State") -> None:
    async with Client(server.address) as client:
        with pytest.raises(NotFoundError) as raised:
            await client.get_status("nobody")
    assert raised.value.reason == "NOT_FOUND"
    assert raised.value.metadata == {"resource_type": "ingestion"}
    assert raised.value.request_id == state.calls[0][1]["x-request-id"]


async def test_a_wrong_key_is_refused(server: "FakeServer", state: "State") -> None:
    state.api_key = "right"
    async with Client(server.address, api_key="wrong") as client:
        with pytest.raises(AccessDeniedError):
            await client.get_status("x")


async def test_unary_calls_outlast_a_short_absence(server: "FakeServer", state: "State") -> None:
    state.unavailable["GetHealth"] = 3
    async with Client(server.address) as client:
        await client.get_health()
    assert state.count("GetHealth") == 4


async def test_a_repeated_mutation_happens_once(server: "FakeServer", state: "State") -> None:
    state.unavailable["CreateTenant"] = 2
    async with Client(server.address) as client:
        await client.create_tenant("acme")
    keys = {metadata["idempotency-key"] for _, metadata in state.calls}
    assert len(state.calls) == 3
    assert len(keys) == 1


def test_the_retry_policy_names_unary_calls_only() -> None:
    (method_config,) = json.loads(service_config())["methodConfig"]
    names = {name["method"] for name in method_config["name"]}
    assert {"GetStatus", "CreateUploadSession", "CreateApiKey", "ListTables"} <= names
    assert not names & {"AppendUpload", "IngestFile", "IngestOrders", "WatchStatus"}
    assert method_config["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE"]


async def test_nobody_at_the_address(server: "FakeServer") -> None:
    server.stop()
    async with Client(server.address) as client:
        with pytest.raises(UnavailableError):
            await client.get_health()
    server.start()


async def test_a_deadline_is_kept(server: "FakeServer", state: "State") -> None:
    state.running.clear()
    async with Client(server.address, timeout=0.1) as client:
        with pytest.raises(UnavailableError) as raised:
            await client.get_health()
    assert raised.value.code is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_a_closed_client_says_so(server: "FakeServer") -> None:
    client = Client(server.address)
    await client.get_health()
    await client.close()
    with pytest.raises(HeadraceError, match="closed"):
        await client.get_health()


async def test_cancelling_a_call_cancels(server: "FakeServer", state: "State") -> None:
    state.running.clear()
    async with Client(server.address) as client:
        answer = await client.ingest_file(__file__)

        async def watch() -> None:
            async for _ in client.watch(answer.request_id):
                begun.set()

        begun = asyncio.Event()
        task = asyncio.create_task(watch())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_pages_are_read_to_the_last(server: "FakeServer", state: "State") -> None:
    async with Client(server.address) as client:
        assert len([table async for table in client.list_tables()]) == 4
        assert len([table async for table in client.list_tables(page_size=3)]) == 4
    assert state.count("ListTables") == 4


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
            "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost",
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert, key


@pytest.mark.parametrize("scheme", ["https://", ""])
async def test_mutual_tls(
    server: "FakeServer", scheme: str, certificate: tuple[Path, Path]
) -> None:
    cert, key = certificate
    pair = (key.read_bytes(), cert.read_bytes())
    server.credentials = grpc.ssl_server_credentials([pair], pair[1], require_client_auth=True)
    server.stop()
    server.start()
    address = f"{scheme}localhost:{server.port}"
    async with Client(address, tls_ca=cert, tls_cert=cert, tls_key=key) as client:
        assert (await client.get_health()).status
    async with Client(address, tls_ca=cert) as stranger:
        with pytest.raises(UnavailableError):
            await stranger.get_health()
