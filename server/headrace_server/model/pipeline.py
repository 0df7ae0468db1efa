"""Pipelines: steps that are run together, in the order of what each depends on."""

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from headrace_server.model.export import ExportRequest
from headrace_server.model.file_import import ImportOptions
from headrace_server.model.mapping import Mapping

#: steps, and parameters, of one pipeline at most
MOST_STEPS, MOST_PARAMETERS = 100, 100
#: parameter that any run takes: the address told when it ends
NOTIFICATION_EMAIL = "notification_email"
#: names that texts may use beside those of the parameters
RESERVED_NAMES = frozenset(
    {"execution_date", "execution_time", "run_id", "pipeline_id", "trigger_id", "event"}
)
#: longest wait before another attempt
_LONGEST_DELAY = timedelta(days=1)


class ParameterType(Enum):
    """What a value must be."""

    STRING = "STRING"
    INTEGER = "INTEGER"
    NUMBER = "NUMBER"
    BOOLEAN = "BOOLEAN"
    DATE = "DATE"
    TIMESTAMP = "TIMESTAMP"
    JSON = "JSON"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that a run is given."""

    name: str
    type: ParameterType = ParameterType.STRING
    #: JSON; None for none
    default: Any = None
    required: bool = False
    description: str = ""


class OnFailure(Enum):
    """What becomes of the others when a step has failed for good."""

    #: no other begins, and the run fails
    FAIL = "FAIL"
    #: what depends on it is skipped, the others go on; then the run fails
    SKIP = "SKIP"
    #: what depends on it goes on
    CONTINUE = "CONTINUE"


@dataclass(frozen=True, slots=True)
class Retry:
    """When a failed step is tried again."""

    #: in all
    attempts: int = 1
    delay: timedelta = timedelta(seconds=10)
    #: how much longer each wait is than the one before
    backoff: float = 2.0

    def wait(self, failures: int) -> timedelta:
        """Return how long to wait after the nth failure."""
        try:
            return min(self.delay * self.backoff ** (failures - 1), _LONGEST_DELAY)
        except OverflowError:
            return _LONGEST_DELAY


class StepKind(Enum):
    """What a step does; the value is its name in files and answers."""

    INGEST = "ingest"
    IMPORT_FILE = "import_file"
    REFRESH_DATAMART = "refresh_datamart"
    SCORE_DATASET = "score_dataset"
    EXPORT = "export"
    REMOTE_JOB = "remote_job"
    APPROVAL = "approval"


@dataclass(frozen=True, slots=True)
class Ingest:
    """Carries mappings."""

    mappings: tuple[Mapping, ...]
    #: name of a `Priority`
    priority: str = "MEDIUM"


@dataclass(frozen=True, slots=True)
class ImportFile:
    """Imports a file of a mount."""

    file_path: str
    #: "schema.table"; empty: found from the file's name
    target_table: str = ""
    options: ImportOptions = field(default_factory=ImportOptions)
    #: name of a `Priority`
    priority: str = "MEDIUM"


@dataclass(frozen=True, slots=True)
class RefreshDatamart:
    """Refreshes a datamart."""

    datamart: str
    schema: str = "analytics"
    #: whether readers see the old rows meanwhile; None as the datamart says
    concurrent: bool | None = None


@dataclass(frozen=True, slots=True)
class ScoreDataset:
    """Scores a dataset."""

    #: id or full name
    dataset: str
    #: whether its table is looked at first
    observe: bool = True
    #: less fails the step
    minimum_score: int = 0


@dataclass(frozen=True, slots=True)
class ConvertFile:
    """Has a worker elsewhere convert a file."""

    source_file_path: str
    content_type: str
    #: what the worker is asked for; JSON
    task_options: MappingOf[str, Any] = field(default_factory=dict)
    #: name of a `Priority`
    priority: str = "MEDIUM"


@dataclass(frozen=True, slots=True)
class Approval:
    """Waits until somebody approves."""

    message: str = ""


Settings = (
    Ingest | ImportFile | RefreshDatamart | ScoreDataset | ExportRequest | ConvertFile | Approval
)
"""What a step is to do; its texts may hold templates."""

#: kind of a step by the type of its settings
KINDS: dict[type[Any], StepKind] = {
    Ingest: StepKind.INGEST,
    ImportFile: StepKind.IMPORT_FILE,
    RefreshDatamart: StepKind.REFRESH_DATAMART,
    ScoreDataset: StepKind.SCORE_DATASET,
    ExportRequest: StepKind.EXPORT,
    ConvertFile: StepKind.REMOTE_JOB,
    Approval: StepKind.APPROVAL,
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a run does."""

    #: names it in its pipeline
    step_id: str
    settings: Settings
    #: ids of steps that must have ended well before
    depends_on: tuple[str, ...] = ()
    retry: Retry = Retry()
    on_failure: OnFailure = OnFailure.FAIL
    #: the most that one attempt may take; None for no bound
    timeout: timedelta | None = None

    @property
    def kind(self) -> StepKind:
        """What it does."""
        return KINDS[type(self.settings)]


@dataclass(frozen=True, slots=True)
class Definition:
    """What a pipeline is, in one version."""

    name: str
    steps: tuple[Step, ...]
    parameters: tuple[Parameter, ...] = ()
    description: str = ""
    #: the most that a run may take; None for no bound
    timeout: timedelta | None = None
    #: parameters and steps as their caller wrote them, for who reads them; JSON
    written: MappingOf[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline in one of its versions."""

    pipeline_id: str
    tenant_id: str
    #: rises with every update, from 1
    version: int
    definition: Definition
    created_at: datetime
    #: when this version was written
    updated_at: datetime
