"""The processes in this process, ended as an operating system ends them."""

import asyncio
import os
import signal
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from headrace_client import Client
from headrace_server.app import open_core
from headrace_server.config import Config, ConfigError
from headrace_server.core.ingestion.receiving import Delivery
from headrace_server.demo import _usual_or_free
from headrace_server.gateway.envoy import Envoy, EnvoyError
from headrace_server.gateway.options import GatewayOptions
from headrace_server.model.ingestion import Status
from headrace_server.model.job import Priority
from headrace_server.model.tenant import Principal, Scope
from headrace_server.processes import (
    asked_to_stop,
    create_admin_key,
    migrate_only,
    serve,
    up,
    work,
)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(
        data_dir=tmp_path / "data",
        grpc_address=_usual_or_free(0),
        http_address=_usual_or_free(0),
        metrics_address=_usual_or_free(0),
        parsers=1,
        drain_seconds=2,
    )


@asynccontextmanager
async def running(
    process: Callable[[Config], Awaitable[None]], config: Config, number: signal.Signals
) -> AsyncIterator[dict[str, Any]]:
    """Run a process until it is ready, and send the signal at the end; gives what it logged."""
    with capture_logs() as records:
        task = asyncio.ensure_future(process(config))
        while not (ready := [record for record in records if record["event"] == "ready"]):
            assert not task.done(), task.exception()
            await asyncio.sleep(0.01)
        yield dict(ready[0])
        os.kill(os.getpid(), number)
        async with asyncio.timeout(30):
            await task
        assert "stopping" in [record["event"] for record in records]


async def test_serve_answers_until_sigterm(config: Config) -> None:
    async with running(serve, config, signal.SIGTERM) as ready:
        assert config.grpc_address.endswith(f":{ready['grpc_port']}")
        async with Client(config.grpc_address) as client:
            assert (await client.get_health()).active_requests == 0
        async with httpx.AsyncClient() as http:
            metrics = await http.get(f"http://{config.metrics_address}/metrics")
        assert metrics.status_code == 200
        assert "headrace" in metrics.text


async def test_up_runs_envoy_in_front_until_sigint(config: Config) -> None:
    async with running(up, config, signal.SIGINT) as ready, httpx.AsyncClient() as http:
        assert ready["http"] == config.http_address
        answer = await http.get(f"http://{config.http_address}/health")
        assert answer.json()["status"] == "HEALTHY"
    async with httpx.AsyncClient() as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(f"http://{config.http_address}/health")


async def test_a_worker_alone_does_what_a_server_accepted(
    postgres_url: str, tmp_path: Path
) -> None:
    config = Config(data_dir=tmp_path, database_url=postgres_url, parsers=1, drain_seconds=2)

    async def body() -> AsyncIterator[bytes]:
        yield b"not a customer\n"

    async with open_core(config) as core:
        caller = Principal("default", frozenset(Scope), None)
        delivery = Delivery("test", "customers_1.ndjson", "", Priority.MEDIUM, "")
        accepted = (await core.services.receiver.receive(caller, delivery, body())).ingestion
        async with running(work, config, signal.SIGTERM), asyncio.timeout(30):
            watch = core.services.watches.ingestion(caller, accepted.request_id, 0)
            ended = [snapshot async for snapshot in watch][-1]
    assert (ended.status, ended.rows_rejected) == (Status.FAILED, 1)


async def test_a_worker_alone_cannot_share_sqlite(config: Config) -> None:
    with pytest.raises(ConfigError, match="--database-url postgresql://"):
        await work(config)


async def test_migrate_only_makes_the_schema(config: Config) -> None:
    await migrate_only(config)
    connection = sqlite3.connect(config.data_dir / "control.sqlite")
    found = connection.execute("SELECT count(*) FROM alembic_version").fetchone()
    connection.close()
    assert found == (1,)


async def test_the_first_admin_key_lets_in(config: Config) -> None:
    secret = await create_admin_key(config, "first")
    async with open_core(config) as core:
        principal = await core.tenants.authenticate(secret)
        assert principal.may(Scope.ADMIN)
        assert not await core.tenants.anonymous_allowed()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_asked_to_stop_by_a_signal(number: signal.Signals) -> None:
    asked = asyncio.create_task(asked_to_stop())
    await asyncio.sleep(0)
    os.kill(os.getpid(), number)
    async with asyncio.timeout(10):
        await asked


async def test_it_hears_signals_as_soon_as_it_says_that_it_is_ready() -> None:
    async with asyncio.timeout(10):
        await asked_to_stop(ready=lambda: os.kill(os.getpid(), signal.SIGTERM))


async def test_stopped_when_envoy_ends(tmp_path: Path) -> None:
    async with Envoy(GatewayOptions(http_address="127.0.0.1:0"), tmp_path) as envoy:
        asked = asyncio.create_task(asked_to_stop(envoy))
        await asyncio.sleep(0)
        assert not asked.done()
        os.kill(envoy.pid or 0, signal.SIGKILL)
        with pytest.raises(EnvoyError, match=r"ended with status -9; its log is .*envoy\.log"):
            async with asyncio.timeout(10):
                await asked


async def test_a_taken_http_port_is_an_error_that_names_the_option(config: Config) -> None:
    taken = await asyncio.start_server(lambda _r, w: w.close(), *config.http_address.split(":"))
    async with taken:
        with pytest.raises(EnvoyError, match=f"{config.http_address}, .* --http-address"):
            await up(config)
