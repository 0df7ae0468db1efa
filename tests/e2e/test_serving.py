"""`headrace-server` in processes of its own: TLS, keys, and a worker beside a server."""

import asyncio
import json
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import httpx
import pytest
from headrace.v1.ingestion_pb2 import Ingestion

from headrace_client import Client, HeadraceError
from headrace_server.demo import _usual_or_free

from .conftest import CERTIFICATES, customer, lines, new_id, run_command

CA, CERT, KEY = (CERTIFICATES / name for name in ("ca.pem", "client.pem", "client.key"))
SERVER_TLS = (
    "--tls-cert", CERTIFICATES / "server.pem", "--tls-key", CERTIFICATES / "server.key"
)  # fmt: skip


@asynccontextmanager
async def serving(command: str, *args: str | Path) -> AsyncIterator[dict[str, Any]]:
    """Run a command until it is ready, and end it by SIGTERM; gives what it logged as ready."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "headrace_server", command, *map(str, args), "--parsers", "1",
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )  # fmt: skip
    assert process.stderr is not None
    logged: list[str] = []
    try:
        while True:
            line = (await process.stderr.readline()).decode()
            logged.append(line)
            assert line, "".join(logged)
            if line.startswith("{") and json.loads(line)["event"] == "ready":
                break
        rest = asyncio.create_task(process.stderr.read())
        yield json.loads(line)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        status = await process.wait()
    assert status == 0, "".join(logged) + (await rest).decode()
    assert b"Traceback" not in await rest


async def test_mutual_tls_for_grpc_and_envoy(tmp_path: Path) -> None:
    grpc_address, http_address = _usual_or_free(0), _usual_or_free(0)
    file = tmp_path / "customers_1.ndjson"
    file.write_bytes(lines(customer(new_id())))
    async with serving(
        "up", *SERVER_TLS, "--tls-client-ca", CA, "--data-dir", tmp_path / "data",
        "--grpc-address", grpc_address, "--http-address", http_address, "--metrics-address", "",
    ):  # fmt: skip
        for address in (grpc_address, f"https://{http_address}"):
            async with Client(address, tls_ca=CA, tls_cert=CERT, tls_key=KEY) as client:
                upload = await client.upload(file)
                *_, ended = [each async for each in client.watch(upload.request_id or "")]
                assert ended.status == Ingestion.COMPLETED
            async with Client(address, tls_ca=CA, patience=0.1, timeout=5) as stranger:
                with pytest.raises(HeadraceError) as refused:
                    await stranger.get_health()
            assert refused.value.code in {
                grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED
            }  # fmt: skip
        trust = ssl.create_default_context(cafile=str(CA))
        url = f"https://{http_address}/health"
        async with httpx.AsyncClient(verify=trust) as stranger_rest:
            with pytest.raises((httpx.HTTPError, ssl.SSLError)):
                await stranger_rest.get(url)
        trust.load_cert_chain(CERT, KEY)
        async with httpx.AsyncClient(verify=trust) as rest:
            assert (await rest.get(url)).json()["status"] == "HEALTHY"
        told = await run_command(
            "headrace_client", "--address", grpc_address, "--tls-ca", CA, "--tls-cert", CERT,
            "--tls-key", KEY, "health",
        )  # fmt: skip
        assert told.status == 0


async def test_beyond_loopback_with_a_key_and_tls(tmp_path: Path) -> None:
    """TLS without clients' certificates; every call needs the key that was made first."""
    made = await run_command("headrace_server", "create-admin-key", "--data-dir", tmp_path)
    assert made.status == 0
    secret = made.out.strip()
    port = _usual_or_free(0).rpartition(":")[2]
    async with serving(
        "serve", *SERVER_TLS, "--data-dir", tmp_path, "--grpc-address", f"0.0.0.0:{port}",
        "--metrics-address", "",
    ):  # fmt: skip
        address = f"127.0.0.1:{port}"
        async with Client(address, tls_ca=CA, api_key=secret) as client:
            assert [tenant.tenant_id async for tenant in client.list_tenants()] == ["default"]
        async with Client(address, tls_ca=CA) as stranger:
            with pytest.raises(HeadraceError) as refused:
                await stranger.get_status("any")
        assert refused.value.code is grpc.StatusCode.UNAUTHENTICATED
        async with Client(address, timeout=5, patience=0.1) as plain:
            with pytest.raises(HeadraceError):
                await plain.get_health()


@pytest.mark.usefixtures("measured_processes")
async def test_a_worker_beside_a_server_on_postgresql(postgres_url: str, tmp_path: Path) -> None:
    """The server is stopped in between: the worker alone takes what is left."""
    shared = ("--data-dir", tmp_path, "--database-url", postgres_url)
    address = _usual_or_free(0)
    file = tmp_path / "customers_1.ndjson"
    file.write_bytes(lines(*(customer(new_id()) for _ in range(100))))
    migrated = await run_command("headrace_server", "migrate", *shared)
    assert migrated.status == 0
    async with (
        serving("worker", *shared),
        serving("serve", *shared, "--grpc-address", address, "--metrics-address", ""),
        Client(address) as client,
    ):
        upload = await client.upload(file)
        *_, ended = [each async for each in client.watch(upload.request_id or "")]
        assert (ended.status, ended.rows_loaded) == (Ingestion.COMPLETED, 100)
    name = postgres_url.partition("?")[0].rpartition("/")[2]
    connection = await asyncpg.connect(postgres_url, database=f"{name}.default")
    assert await connection.fetchval("SELECT count(*) FROM customers") == 100
    await connection.close()
