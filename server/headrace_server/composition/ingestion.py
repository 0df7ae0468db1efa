"""The parts that take files in and load them."""

from dataclasses import dataclass

from headrace_server.composition.foundation import Foundation
from headrace_server.core.idempotency import Idempotency
from headrace_server.core.imports.accepting import IMPORT_FILE, FileImports
from headrace_server.core.imports.earlier import EarlierImports
from headrace_server.core.imports.planning import Planning
from headrace_server.core.imports.preparing import Preparing
from headrace_server.core.imports.running import ImportRunner
from headrace_server.core.imports.sources import ImportSources
from headrace_server.core.ingestion.accepting import LOAD_FILES, Acceptance
from headrace_server.core.ingestion.arrivals import Arrivals
from headrace_server.core.ingestion.ingestions import Ingestions
from headrace_server.core.ingestion.load_records import LoadRecords
from headrace_server.core.ingestion.loading import Loading
from headrace_server.core.ingestion.parent_loads import ParentLoads
from headrace_server.core.ingestion.receiving import FileReceiver
from headrace_server.core.ingestion.rejects import Rejects
from headrace_server.core.ingestion.settling import Settlement
from headrace_server.core.ingestion.uploads import Uploads
from headrace_server.core.readiness.datasets import Datasets
from headrace_server.core.readiness.observing import Observer
from headrace_server.core.storage.records import FileRecords
from headrace_server.core.watching import Watches


@dataclass(frozen=True, slots=True)
class IngestionParts:
    """What takes files in, loads them, and tells of it."""

    idempotency: Idempotency
    uploads: Uploads
    receiver: FileReceiver
    ingestions: Ingestions
    rejects: Rejects
    watches: Watches
    datasets: Datasets
    observer: Observer
    settlement: Settlement
    records: LoadRecords
    loading: Loading
    imports: FileImports
    importing: ImportRunner


def ingestion_parts(base: Foundation) -> IngestionParts:
    """Build the parts of ingestion."""
    store, jobs, wakeups, spool = base.store, base.jobs, base.wakeups, base.spool
    contracts, warehouses, limits, clock = (
        base.contracts,
        base.warehouses,
        base.limits,
        base.clock,
    )
    idempotency = Idempotency(store)
    acceptance = Acceptance(store, jobs, contracts, limits, clock)
    arrivals = Arrivals(store, spool, limits, clock)
    uploads = Uploads(store, spool, contracts, arrivals, acceptance, limits, clock)
    datasets = Datasets(store, wakeups, clock)
    observer = Observer(store, warehouses, datasets, wakeups, clock)
    settlement = Settlement(store, warehouses, wakeups)
    ingestions = Ingestions(store, base.points, jobs, warehouses, spool, settlement, wakeups, clock)
    records = LoadRecords(store, jobs, wakeups, clock)
    jobs.on_failure(LOAD_FILES, records.failed)
    jobs.on_failure(IMPORT_FILE, records.failed)
    parent_loads = ParentLoads(store, wakeups)
    return IngestionParts(
        idempotency=idempotency,
        uploads=uploads,
        receiver=FileReceiver(uploads, arrivals, acceptance, ingestions, idempotency, limits),
        ingestions=ingestions,
        rejects=Rejects(store, ingestions, jobs, warehouses, spool, wakeups),
        watches=Watches(store, ingestions, base.tenants, wakeups, limits, clock),
        datasets=datasets,
        observer=observer,
        settlement=settlement,
        records=records,
        loading=Loading(
            records,
            contracts,
            warehouses,
            spool,
            base.parsers,
            parent_loads,
            settlement,
            observer,
            limits,
        ),
        imports=FileImports(store, jobs, contracts, base.mounts, wakeups, limits, clock),
        importing=_importing(base, records, parent_loads, settlement, observer),
    )


def _importing(
    base: Foundation,
    records: LoadRecords,
    parent_loads: ParentLoads,
    settlement: Settlement,
    observer: Observer,
) -> ImportRunner:
    store, wakeups, limits = base.store, base.wakeups, base.limits
    sources = ImportSources(base.mounts, FileRecords(store, wakeups), base.spool, limits)
    return ImportRunner(
        store,
        records,
        base.warehouses,
        sources,
        Planning(store, sources, base.parsers, limits),
        Preparing(records, base.contracts, base.spool, limits),
        base.spool,
        base.parsers,
        parent_loads,
        EarlierImports(store, wakeups),
        settlement,
        observer,
        wakeups,
        limits,
    )
