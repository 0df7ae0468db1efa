"""Datasets: what their owners declare of them, and how ready that makes them for use."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from headrace_server.model.observation import Observation


class Dimension(Enum):
    """What a score is made of; `MAX_SCORES` has the points."""

    OWNERSHIP = "OWNERSHIP"
    DOCUMENTATION = "DOCUMENTATION"
    SCHEMA_HYGIENE = "SCHEMA_HYGIENE"
    DATA_QUALITY = "DATA_QUALITY"
    STABILITY = "STABILITY"
    OPERATIONS = "OPERATIONS"


MAX_SCORES: Mapping[Dimension, int] = {
    Dimension.OWNERSHIP: 15,
    Dimension.DOCUMENTATION: 20,
    Dimension.SCHEMA_HYGIENE: 15,
    Dimension.DATA_QUALITY: 20,
    Dimension.STABILITY: 20,
    Dimension.OPERATIONS: 10,
}
"""The most points of each dimension; 100 in all."""


class ReadinessStatus(Enum):
    """How far a dataset may be relied on; the value is the least score."""

    GOLD = 85
    PRODUCTION_READY = 70
    INTERNAL = 50
    DRAFT = 0

    @classmethod
    def of(cls, score: int) -> "ReadinessStatus":
        """Return the status that a score earns."""
        return next(status for status in cls if score >= status.value)


class CheckKind(Enum):
    """What a quality check looks at."""

    NOT_NULL = "NOT_NULL"
    UNIQUE = "UNIQUE"
    ACCEPTED_VALUES = "ACCEPTED_VALUES"
    RANGE = "RANGE"
    FORMAT = "FORMAT"
    REFERENCE = "REFERENCE"
    SCHEMA = "SCHEMA"
    DISTRIBUTION = "DISTRIBUTION"
    FRESHNESS = "FRESHNESS"
    CUSTOM = "CUSTOM"


class CheckOutcome(Enum):
    """How a check ended when it was last run."""

    NOT_RUN = "NOT_RUN"
    PASSED = "PASSED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Owner:
    """Who answers for a dataset; empty texts are unknown."""

    name: str = ""
    team: str = ""
    #: where to reach them: an address, a channel
    contact: str = ""


@dataclass(frozen=True, slots=True)
class DeclaredColumn:
    """One column as its owner describes it."""

    name: str
    #: in the owner's words, such as "varchar(20)"; empty for unknown
    type: str = ""
    description: str = ""
    #: whether readers should stop using it
    deprecated: bool = False


@dataclass(frozen=True, slots=True)
class QualityCheck:
    """One check that somebody runs on the data, and its latest result."""

    name: str
    kind: CheckKind
    #: columns that it looks at; empty for the whole table
    columns: tuple[str, ...] = ()
    outcome: CheckOutcome = CheckOutcome.NOT_RUN
    #: when it was last run; None for unknown
    checked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BreakingChange:
    """A change that readers must follow."""

    description: str
    #: when it takes effect
    effective_at: datetime
    #: when readers were told; None where they were not
    announced_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Declaration:
    """What is declared of a dataset; what is empty or None is not declared."""

    #: "schema.table", unique in the tenant; a table of the warehouse bears the same name
    full_name: str
    display_name: str = ""
    description: str = ""
    owner: Owner = Owner()
    #: who stands in for the owner
    steward: str = ""
    documentation_url: str = ""
    tags: tuple[str, ...] = ()
    columns: tuple[DeclaredColumn, ...] = ()
    primary_key: tuple[str, ...] = ()
    checks: tuple[QualityCheck, ...] = ()
    #: version of the schema that readers rely on
    version: str = ""
    breaking_changes: tuple[BreakingChange, ...] = ()
    #: the most hours that the newest data may be old
    freshness_hours: int | None = None
    last_updated_at: datetime | None = None
    #: when new data comes, in the owner's words
    update_schedule: str = ""
    #: what the data is made from
    upstreams: tuple[str, ...] = ()
    retention_days: int | None = None


@dataclass(frozen=True, slots=True)
class Waiver:
    """The losses of one rule, excused for a while."""

    rule: str
    justification: str
    #: id of the key that granted it; None for an anonymous caller
    granted_by: str | None
    granted_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a rule took points away, or would have."""

    dimension: Dimension
    rule: str
    #: points lost; 0 while a waiver excuses the loss
    points: int
    message: str
    #: nothing could be measured, so nothing was earned
    not_evaluated: bool = False
    #: what is declared, where what was observed contradicts it
    declared: str | None = None
    observed: str | None = None
    #: end of the waiver that excuses the loss; None where none does
    waived_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """What wins the points of a rule back."""

    dimension: Dimension
    rule: str
    #: points to be won
    points: int
    description: str


@dataclass(frozen=True, slots=True)
class DimensionScore:
    """The score of one dimension: its most points less those of its reasons."""

    dimension: Dimension
    score: int
    max_score: int
    #: rules that could not be measured; their points are lost
    not_evaluated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A score with all that explains it."""

    score: int
    status: ReadinessStatus
    dimensions: tuple[DimensionScore, ...]
    reasons: tuple[Reason, ...]
    #: those that win most first
    actions: tuple[Action, ...]
    #: names the rules that judged
    rules_version: str
    #: when time alone may change the score; None for never
    valid_until: datetime | None


class ScoreCause(Enum):
    """What a dataset was scored for."""

    DECLARED = "DECLARED"
    REQUESTED = "REQUESTED"
    OBSERVED = "OBSERVED"
    WAIVER = "WAIVER"
    #: time passed, or the rules changed
    RESCORED = "RESCORED"


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset as it stands."""

    dataset_id: str
    tenant_id: str
    declaration: Declaration
    #: what was seen in the warehouse; None where nothing was
    observation: Observation | None
    evaluation: Evaluation
    waivers: tuple[Waiver, ...]
    #: that of its tenant's readiness when it last changed
    revision: int
    scored_at: datetime
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ScoreEntry:
    """One entry of a dataset's history."""

    #: counts from 1
    number: int
    scored_at: datetime
    score: int
    status: ReadinessStatus
    rules_version: str
    cause: ScoreCause
    dimensions: tuple[DimensionScore, ...]


class DatasetOrder(Enum):
    """How lists of datasets are ordered; ties by name."""

    NAME = "NAME"
    BEST_FIRST = "BEST_FIRST"
    WORST_FIRST = "WORST_FIRST"


@dataclass(frozen=True, slots=True)
class DatasetFilter:
    """Which datasets are asked for."""

    #: None for any
    status: ReadinessStatus | None = None
    #: part of the full name, in any case; empty for any
    search: str = ""
    order: DatasetOrder = DatasetOrder.NAME


@dataclass(frozen=True, slots=True)
class ReadinessSnapshot:
    """A tenant's datasets as they stood at a revision; reasons and actions are left out."""

    revision: int
    #: by id
    datasets: Mapping[str, Dataset]
    #: datasets never end
    terminal: bool = False
