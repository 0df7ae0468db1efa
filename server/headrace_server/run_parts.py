"""The parts that run pipelines, built in reading order; `app` wires the rest."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from headrace_server.core.datamarts.refreshes import Refreshes
from headrace_server.core.exports.exports import Exports
from headrace_server.core.imports.accepting import FileImports
from headrace_server.core.ingestion.ingestions import Ingestions
from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.limits import Limits
from headrace_server.core.mappings.accepting import MappingAcceptance
from headrace_server.core.pipelines.advancing import Advancing
from headrace_server.core.pipelines.children import ChildrenByKind
from headrace_server.core.pipelines.ending import RunEnds
from headrace_server.core.pipelines.export_children import ExportChildren
from headrace_server.core.pipelines.ingestion_children import ImportChildren, MappingChildren
from headrace_server.core.pipelines.job_children import ConversionChildren, ScoreChildren
from headrace_server.core.pipelines.noticing import RunWatcher
from headrace_server.core.pipelines.pipelines import Pipelines
from headrace_server.core.pipelines.refresh_children import RefreshChildren
from headrace_server.core.pipelines.runs import ADVANCE_RUN, Runs
from headrace_server.core.pipelines.scoring import Scoring
from headrace_server.core.readiness.datasets import Datasets
from headrace_server.core.readiness.observing import Observer
from headrace_server.core.remote_jobs.requests import RemoteJobs
from headrace_server.core.watching import Watches
from headrace_server.db.engine import ControlStore
from headrace_server.db.wakeups import Wakeups
from headrace_server.model.pipeline import StepKind


@dataclass(frozen=True, slots=True)
class RunParts:
    """What keeps pipelines and runs them."""

    pipelines: Pipelines
    runs: Runs
    advancing: Advancing
    scoring: Scoring
    watcher: RunWatcher
    #: have something told of the ends of runs
    ends: RunEnds


def children_of(
    store: ControlStore,
    jobs: Jobs,
    ingestions: Ingestions,
    mappings: MappingAcceptance,
    imports: FileImports,
    remote_jobs: RemoteJobs,
    exports: Exports,
    refreshes: Refreshes,
    limits: Limits,
) -> ChildrenByKind:
    """Return what each kind of step starts."""
    return {
        StepKind.INGEST: MappingChildren(ingestions, mappings),
        StepKind.IMPORT_FILE: ImportChildren(ingestions, imports),
        StepKind.SCORE_DATASET: ScoreChildren(store, jobs, limits),
        StepKind.REFRESH_DATAMART: RefreshChildren(store, refreshes),
        StepKind.EXPORT: ExportChildren(exports),
        StepKind.REMOTE_JOB: ConversionChildren(remote_jobs),
    }


def run_parts(
    store: ControlStore,
    jobs: Jobs,
    wakeups: Wakeups,
    watches: Watches,
    children: ChildrenByKind,
    datasets: Datasets,
    observer: Observer,
    limits: Limits,
    clock: Callable[[], datetime],
) -> RunParts:
    """Build the parts that stand on what steps start."""
    ends = RunEnds(jobs)
    runs = Runs(store, jobs, ends, watches, wakeups, limits)
    pipelines = Pipelines(store, wakeups, clock)
    pipelines.on_delete(runs.guard_deletion)
    advancing = Advancing(store, jobs, children, ends, wakeups)
    jobs.on_failure(ADVANCE_RUN, advancing.failed)
    return RunParts(
        pipelines=pipelines,
        runs=runs,
        advancing=advancing,
        scoring=Scoring(store, jobs, datasets, observer, wakeups),
        watcher=RunWatcher(store, jobs, children, wakeups),
        ends=ends,
    )
