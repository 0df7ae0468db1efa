"""What every part stands on: settings, stores, queue, and ways out of the process."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from headrace_server.composition.connections import open_mounts, vault_of, webhooks_of
from headrace_server.config import Config
from headrace_server.connectors.http import HttpConnector
from headrace_server.connectors.webhooks import Webhooks
from headrace_server.core.background import in_background
from headrace_server.core.contracts.registry import Contracts
from headrace_server.core.imports.tasks import stage, understand_copy, understand_few_rows
from headrace_server.core.ingestion.parsing import Parsers, process_pool
from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.limits import MOST_IMPORT_CHUNK_BYTES, Limits
from headrace_server.core.schedules.schedules import Schedules
from headrace_server.core.storage.mounts import Mounts
from headrace_server.core.tenants import Tenants
from headrace_server.core.vault import Vault
from headrace_server.db.engine import ControlStore
from headrace_server.db.frozen_sessions import keep_ending_frozen_sessions
from headrace_server.db.migrations import migrate
from headrace_server.db.point_reads import PointReads
from headrace_server.db.remote_queue import RemoteQueue, open_remote_queue
from headrace_server.db.wakeups import Wakeups, open_wakeups
from headrace_server.files.spool import Spool
from headrace_server.warehouse.registry import Warehouses


@dataclass(frozen=True, slots=True)
class Foundation:
    """What every part stands on; it outlives them."""

    config: Config
    store: ControlStore
    wakeups: Wakeups
    points: PointReads
    remote_queue: RemoteQueue
    warehouses: Warehouses
    parsers: Parsers
    spool: Spool
    http: HttpConnector
    webhooks: Webhooks
    mounts: Mounts
    vault: Callable[[], Vault]
    jobs: Jobs
    schedules: Schedules
    tenants: Tenants
    contracts: Contracts
    limits: Limits
    clock: Callable[[], datetime]


@asynccontextmanager
async def open_foundation(config: Config) -> AsyncIterator[Foundation]:
    """Open it, the control store's schema up to date; close it all at the end."""
    await asyncio.to_thread(config.data_dir.mkdir, parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        store = ControlStore.open(config.control_url)
        stack.push_async_callback(store.close)
        await migrate(store)
        if store.dialect == "postgresql":
            ending = keep_ending_frozen_sessions(config.control_url)
            await stack.enter_async_context(in_background(ending, "frozen-sessions"))
        wakeups = open_wakeups(config.control_url)
        await wakeups.start()
        stack.push_async_callback(wakeups.close)
        points = PointReads(config.control_url)
        stack.push_async_callback(points.close)
        remote_queue = open_remote_queue(store)
        stack.push_async_callback(remote_queue.close)
        warehouses = Warehouses(config.control_url, folder=config.data_dir / "warehouses")
        stack.push_async_callback(warehouses.close)
        parsers = Parsers(
            partial(
                process_pool, config.parser_count, (understand_copy, stage), understand_few_rows
            ),
            config.parser_count,
        )
        stack.callback(parsers.close)
        http = HttpConnector(allow_private=config.allow_private_targets)
        stack.push_async_callback(http.close)
        vault = vault_of(config, store)
        mounts = await stack.enter_async_context(open_mounts(config, store, vault, _now))
        webhooks = webhooks_of(config)
        stack.push_async_callback(webhooks.close)
        yield Foundation(
            config=config,
            store=store,
            wakeups=wakeups,
            points=points,
            remote_queue=remote_queue,
            warehouses=warehouses,
            parsers=parsers,
            spool=Spool(config.spool_dir),
            http=http,
            webhooks=webhooks,
            mounts=mounts,
            vault=vault,
            jobs=Jobs(store, wakeups),
            schedules=Schedules(wakeups),
            tenants=Tenants(store, wakeups),
            contracts=Contracts(store),
            limits=_limits_of(config),
            clock=_now,
        )


def _limits_of(config: Config) -> Limits:
    return Limits(
        upload_bytes=config.max_upload_bytes,
        line_bytes=config.max_line_bytes,
        chunk_bytes=config.chunk_bytes,
        import_chunk_bytes=min(config.chunk_bytes, MOST_IMPORT_CHUNK_BYTES),
        lease=timedelta(seconds=config.lease_seconds),
        kept_bytes_life=timedelta(days=config.keep_uploads_days),
    )


def _now() -> datetime:
    return datetime.now(UTC)
