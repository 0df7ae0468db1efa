"""The processes that the commands start."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog

from headrace_server.app import Core, open_core
from headrace_server.config import Config, ConfigError
from headrace_server.core.storage import rotation as storage_rotation
from headrace_server.core.tenants import DEFAULT_TENANT
from headrace_server.core.triggers import rotation as trigger_rotation
from headrace_server.core.vault import open_vault, put_new_key_first
from headrace_server.db.engine import ControlStore, shown
from headrace_server.db.migrations import migrate
from headrace_server.gateway.envoy import Envoy
from headrace_server.gateway.options import GatewayOptions
from headrace_server.model.tenant import Scope
from headrace_server.running import running_server, running_worker

_log = structlog.get_logger(__name__)


async def serve(config: Config) -> None:
    """Run server and worker until the process is asked to stop."""
    async with open_core(config) as core, running_worker(core), running_server(core) as port:
        where = _where(config)
        await asked_to_stop(ready=lambda: _log.info("ready", grpc_port=port, **where))


async def up(config: Config) -> None:
    """Run server, worker and Envoy until the process is asked to stop.

    Raises EnvoyError where Envoy ends before.
    """
    async with (
        open_core(config) as core,
        running_worker(core),
        running_server(core),
        running_gateway(core) as envoy,
    ):
        where = {"grpc": config.grpc_address, "http": config.http_address, **_where(config)}
        await asked_to_stop(envoy, ready=lambda: _log.info("ready", **where))


async def work(config: Config) -> None:
    """Run a worker alone until the process is asked to stop."""
    if not config.control_url.startswith("postgres"):
        raise ConfigError(
            "a worker alone needs a PostgreSQL that it shares with the servers: give "
            "--database-url postgresql://... (on SQLite the server does the work itself)"
        )
    async with open_core(config) as core, running_worker(core):
        where = _where(config)
        await asked_to_stop(ready=lambda: _log.info("ready", **where))


async def migrate_only(config: Config) -> None:
    """Bring the control store's schema up to date."""
    await asyncio.to_thread(config.data_dir.mkdir, parents=True, exist_ok=True)
    store = ControlStore.open(config.control_url)
    try:
        await migrate(store)
    finally:
        await store.close()


async def create_admin_key(config: Config, description: str) -> str:
    """Make an admin key of tenant `default`; returns its secret."""
    async with open_core(config) as core:
        _, secret = await core.tenants.create_key(DEFAULT_TENANT, description, {Scope.ADMIN})
    return secret


async def rotate_secrets(config: Config) -> int:
    """Seal all secrets at rest with the newest key; returns how many had another.

    Keys in the data folder's file get a new one before them. Raises SecretKeyError.
    """
    shared = config.control_url.startswith("postgres")
    if not config.secret_keys and not shared:
        await asyncio.to_thread(put_new_key_first, config.data_dir)
    vault = open_vault(config.secret_keys, data_dir=config.data_dir, shared=shared)
    store = ControlStore.open(config.control_url)
    try:
        await migrate(store)
        of_mounts = await storage_rotation.rotate(store, vault)
        return of_mounts + await trigger_rotation.rotate(store, vault)
    finally:
        await store.close()


@asynccontextmanager
async def running_gateway(core: Core) -> AsyncIterator[Envoy]:
    """Run Envoy in front of the server."""
    config = core.config
    options = GatewayOptions(
        http_address=config.http_address,
        grpc_address=config.grpc_address,
        tls_cert=config.tls_cert,
        tls_key=config.tls_key,
        tls_client_ca=config.tls_client_ca,
        cors_origins=tuple(filter(None, config.cors_origins.split(","))),
    )
    async with Envoy(options, config.data_dir / "envoy") as envoy:
        yield envoy


async def asked_to_stop(
    envoy: Envoy | None = None, *, ready: Callable[[], None] = lambda: None
) -> None:
    """Return on SIGTERM or SIGINT. Raises EnvoyError where Envoy ends before.

    `ready` tells others that they may ask: it is called once they are heard.
    """
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    ready()
    waits: list[asyncio.Task[object]] = [asyncio.create_task(asked.wait())]
    if envoy is not None:
        waits.append(asyncio.create_task(envoy.ended_by_itself()))
    done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    _log.info("stopping")
    if waits[0] not in done:
        done.pop().result()


def _where(config: Config) -> dict[str, str]:
    """Say where the state is kept."""
    return {"control_store": shown(config.control_url), "data_dir": str(config.data_dir)}
