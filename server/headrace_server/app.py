"""The composition root: builds every part, in reading order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from headrace_server.answer_parts import AnswerParts, answer_parts
from headrace_server.config import Config, ConfigError
from headrace_server.connectors.base import Connector, ConnectorError
from headrace_server.connectors.chat import Chat
from headrace_server.connectors.filesystem import FileConnector
from headrace_server.connectors.http import HttpConnector
from headrace_server.connectors.registry import BARE, Connectors
from headrace_server.connectors.roots import Root, known_schemes, root_of
from headrace_server.connectors.simulated import SimulatedSystem
from headrace_server.connectors.stores import StoreConnector
from headrace_server.connectors.webhooks import Webhooks
from headrace_server.core.contracts.registry import Contracts
from headrace_server.core.health import Health
from headrace_server.core.housekeeping import Housekeeping
from headrace_server.core.idempotency import Idempotency
from headrace_server.core.imports.accepting import IMPORT_FILE, FileImports
from headrace_server.core.imports.earlier import EarlierImports
from headrace_server.core.imports.planning import Planning
from headrace_server.core.imports.running import ImportRunner
from headrace_server.core.imports.sources import ImportSources
from headrace_server.core.ingestion.accepting import LOAD_FILES, Acceptance
from headrace_server.core.ingestion.arrivals import Arrivals
from headrace_server.core.ingestion.ingestions import Ingestions
from headrace_server.core.ingestion.load_records import LoadRecords
from headrace_server.core.ingestion.loading import Loading
from headrace_server.core.ingestion.parent_loads import ParentLoads
from headrace_server.core.ingestion.parsing import Parsers, process_pool
from headrace_server.core.ingestion.receiving import FileReceiver
from headrace_server.core.ingestion.rejects import Rejects
from headrace_server.core.ingestion.settling import Settlement
from headrace_server.core.ingestion.uploads import Uploads
from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.limits import MOST_IMPORT_CHUNK_BYTES, Limits
from headrace_server.core.mappings.accepting import RUN_MAPPINGS, MappingAcceptance
from headrace_server.core.mappings.carrying import Carrier
from headrace_server.core.mappings.circuits import Hosts
from headrace_server.core.mappings.records import MappingRecords
from headrace_server.core.mappings.running import MappingRunner
from headrace_server.core.mappings.table_loads import TableLoads
from headrace_server.core.mappings.tables import TableConnector
from headrace_server.core.previews import Previews
from headrace_server.core.queries import Queries
from headrace_server.core.readiness.datasets import Datasets
from headrace_server.core.readiness.observing import Observer
from headrace_server.core.readiness.samples import Samples
from headrace_server.core.readiness.watch import ReadinessWatch
from headrace_server.core.relationships.detecting import Detecting
from headrace_server.core.relationships.detections import DETECT_RELATIONSHIPS, Detections
from headrace_server.core.relationships.inference import Inference
from headrace_server.core.relationships.judgement import Judgement
from headrace_server.core.relationships.model import Model
from headrace_server.core.remote_jobs.claims import RemoteClaims
from headrace_server.core.remote_jobs.contents import Contents
from headrace_server.core.remote_jobs.estimates import Durations
from headrace_server.core.remote_jobs.releases import Releases
from headrace_server.core.remote_jobs.requests import RemoteJobs
from headrace_server.core.remote_jobs.results import RemoteResults
from headrace_server.core.remote_jobs.sources import Sources
from headrace_server.core.schedules.schedules import Schedules
from headrace_server.core.storage.mounts import Mounts
from headrace_server.core.storage.records import FileRecords
from headrace_server.core.tenants import Tenants
from headrace_server.core.warehouse_tables import WarehouseTables
from headrace_server.core.watching import Watches
from headrace_server.db.engine import ControlStore
from headrace_server.db.migrations import migrate
from headrace_server.db.point_reads import PointReads
from headrace_server.db.remote_queue import RemoteQueue, open_remote_queue
from headrace_server.db.wakeups import Wakeups, open_wakeups
from headrace_server.files.spool import Spool
from headrace_server.model.job import REMOTE
from headrace_server.pipeline_parts import PipelineParts, pipeline_parts
from headrace_server.rpc.services import Services
from headrace_server.run_parts import RunParts, children_of, run_parts
from headrace_server.storage_parts import (
    StorageParts,
    open_mounts,
    storage_parts,
    vault_of,
    webhooks_of,
)
from headrace_server.warehouse.registry import Warehouses


@dataclass(frozen=True, slots=True)
class Core:
    """The core's parts that outlive a call."""

    config: Config
    store: ControlStore
    jobs: Jobs
    wakeups: Wakeups
    tenants: Tenants
    services: Services
    loading: Loading
    mappings: MappingRunner
    imports: ImportRunner
    detecting: Detecting
    storage: StorageParts
    answers: AnswerParts
    pipelines: PipelineParts
    runs: RunParts
    warehouses: Warehouses
    parsers: Parsers
    housekeeping: Housekeeping


