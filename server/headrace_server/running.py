"""What a core runs as long as a process lives: its worker and its server."""

import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry

from headrace_server.app import Core
from headrace_server.config import ConfigError, split_address
from headrace_server.core.datamarts.endings import REFRESH_DATAMART
from headrace_server.core.exports.exports import EXPORT
from headrace_server.core.imports.accepting import IMPORT_FILE
from headrace_server.core.ingestion.accepting import LOAD_FILES
from headrace_server.core.mappings.accepting import RUN_MAPPINGS
from headrace_server.core.pipelines.job_children import SCORE_DATASET
from headrace_server.core.pipelines.runs import ADVANCE_RUN
from headrace_server.core.relationships.detections import DETECT_RELATIONSHIPS
from headrace_server.core.storage.notifications import NOTIFY
from headrace_server.core.triggers.firing import CANCEL_RUNS
from headrace_server.db.sole_worker import sole_worker
from headrace_server.rpc.metrics import MetricsEndpoint
from headrace_server.rpc.options import ServerOptions, Tls
from headrace_server.rpc.server import Server, build_server
from headrace_server.worker.worker import Worker


@asynccontextmanager
async def running_worker(core: Core) -> AsyncIterator[Worker]:
    """Work on the queue; at the end give back what the drain time does not finish."""
    worker = Worker(
        core.jobs,
        {
            LOAD_FILES: core.loading.run,
            RUN_MAPPINGS: core.mappings.run,
            IMPORT_FILE: core.imports.run,
            DETECT_RELATIONSHIPS: core.detecting.run,
            REFRESH_DATAMART: core.answers.marts.refreshing.run,
            EXPORT: core.answers.exporting.run,
            NOTIFY: core.storage.notifier.run,
            ADVANCE_RUN: core.runs.advancing.run,
            SCORE_DATASET: core.runs.scoring.run,
            CANCEL_RUNS: core.triggers.manual.cancel_superseded,
        },
        core.wakeups,
        worker_id=f"{socket.gethostname()}-{os.getpid()}",
        concurrency=core.config.concurrency,
        reap_seconds=core.config.reap_seconds,
    )
    with sole_worker(core.config.control_url) as alone:
        if alone:
            # What a killed process held need not wait for its leases to run out.
            await core.jobs.take_back()
        core.parsers.start()
        await worker.start()
        try:
            async with AsyncExitStack() as stack:
                if core.config.observe_loads:
                    await stack.enter_async_context(core.services.observer.running())
                await stack.enter_async_context(core.storage.watcher.running())
                await stack.enter_async_context(core.answers.marts.follower.running())
                await stack.enter_async_context(core.runs.watcher.running())
                await stack.enter_async_context(core.triggers.ticker.running())
                await stack.enter_async_context(core.triggers.follower.running())
                yield worker
        finally:
            await worker.stop(core.config.drain_seconds)


@asynccontextmanager
async def running_server(core: Core) -> AsyncIterator[int]:
    """Answer calls; gives the port that is listened on.

    Raises ConfigError where callers without a key could come from beyond this machine.
    """
    config = core.config
    await refuse_open_doors(core)
    registry = CollectorRegistry()
    tls = None
    if config.tls_cert:
        authority = Path(config.tls_client_ca) if config.tls_client_ca else None
        tls = Tls(Path(config.tls_cert), Path(config.tls_key), authority)
    options = ServerOptions(tls=tls, allow_anonymous=not config.listens_beyond_loopback)
    server: Server = build_server(core.services, options, registry)
    port = server.bind(config.grpc_address)
    async with AsyncExitStack() as stack:
        if config.metrics_address:
            host, metrics_port = split_address("metrics_address", config.metrics_address)
            try:
                metrics = MetricsEndpoint.start(registry, host=host, port=metrics_port)
            except OSError as error:
                raise OSError(
                    f"cannot serve metrics on {config.metrics_address} ({error.strerror}): "
                    "give another --metrics-address, or '' for none"
                ) from error
            stack.callback(metrics.stop)
        await stack.enter_async_context(core.housekeeping.running())
        await server.start()
        stack.push_async_callback(server.stop, config.drain_seconds)
        yield port


async def refuse_open_doors(core: Core) -> None:
    """Raise ConfigError where anonymous callers could come from beyond this machine."""
    if core.config.listens_beyond_loopback and await core.tenants.anonymous_allowed():
        raise ConfigError(
            "no API key exists, so that anybody could call: listen on a loopback address, or make "
            "the first key with: headrace-server create-admin-key"
        )
