"""What the edge needs from the core."""

from dataclasses import dataclass

from headrace_server.core.contracts.registry import Contracts
from headrace_server.core.datamarts.datamarts import Datamarts
from headrace_server.core.datamarts.defining import Definitions
from headrace_server.core.datamarts.refreshes import Refreshes
from headrace_server.core.datamarts.scheduling import MartSchedules
from headrace_server.core.exports.exports import Exports
from headrace_server.core.exports.links import DownloadLinks
from headrace_server.core.health import Health
from headrace_server.core.idempotency import Idempotency
from headrace_server.core.imports.accepting import FileImports
from headrace_server.core.ingestion.ingestions import Ingestions
from headrace_server.core.ingestion.receiving import FileReceiver
from headrace_server.core.ingestion.rejects import Rejects
from headrace_server.core.ingestion.uploads import Uploads
from headrace_server.core.mappings.accepting import MappingAcceptance
from headrace_server.core.pipelines.pipelines import Pipelines
from headrace_server.core.pipelines.runs import Runs
from headrace_server.core.previews import Previews
from headrace_server.core.queries import Queries
from headrace_server.core.readiness.datasets import Datasets
from headrace_server.core.readiness.observing import Observer
from headrace_server.core.readiness.samples import Samples
from headrace_server.core.readiness.watch import ReadinessWatch
from headrace_server.core.relationships.detections import Detections
from headrace_server.core.remote_jobs.claims import RemoteClaims
from headrace_server.core.remote_jobs.contents import Contents
from headrace_server.core.remote_jobs.estimates import Durations
from headrace_server.core.remote_jobs.releases import Releases
from headrace_server.core.remote_jobs.requests import RemoteJobs
from headrace_server.core.remote_jobs.results import RemoteResults
from headrace_server.core.remote_jobs.sources import Sources
from headrace_server.core.storage.files import Files
from headrace_server.core.storage.mounts import Mounts
from headrace_server.core.storage.watches import FolderWatches
from headrace_server.core.tenants import Tenants
from headrace_server.core.triggers.backfill import Backfills
from headrace_server.core.triggers.manual import ManualRuns
from headrace_server.core.triggers.times import TriggerTimes
from headrace_server.core.triggers.triggers import Triggers
from headrace_server.core.triggers.webhooks import WebhookFires
from headrace_server.core.warehouse_tables import WarehouseTables
from headrace_server.core.watching import Watches
from headrace_server.db.wakeups import Wakeups


@dataclass(frozen=True, slots=True)
class Services:
    """The objects of the core that the handlers and interceptors call."""

    tenants: Tenants
    idempotency: Idempotency
    contracts: Contracts
    uploads: Uploads
    receiver: FileReceiver
    ingestions: Ingestions
    mappings: MappingAcceptance
    rejects: Rejects
    watches: Watches
    tables: WarehouseTables
    relationships: Detections
    queries: Queries
    previews: Previews
    remote_jobs: RemoteJobs
    remote_claims: RemoteClaims
    remote_releases: Releases
    remote_results: RemoteResults
    sources: Sources
    contents: Contents
    durations: Durations
    datasets: Datasets
    samples: Samples
    observer: Observer
    readiness_watch: ReadinessWatch
    mounts: Mounts
    folder_watches: FolderWatches
    files: Files
    imports: FileImports
    datamarts: Datamarts
    mart_definitions: Definitions
    refreshes: Refreshes
    mart_schedules: MartSchedules
    exports: Exports
    export_links: DownloadLinks
    pipelines: Pipelines
    runs: Runs
    triggers: Triggers
    trigger_times: TriggerTimes
    manual_runs: ManualRuns
    backfills: Backfills
    trigger_webhooks: WebhookFires
    health: Health
    wakeups: Wakeups