def now() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)


def limits_of(config: Config) -> Limits:
    """Return the limits that the settings ask for."""
    return Limits(
        upload_bytes=config.max_upload_bytes,
        line_bytes=config.max_line_bytes,
        chunk_bytes=config.chunk_bytes,
        import_chunk_bytes=min(config.chunk_bytes, MOST_IMPORT_CHUNK_BYTES),
        lease=timedelta(seconds=config.lease_seconds),
        kept_bytes_life=timedelta(days=config.keep_uploads_days),
    )


def connectors_of(config: Config, http: HttpConnector, tables: TableConnector) -> Connectors:
    """Return what mappings read and write, by the scheme of the address."""
    simulated = SimulatedSystem(
        success_rate=config.simulated_success_rate,
        latency=config.simulated_latency_ms / 1000,
        seed=config.simulated_seed,
    )
    stores = StoreConnector(roots := roots_of(config))
    own: dict[str, Connector] = {
        BARE: simulated,
        "http": http,
        "https": http,
        "file": FileConnector(config.file_roots),
        "table": tables,
    }
    by_scheme = {**own, **{root.place.scheme: stores for root in roots}}
    return Connectors(by_scheme, without_root=known_schemes())


def roots_of(config: Config) -> list[Root]:
    """Return the roots in fsspec's stores that the settings allow. Raises ConfigError."""
    try:
        return [root_of(url, options) for url, options in config.store_roots.items()]
    except ConnectorError as error:
        raise ConfigError(f"allowed_roots: {error}") from error


def inference_of(config: Config) -> Inference:
    """Return what tells how tables belong together, with the endpoint that the settings name."""
    if not config.ai_url:
        return Inference(Model.shipped())
    chat = Chat(config.ai_url, config.ai_model, config.ai_key)
    return Inference(Model.shipped(), Judgement(chat, share_values=config.ai_share_values))


