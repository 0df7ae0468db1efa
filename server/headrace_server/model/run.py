"""Runs: pipelines under way, and how each of their steps stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from headrace_server.model.pipeline import StepKind


class RunStatus(Enum):
    """Where a run stands."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    #: for approval; nothing else goes on
    WAITING = "WAITING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


#: statuses of runs that have not ended
OPEN_RUNS = frozenset({RunStatus.PENDING, RunStatus.RUNNING, RunStatus.WAITING})
#: statuses from which a run can be resumed
RESUMABLE = frozenset({RunStatus.FAILED, RunStatus.CANCELLED})


class StepStatus(Enum):
    """Where a step of a run stands."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    #: for approval
    WAITING = "WAITING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    CANCELLED = "CANCELLED"


#: statuses of steps that have not ended
OPEN_STEPS = frozenset({StepStatus.PENDING, StepStatus.RUNNING, StepStatus.WAITING})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What somebody decided on an approval."""

    approved: bool
    #: id of the key; "anonymous" without one
    decided_by: str
    decided_at: datetime
    comment: str = ""


@dataclass(frozen=True, slots=True)
class RunStep:
    """A step of a run and how it stands."""

    step_id: str
    kind: StepKind
    status: StepStatus = StepStatus.PENDING
    #: rises with every attempt; 0 before the first
    attempt: int = 0
    #: attempts that failed since the run began or was resumed
    failures: int = 0
    #: not begun before this instant; None for none
    next_attempt_at: datetime | None = None
    #: id of what the attempt starts elsewhere, fixed before that; None where there is none
    child_id: str | None = None
    #: whether that may be under way still
    child_open: bool = False
    #: of the attempt
    started_at: datetime | None = None
    completed_at: datetime | None = None
    #: percent of the attempt
    progress: int = 0
    rows: int = 0
    #: what it made: ids and the like; JSON
    output: Mapping[str, Any] = field(default_factory=dict)
    #: why the last attempt failed; None unless it did
    error: str | None = None
    #: what is to be approved, templates filled; None for other kinds
    message: str | None = None
    #: None until it is decided
    verdict: Verdict | None = None

    @property
    def ended(self) -> bool:
        """Whether the run does nothing more on it."""
        return self.status not in OPEN_STEPS


@dataclass(frozen=True, slots=True)
class Run:
    """A run and how far it has come."""

    run_id: str
    tenant_id: str
    pipeline_id: str
    #: the version that it began with
    pipeline_version: int
    status: RunStatus
    #: rises with every change
    revision: int
    #: JSON, by name, those of defaults among them
    parameters: Mapping[str, Any]
    #: who is told when it ends; empty for nobody
    notification_email: str
    #: None where somebody started it
    trigger_id: str | None
    #: what it stands for; of a schedule, when it was due
    nominal_time: datetime
    #: the same where its schedule lives, in ISO 8601 with the offset
    local_time: str
    #: what fired the trigger: "file" and the like; JSON
    event: Mapping[str, Any]
    #: why it failed or was cancelled; None otherwise
    error: str | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    #: when it fails for taking too long; None for never
    deadline_at: datetime | None
    #: in the order of the pipeline; empty in lists
    steps: tuple[RunStep, ...] = ()
    #: steps in all, those that ended, those that failed
    total_steps: int = 0
    ended_steps: int = 0
    failed_steps: int = 0
    #: rows that the steps processed
    rows: int = 0

    @property
    def terminal(self) -> bool:
        """Whether it goes on by itself no more."""
        return self.status not in OPEN_RUNS

    @property
    def progress(self) -> int:
        """Percent of the steps that are done; 100 only where it succeeded."""
        if self.status is RunStatus.SUCCEEDED:
            return 100
        done = sum(100 if step.ended else step.progress for step in self.steps)
        return min(99, done // max(self.total_steps, 1))


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of what happened to a step."""

    step_id: str
    attempt: int
    at: datetime
    message: str
    #: place among the lines of the run, from 1
    number: int = 0


@dataclass(frozen=True, slots=True)
class ChildState:
    """How what a step started stands: an ingestion, a refresh, an export or a job."""

    ended: bool
    #: whether it ended well
    succeeded: bool = False
    #: percent
    progress: int = 0
    rows: int = 0
    #: what there is to tell of it; JSON
    output: Mapping[str, Any] = field(default_factory=dict)
    #: why it did not end well; None unless it did not
    error: str | None = None


@dataclass(frozen=True, slots=True)
class OpenChild:
    """What a step started that may be under way still."""

    run_id: str
    tenant_id: str
    kind: StepKind
    child_id: str
    #: whether the step waits for its end
    awaited: bool
    #: as they were noted
    progress: int
    rows: int
