"""Triggers: what starts pipelines by itself, and how often that happened."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from headrace_server.model.schedule import Schedule, TickPolicy


class TriggerType(Enum):
    """What starts the pipeline."""

    CRON = "CRON"
    WEBHOOK = "WEBHOOK"
    FILE = "FILE"
    #: somebody only
    MANUAL = "MANUAL"


class TriggerStatus(Enum):
    """Whether it starts anything."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"


class Overlap(Enum):
    """What happens where it fires and a run that it started has not ended."""

    SKIP = "SKIP"
    QUEUE_ONE = "QUEUE_ONE"
    ALLOW = "ALLOW"
    CANCEL_RUNNING = "CANCEL_RUNNING"


class OnResume(Enum):
    """What becomes of times and files that came while it was paused."""

    #: nothing
    CONTINUE = "CONTINUE"
    #: they are treated like those that were missed
    MAKE_UP = "MAKE_UP"


class WebhookAuth(Enum):
    """How a webhook proves where it comes from."""

    #: as Standard Webhooks says
    SIGNATURE = "SIGNATURE"
    #: by the secret itself
    TOKEN = "TOKEN"  # noqa: S105  # no secret


class ExecutionStatus(Enum):
    """How a time ended that a trigger fired, or would have."""

    #: waits for the end of the run before it
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    #: nothing was started
    SKIPPED = "SKIPPED"


@dataclass(frozen=True, slots=True)
class TriggerSettings:
    """What of a trigger can be changed."""

    name: str
    #: JSON; texts may hold templates
    parameters: Mapping[str, Any] = field(default_factory=dict)
    #: None unless its type is CRON
    schedule: Schedule | None = None
    policy: TickPolicy = field(default_factory=TickPolicy)
    overlap: Overlap = Overlap.SKIP
    on_resume: OnResume = OnResume.CONTINUE
    #: failed runs in a row; 0 for never
    pause_after_failures: int = 0
    #: path of the tenant's; empty unless its type is FILE
    folder_path: str = ""
    #: names that count; empty for all
    file_pattern: str = ""


@dataclass(frozen=True, slots=True)
class NewTrigger:
    """A trigger to be made."""

    pipeline_id: str
    type: TriggerType
    settings: TriggerSettings
    enabled: bool = True
    webhook_auth: WebhookAuth = WebhookAuth.SIGNATURE


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger, and what came of it."""

    trigger_id: str
    tenant_id: str
    pipeline_id: str
    type: TriggerType
    settings: TriggerSettings
    status: TriggerStatus
    created_at: datetime
    #: None unless its type is WEBHOOK
    webhook_auth: WebhookAuth | None = None
    #: None unless its type is FILE
    watch_id: str | None = None
    #: up to which revision of the tenant's files it has looked
    files_revision: int = 0
    paused_at: datetime | None = None
    pause_reason: str | None = None
    #: runs that it started
    executions: int = 0
    successes: int = 0
    failures: int = 0
    #: since the last success
    consecutive_failures: int = 0
    last_execution_at: datetime | None = None
    #: the next time by the schedule; None where there is none
    next_at: datetime | None = None

    @property
    def success_rate(self) -> float | None:
        """Within [0, 1]; None before the first end."""
        ended = self.successes + self.failures
        return self.successes / ended if ended else None


@dataclass(frozen=True, slots=True)
class Execution:
    """A time that a trigger fired, or would have."""

    execution_id: str
    tenant_id: str
    trigger_id: str
    executed_at: datetime
    #: what it stands for; of a schedule, when it was due
    nominal_at: datetime
    status: ExecutionStatus
    #: why nothing was started, or why that failed; None otherwise
    reason: str | None = None
    run_id: str | None = None
    #: how many times of the schedule it stands for
    times: int = 1
    #: what fired it; JSON
    event: Mapping[str, Any] = field(default_factory=dict)
    #: what the run is given beside the trigger's parameters; JSON
    parameters: Mapping[str, Any] = field(default_factory=dict)
    #: id of the message that fired it; None for other types
    webhook_id: str | None = None
    #: whether somebody asked for it afterwards
    backfill: bool = False
    #: of the run; None until it ended
    duration: timedelta | None = None
    rows: int | None = None