@asynccontextmanager
async def open_core(config: Config) -> AsyncIterator[Core]:
    """Build the core on its databases, the schema up to date; close it all at the end."""
    await asyncio.to_thread(config.data_dir.mkdir, parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        store = ControlStore.open(config.control_url)
        stack.push_async_callback(store.close)
        await migrate(store)
        wakeups = open_wakeups(config.control_url)
        await wakeups.start()
        stack.push_async_callback(wakeups.close)
        points = PointReads(config.control_url)
        stack.push_async_callback(points.close)
        remote_queue = open_remote_queue(store)
        stack.push_async_callback(remote_queue.close)
        warehouses = Warehouses(config.control_url, folder=config.data_dir / "warehouses")
        stack.push_async_callback(warehouses.close)
        parsers = Parsers(partial(process_pool, config.parser_count), config.parser_count)
        stack.callback(parsers.close)
        http = HttpConnector(allow_private=config.allow_private_targets)
        stack.push_async_callback(http.close)
        mounts = await stack.enter_async_context(open_mounts(config, store, now))
        webhooks = webhooks_of(config)
        stack.push_async_callback(webhooks.close)
        core = _wire(
            config,
            store,
            wakeups,
            points,
            remote_queue,
            warehouses,
            parsers,
            http,
            mounts,
            webhooks,
        )
        await core.tenants.ensure_default()
        yield core


def _wire(
    config: Config,
    store: ControlStore,
    wakeups: Wakeups,
    points: PointReads,
    remote_queue: RemoteQueue,
    warehouses: Warehouses,
    parsers: Parsers,
    http: HttpConnector,
    mounts: Mounts,
    webhooks: Webhooks,
) -> Core:
    limits = limits_of(config)
    spool = Spool(config.spool_dir)
    jobs = Jobs(store, wakeups)
    schedules = Schedules(wakeups)
    tenants = Tenants(store, wakeups)
    idempotency = Idempotency(store)
    contracts = Contracts(store)
    acceptance = Acceptance(store, jobs, contracts, limits, now)
    arrivals = Arrivals(store, spool, limits, now)
    uploads = Uploads(store, spool, contracts, arrivals, acceptance, limits, now)
    datasets = Datasets(store, wakeups, now)
    observer = Observer(store, warehouses, datasets, wakeups, now)
    settlement = Settlement(store, warehouses, wakeups)
    ingestions = Ingestions(store, points, jobs, warehouses, spool, settlement, wakeups, now)
    records = LoadRecords(store, jobs, wakeups, now)
    jobs.on_failure(LOAD_FILES, records.failed)
    parent_loads = ParentLoads(store, wakeups)
    loading = Loading(
        records,
        contracts,
        warehouses,
        spool,
        parsers,
        parent_loads,
        settlement,
        observer,
        limits,
    )
    jobs.on_failure(IMPORT_FILE, records.failed)
    import_sources = ImportSources(mounts, FileRecords(store, wakeups), spool, limits)
    importing = ImportRunner(
        store,
        records,
        contracts,
        warehouses,
        import_sources,
        Planning(store, import_sources, parsers, limits),
        spool,
        parsers,
        parent_loads,
        EarlierImports(store, wakeups),
        settlement,
        observer,
        wakeups,
        limits,
    )
    table_loads = TableLoads(contracts, warehouses, spool, parsers, settlement, observer, limits)
    connectors = connectors_of(config, http, TableConnector(warehouses, table_loads))
    mapping_records = MappingRecords(store, jobs, wakeups, now)
    jobs.on_failure(RUN_MAPPINGS, mapping_records.failed)
    mappings = MappingRunner(
        records.begin,
        mapping_records,
        Carrier(connectors, Hosts(config.mapping_host_limit)),
        table_loads,
        batch=config.mapping_batch,
        concurrency=config.mapping_concurrency,
    )
    detecting = Detecting(store, jobs, warehouses, wakeups, inference_of(config), now)
    jobs.on_failure(DETECT_RELATIONSHIPS, detecting.failed)
    watches = Watches(store, ingestions, tenants, wakeups, limits, now)
    remote_lease = timedelta(seconds=config.remote_lease_seconds)
    remote_jobs = RemoteJobs(store, jobs, remote_queue, wakeups, watches, spool, remote_lease)
    jobs.on_failure(REMOTE, remote_jobs.failed)
    releases = Releases(store, jobs, wakeups)
    imports = FileImports(store, jobs, contracts, mounts, wakeups, limits, now)
    storage = storage_parts(
        config, store, wakeups, jobs, contracts, mounts, imports, webhooks, watches, now
    )
    answers = answer_parts(
        store,
        jobs,
        contracts,
        schedules,
        warehouses,
        spool,
        watches,
        wakeups,
        tenants,
        limits,
        now,
    )
    mapping_acceptance = MappingAcceptance(store, jobs, connectors, contracts, limits, now)
    children = children_of(
        store,
        jobs,
        ingestions,
        mapping_acceptance,
        imports,
        remote_jobs,
        answers.exports,
        answers.marts.refreshes,
        limits,
    )
    runs = run_parts(store, jobs, wakeups, watches, children, datasets, observer, limits, now)
    pipelines = pipeline_parts(
        store, jobs, wakeups, schedules, runs, storage.folder_watches, vault_of(config, store)
    )
    services = Services(
        tenants=tenants,
        idempotency=idempotency,
        contracts=contracts,
        uploads=uploads,
        receiver=FileReceiver(uploads, arrivals, acceptance, ingestions, idempotency, limits),
        ingestions=ingestions,
        mappings=mapping_acceptance,
        rejects=Rejects(store, ingestions, jobs, warehouses, spool, wakeups),
        watches=watches,
        tables=WarehouseTables(warehouses, contracts),
        relationships=Detections(store, jobs, warehouses, wakeups, limits, now),
        queries=Queries(warehouses),
        previews=Previews(mounts, FileConnector(config.file_roots), config.spool_dir / "previews"),
        remote_jobs=remote_jobs,
        remote_claims=RemoteClaims(store, jobs, remote_queue, wakeups, releases),
        remote_releases=releases,
        remote_results=RemoteResults(store, jobs, remote_queue, wakeups),
        sources=Sources(store, jobs, spool),
        contents=Contents(store, jobs, uploads, remote_jobs, spool),
        durations=Durations(store),
        datasets=datasets,
        samples=Samples(datasets, now),
        observer=observer,
        readiness_watch=ReadinessWatch(store, datasets, watches),
        mounts=mounts,
        folder_watches=storage.folder_watches,
        files=storage.files,
        imports=imports,
        datamarts=answers.marts.datamarts,
        mart_definitions=answers.marts.definitions,
        refreshes=answers.marts.refreshes,
        mart_schedules=answers.marts.schedules,
        exports=answers.exports,
        export_links=answers.links,
        pipelines=runs.pipelines,
        runs=runs.runs,
        triggers=pipelines.triggers,
        trigger_times=pipelines.times,
        manual_runs=pipelines.manual,
        backfills=pipelines.backfills,
        trigger_webhooks=pipelines.webhooks,
        health=Health(ingestions),
        wakeups=wakeups,
    )
    housekeeping = Housekeeping(
        store,
        spool,
        uploads,
        settlement,
        idempotency,
        jobs,
        remote_jobs,
        datasets,
        answers.marts.datamarts,
        runs.runs,
        answers.exports,
        warehouses,
        limits,
        now,
    )
    return Core(
        config,
        store,
        jobs,
        wakeups,
        tenants,
        services,
        loading,
        mappings,
        importing,
        detecting,
        storage,
        answers,
        pipelines,
        runs,
        warehouses,
        parsers,
        housekeeping,
    )
