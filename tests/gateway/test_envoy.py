"""The process: how it comes up, how it ends, and TLS on both of its sides."""

import asyncio
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import httpx
import psutil
import pytest

from headrace_server.gateway import launch
from headrace_server.gateway.admin import Admin
from headrace_server.gateway.envoy import Envoy, EnvoyError
from headrace_server.gateway.options import Address, GatewayOptions
from headrace_server.rpc.options import Tls

Upstream = Callable[[], grpc.aio.Server]


@asynccontextmanager
async def _started(server: grpc.aio.Server, tls: Tls | None = None) -> AsyncIterator[str]:
    """Start a server; gives its address."""
    address = "127.0.0.1:0"
    port = (
        server.add_secure_port(address, tls.credentials())
        if tls
        else server.add_insecure_port(address)
    )
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


def _options(grpc_address: str, **others: str) -> GatewayOptions:
    return GatewayOptions(http_address="127.0.0.1:0", grpc_address=grpc_address, **others)  # type: ignore[arg-type]  # of texts only


async def test_it_serves_from_a_free_port_until_stopped(tmp_path: Path, upstream: Upstream) -> None:
    async with _started(upstream()) as address:
        async with Envoy(_options(address), tmp_path / "new", concurrency=1) as envoy:
            assert envoy.address.port > 0
            assert envoy.pid
            url = f"http://{envoy.address}/health"
            async with httpx.AsyncClient() as http:
                assert (await http.get(url)).status_code == 200
            assert envoy.log.parent == tmp_path / "new"
        assert await envoy.wait() == 0
        assert not psutil.pid_exists(envoy.pid)
        async with httpx.AsyncClient() as http:
            with pytest.raises(httpx.ConnectError):
                await http.get(url)
        await envoy.stop()


async def test_calls_that_run_may_end(tmp_path: Path, upstream: Upstream) -> None:
    async with _started(upstream()) as address:
        envoy = Envoy(_options(address), tmp_path, concurrency=1)
        await envoy.start()
        async with httpx.AsyncClient(base_url=f"http://{envoy.address}") as http:
            sent, proceed = asyncio.Event(), asyncio.Event()

            async def body() -> AsyncIterator[bytes]:
                yield b"a"
                sent.set()
                await proceed.wait()
                yield b"b"

            url = "/api/v1/ingest/comprehensive?file_name=a"
            upload = asyncio.create_task(http.post(url, content=body()))
            await sent.wait()
            await http.get("/health")
            stopping = asyncio.create_task(envoy.stop())
            await asyncio.sleep(0.2)
            assert not stopping.done()
            proceed.set()
            assert (await upload).json()["bytes_received"] == "2"
            await stopping


async def test_a_call_that_does_not_end_is_cut(tmp_path: Path, upstream: Upstream) -> None:
    async with _started(upstream()) as address:
        envoy = Envoy(_options(address), tmp_path, concurrency=1, drain_seconds=0.1)
        await envoy.start()
        async with httpx.AsyncClient(base_url=f"http://{envoy.address}") as http:
            endless = asyncio.create_task(http.get("/status/r1/results"))
            await http.get("/health")
            await envoy.stop()
            with pytest.raises(httpx.TransportError):
                await endless


async def test_a_taken_port_is_told(tmp_path: Path) -> None:
    first = _options("127.0.0.1:1")
    async with Envoy(first, tmp_path / "1", concurrency=1) as envoy:
        second = GatewayOptions(http_address=str(envoy.address), grpc_address="127.0.0.1:1")
        other = Envoy(second, tmp_path / "2", concurrency=1)
        with pytest.raises(EnvoyError, match=r"(?i)address already in use"):
            await other.start()
        assert await other.wait() != 0


_HOLDS_ENVOY = """
import asyncio, sys
from pathlib import Path
from headrace_server.gateway.envoy import Envoy
from headrace_server.gateway.options import GatewayOptions

async def main():
    options = GatewayOptions(http_address="127.0.0.1:0", grpc_address="127.0.0.1:1")
    async with Envoy(options, Path(sys.argv[1]), concurrency=1) as envoy:
        print(envoy.pid, flush=True)
        await envoy.wait()

asyncio.run(main())
"""


