"""The parts that hand jobs to workers elsewhere."""

from dataclasses import dataclass
from datetime import timedelta

from headrace_server.composition.foundation import Foundation
from headrace_server.composition.ingestion import IngestionParts
from headrace_server.core.remote_jobs.claims import RemoteClaims
from headrace_server.core.remote_jobs.contents import Contents
from headrace_server.core.remote_jobs.estimates import Durations
from headrace_server.core.remote_jobs.releases import Releases
from headrace_server.core.remote_jobs.requests import RemoteJobs
from headrace_server.core.remote_jobs.results import RemoteResults
from headrace_server.core.remote_jobs.sources import Sources
from headrace_server.model.job import REMOTE


@dataclass(frozen=True, slots=True)
class RemoteJobParts:
    """What workers elsewhere are given, and what they bring."""

    requests: RemoteJobs
    claims: RemoteClaims
    releases: Releases
    results: RemoteResults
    sources: Sources
    contents: Contents
    durations: Durations


def remote_job_parts(base: Foundation, ingestion: IngestionParts) -> RemoteJobParts:
    """Build the parts of remote jobs."""
    store, jobs, queue, wakeups = base.store, base.jobs, base.remote_queue, base.wakeups
    lease = timedelta(seconds=base.config.remote_lease_seconds)
    requests = RemoteJobs(store, jobs, queue, wakeups, ingestion.watches, base.spool, lease)
    jobs.on_failure(REMOTE, requests.failed)
    releases = Releases(store, jobs, wakeups)
    return RemoteJobParts(
        requests=requests,
        claims=RemoteClaims(store, jobs, queue, wakeups, releases),
        releases=releases,
        results=RemoteResults(store, jobs, queue, wakeups),
        sources=Sources(store, jobs, base.spool),
        contents=Contents(store, jobs, ingestion.uploads, requests, base.spool),
        durations=Durations(store),
    )
