"""The parts that keep pipelines and run them."""

from dataclasses import dataclass

from headrace_server.composition.answers import AnswerParts
from headrace_server.composition.foundation import Foundation
from headrace_server.composition.ingestion import IngestionParts
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
from headrace_server.core.remote_jobs.requests import RemoteJobs
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


def run_parts(
    base: Foundation,
    ingestion: IngestionParts,
    mappings: MappingAcceptance,
    remote_jobs: RemoteJobs,
    answers: AnswerParts,
) -> RunParts:
    """Build the parts that stand on what steps start."""
    store, jobs, wakeups, limits = base.store, base.jobs, base.wakeups, base.limits
    children: ChildrenByKind = {
        StepKind.INGEST: MappingChildren(ingestion.ingestions, mappings),
        StepKind.IMPORT_FILE: ImportChildren(ingestion.ingestions, ingestion.imports),
        StepKind.SCORE_DATASET: ScoreChildren(store, jobs, limits),
        StepKind.REFRESH_DATAMART: RefreshChildren(store, answers.marts.refreshes),
        StepKind.EXPORT: ExportChildren(answers.exports),
        StepKind.REMOTE_JOB: ConversionChildren(remote_jobs),
    }
    ends = RunEnds(jobs)
    runs = Runs(store, jobs, ends, ingestion.watches, wakeups, limits)
    pipelines = Pipelines(store, wakeups, base.clock)
    pipelines.on_delete(runs.guard_deletion)
    advancing = Advancing(store, jobs, children, ends, wakeups)
    jobs.on_failure(ADVANCE_RUN, advancing.failed)
    return RunParts(
        pipelines=pipelines,
        runs=runs,
        advancing=advancing,
        scoring=Scoring(store, jobs, ingestion.datasets, ingestion.observer, wakeups),
        watcher=RunWatcher(store, jobs, children, wakeups),
        ends=ends,
    )