async def test_it_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _HOLDS_ENVOY, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert holder.stdout is not None
    envoy = psutil.Process(int(await holder.stdout.readline()))
    assert envoy.name().startswith("envoy")
    holder.kill()
    await holder.wait()
    _, alive = await asyncio.to_thread(psutil.wait_procs, [envoy], 10)
    assert not alive


@pytest.mark.parametrize("gone", [False, True])
def test_nothing_is_launched_for_a_process_that_is_gone(gone: bool) -> None:
    script, parent = Path(launch.__file__), 0 if gone else os.getpid()
    ended = subprocess.run(
        [sys.executable, script, str(parent), "/bin/sh", "-c", "echo runs"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ended.returncode, "runs" in ended.stdout) == (int(gone), not gone)


async def test_options_that_are_wrong_are_told(tmp_path: Path) -> None:
    envoy = Envoy(GatewayOptions(http_address="127.0.0.1:0", grpc_address="nope"), tmp_path)
    with pytest.raises(EnvoyError, match="'nope' is not an address"):
        await envoy.start()
    assert envoy.pid is None
    assert await envoy.wait() is None


async def test_a_start_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    envoy = Envoy(_options("127.0.0.1:1"), tmp_path, start_seconds=0)
    with pytest.raises(EnvoyError, match="not ready within 0 s"):
        await envoy.start()
    assert await envoy.wait() is not None


async def test_a_start_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    envoy = Envoy(_options("127.0.0.1:1"), tmp_path)
    starting = asyncio.create_task(envoy.start())
    while envoy.pid is None:  # nobody tells when it is spawned
        await asyncio.sleep(0.01)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert await envoy.wait() is not None


async def test_its_death_is_noticed(tmp_path: Path) -> None:
    async with Envoy(_options("127.0.0.1:1"), tmp_path, concurrency=1) as envoy:
        assert envoy.pid
        psutil.Process(envoy.pid).kill()
        assert await envoy.wait() == -9


async def test_an_admin_that_is_away_is_not_ready_and_drains_at_once() -> None:
    admin = Admin(Address("127.0.0.1", 1))
    assert not await admin.is_ready()
    await admin.drain(60)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority (ca) and a server, each a .pem and a .key."""
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    openssl("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=x")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names")
    openssl("x509", "-req", "-in", "server.csr", *signed, "-out", "server.pem")
    return folder


@pytest.mark.parametrize("mutual", [False, True])
async def test_tls_on_both_sides(
    tmp_path: Path, certificates: Path, upstream: Upstream, mutual: bool
) -> None:
    cert, key, authority = (certificates / name for name in ("server.pem", "server.key", "ca.pem"))
    tls = Tls(cert, key, client_ca=authority if mutual else None)
    async with _started(upstream(), tls) as address:
        options = _options(
            address,
            tls_cert=str(cert),
            tls_key=str(key),
            tls_client_ca=str(authority) if mutual else "",
        )
        async with Envoy(options, tmp_path, concurrency=1) as envoy:
            context = ssl.create_default_context(cafile=str(authority))
            if mutual:
                url = f"https://{envoy.address}/health"
                async with httpx.AsyncClient(verify=context) as stranger:
                    with pytest.raises((httpx.TransportError, ssl.SSLError)):
                        await stranger.get(url)
                context = ssl.create_default_context(cafile=str(authority))
                context.load_cert_chain(cert, key)
            async with httpx.AsyncClient(verify=context) as http:
                answer = await http.get(f"https://{envoy.address}/health")
            assert answer.json()["status"] == "HEALTHY"


async def test_another_server_in_its_place_is_not_trusted(
    tmp_path: Path, certificates: Path, upstream: Upstream
) -> None:
    real = Tls(certificates / "server.pem", certificates / "server.key")
    other = Tls(certificates / "ca.pem", certificates / "ca.key")
    async with _started(upstream(), other) as address:
        options = _options(address, tls_cert=str(real.cert), tls_key=str(real.key))
        async with Envoy(options, tmp_path, concurrency=1) as envoy:
            context = ssl.create_default_context(cafile=str(certificates / "ca.pem"))
            async with httpx.AsyncClient(verify=context) as http:
                answer = await http.get(f"https://{envoy.address}/health")
            assert answer.status_code == 503
