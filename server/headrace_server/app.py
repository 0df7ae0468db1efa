"""The composition root: builds every part, in reading order."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from headrace_server.composition.answers import AnswerParts, answer_parts
from headrace_server.composition.connections import inference_of
from headrace_server.composition.foundation import Foundation, open_foundation
from headrace_server.composition.ingestion import IngestionParts, ingestion_parts
from headrace_server.composition.mappings import MappingParts, mapping_parts
from headrace_server.composition.pipelines import RunParts, run_parts
from headrace_server.composition.remote_jobs import RemoteJobParts, remote_job_parts
from headrace_server.composition.storage import StorageParts, storage_parts
from headrace_server.composition.triggers import TriggerParts, trigger_parts
from headrace_server.config import Config
from headrace_server.connectors.filesystem import FileConnector
from headrace_server.core.health import Health
from headrace_server.core.housekeeping import Housekeeping
from headrace_server.core.imports.running import ImportRunner
from headrace_server.core.ingestion.loading import Loading
from headrace_server.core.ingestion.parsing import Parsers
from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.mappings.running import MappingRunner
from headrace_server.core.previews import Previews
from headrace_server.core.queries import Queries
from headrace_server.core.readiness.samples import Samples
from headrace_server.core.readiness.watch import ReadinessWatch
from headrace_server.core.relationships.detecting import Detecting
from headrace_server.core.relationships.detections import DETECT_RELATIONSHIPS, Detections
from headrace_server.core.tenants import Tenants
from headrace_server.core.warehouse_tables import WarehouseTables
from headrace_server.db.engine import ControlStore
from headrace_server.db.wakeups import Wakeups
from headrace_server.rpc.services import Services
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
    runs: RunParts
    triggers: TriggerParts
    warehouses: Warehouses
    parsers: Parsers
    housekeeping: Housekeeping


@asynccontextmanager
async def open_core(config: Config) -> AsyncIterator[Core]:
    """Build the core on its databases, the schema up to date; close it all at the end."""
    async with open_foundation(config) as base:
        core = _core(base)
        await core.tenants.ensure_default()
        yield core


def _core(base: Foundation) -> Core:
    ingestion = ingestion_parts(base)
    mappings = mapping_parts(base, ingestion)
    remote_jobs = remote_job_parts(base, ingestion)
    storage = storage_parts(base, ingestion)
    answers = answer_parts(base, ingestion)
    runs = run_parts(base, ingestion, mappings.acceptance, remote_jobs.requests, answers)
    triggers = trigger_parts(base, runs, storage.folder_watches)
    return Core(
        config=base.config,
        store=base.store,
        jobs=base.jobs,
        wakeups=base.wakeups,
        tenants=base.tenants,
        services=_services(
            base, ingestion, mappings, remote_jobs, storage, answers, runs, triggers
        ),
        loading=ingestion.loading,
        mappings=mappings.runner,
        imports=ingestion.importing,
        detecting=_detecting(base),
        storage=storage,
        answers=answers,
        runs=runs,
        triggers=triggers,
        warehouses=base.warehouses,
        parsers=base.parsers,
        housekeeping=_housekeeping(base, ingestion, remote_jobs, answers, runs),
    )


def _detecting(base: Foundation) -> Detecting:
    detecting = Detecting(
        base.store,
        base.jobs,
        base.warehouses,
        base.wakeups,
        inference_of(base.config),
        base.clock,
    )
    base.jobs.on_failure(DETECT_RELATIONSHIPS, detecting.failed)
    return detecting


def _services(
    base: Foundation,
    ingestion: IngestionParts,
    mappings: MappingParts,
    remote_jobs: RemoteJobParts,
    storage: StorageParts,
    answers: AnswerParts,
    runs: RunParts,
    triggers: TriggerParts,
) -> Services:
    config, store, mounts = base.config, base.store, base.mounts
    return Services(
        tenants=base.tenants,
        idempotency=ingestion.idempotency,
        contracts=base.contracts,
        uploads=ingestion.uploads,
        receiver=ingestion.receiver,
        ingestions=ingestion.ingestions,
        mappings=mappings.acceptance,
        rejects=ingestion.rejects,
        watches=ingestion.watches,
        tables=WarehouseTables(base.warehouses, base.contracts),
        relationships=Detections(
            store, base.jobs, base.warehouses, base.wakeups, base.limits, base.clock
        ),
        queries=Queries(base.warehouses),
        previews=Previews(mounts, FileConnector(config.file_roots), config.spool_dir / "previews"),
        remote_jobs=remote_jobs.requests,
        remote_claims=remote_jobs.claims,
        remote_releases=remote_jobs.releases,
        remote_results=remote_jobs.results,
        sources=remote_jobs.sources,
        contents=remote_jobs.contents,
        durations=remote_jobs.durations,
        datasets=ingestion.datasets,
        samples=Samples(ingestion.datasets, base.clock),
        observer=ingestion.observer,
        readiness_watch=ReadinessWatch(store, ingestion.datasets, ingestion.watches),
        mounts=mounts,
        folder_watches=storage.folder_watches,
        files=storage.files,
        imports=ingestion.imports,
        datamarts=answers.marts.datamarts,
        mart_definitions=answers.marts.definitions,
        refreshes=answers.marts.refreshes,
        mart_schedules=answers.marts.schedules,
        exports=answers.exports,
        export_links=answers.links,
        pipelines=runs.pipelines,
        runs=runs.runs,
        triggers=triggers.triggers,
        trigger_times=triggers.times,
        manual_runs=triggers.manual,
        backfills=triggers.backfills,
        trigger_webhooks=triggers.webhooks,
        health=Health(ingestion.ingestions),
        wakeups=base.wakeups,
    )


def _housekeeping(
    base: Foundation,
    ingestion: IngestionParts,
    remote_jobs: RemoteJobParts,
    answers: AnswerParts,
    runs: RunParts,
) -> Housekeeping:
    return Housekeeping(
        base.store,
        base.spool,
        ingestion.uploads,
        ingestion.settlement,
        ingestion.idempotency,
        base.jobs,
        remote_jobs.requests,
        ingestion.datasets,
        answers.marts.datamarts,
        runs.runs,
        answers.exports,
        base.warehouses,
        base.limits,
        base.clock,
    )
