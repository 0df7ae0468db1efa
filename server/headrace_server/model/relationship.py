"""How tables belong together: what is known of their columns, and what follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum


class Kind(Enum):
    """What the values of a column are, as far as they can be compared."""

    INTEGER = "integer"
    TEXT = "text"
    DATE = "date"
    #: fractions, moments, truth values, documents: nothing that rows are told apart by
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """What a column shows by its values, or by those of a part of its table."""

    name: str
    #: SQL type in the words of the database
    type: str
    kind: Kind
    #: its place in the table, from 0
    position: int
    #: rows without a value, of all rows
    nulls: int = 0
    #: different values; estimated unless the part was the whole table
    distinct: int = 0
    #: whether all rows have a value, each its own
    unique: bool = False
    #: of whole numbers the least and the greatest of all rows; None of other kinds
    minimum: int | None = None
    maximum: int | None = None
    #: characters of the values' texts, on average and at most
    mean_length: float = 0.0
    longest: int = 0
    #: share of the rows that the commonest value has
    top_share: float = 0.0
    #: different values at equal distances in their order, the first and the last among them
    sample: tuple[int | str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeclaredReference:
    """A foreign key that the database enforces, or knows of."""

    columns: tuple[str, ...]
    #: schema and name of the table referred to
    to_schema: str
    to_table: str
    to_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableFacts:
    """What a table shows."""

    schema: str
    name: str
    rows: int
    columns: tuple[ColumnFacts, ...]
    #: declared primary key; empty where there is none
    primary_key: tuple[str, ...] = ()
    #: columns, more than one, that are unique together, declared or found
    composite_keys: tuple[tuple[str, ...], ...] = ()
    references: tuple[DeclaredReference, ...] = ()

    def column(self, name: str) -> ColumnFacts:
        """Return a column. Raises KeyError."""
        return next((c for c in self.columns if c.name == name), None) or _no_column(name)


def _no_column(name: str) -> ColumnFacts:
    raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Inclusion:
    """How far the values of columns are found among those of others; rows without one left out."""

    #: different values, and those of them that are not found
    distinct: int
    missing: int
    #: rows that have values
    rows: int


class RelationshipType(Enum):
    """How many rows of each side belong together."""

    MANY_TO_ONE = "MANY_TO_ONE"
    ONE_TO_ONE = "ONE_TO_ONE"
    MANY_TO_MANY = "MANY_TO_MANY"


class DetectionMethod(Enum):
    """What a relationship was told by, in the main."""

    FOREIGN_KEY_CONSTRAINT = "foreign_key_constraint"
    CONFIRMED = "confirmed"
    VALUE_INCLUSION = "value_inclusion"
    NAME_MATCH = "name_match"
    AI_INFERENCE = "ai_inference"


@dataclass(frozen=True, slots=True)
class Relationship:
    """Rows of one table refer to rows of another."""

    from_table: str
    from_columns: tuple[str, ...]
    to_table: str
    to_columns: tuple[str, ...]
    type: RelationshipType
    #: 0 to 1
    confidence: float
    method: DetectionMethod
    #: the junction table of MANY_TO_MANY; empty for other types
    through: str = ""
    #: what speaks for it, each in a sentence
    evidence: tuple[str, ...] = ()

    @property
    def edge(self) -> "Edge":
        """What tells it from others."""
        return Edge(
            self.from_table, self.from_columns, self.to_table, self.to_columns, self.through
        )


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """Names a relationship between tables of one schema."""

    from_table: str
    from_columns: tuple[str, ...]
    to_table: str
    to_columns: tuple[str, ...]
    #: the junction table of MANY_TO_MANY; else empty
    through: str = ""


class DetectionStatus(Enum):
    """Where a detection stands."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


#: states that a detection leaves by itself
OPEN_DETECTIONS = frozenset({DetectionStatus.PENDING, DetectionStatus.IN_PROGRESS})


@dataclass(frozen=True, slots=True)
class DetectionRequest:
    """What is to be found out."""

    schema: str
    #: names in the schema; empty for all
    tables: tuple[str, ...]
    #: 0 to 1; less sure ones are left out
    confidence_threshold: float
    #: whether the trained model judges, rather than plain rules
    use_ai: bool


@dataclass(frozen=True, slots=True)
class Detection:
    """A search for relationships and what it found."""

    detection_id: str
    tenant_id: str
    request: DetectionRequest
    status: DetectionStatus
    #: tables whose columns were looked at, of how many
    tables_read: int
    total_tables: int
    #: why it failed; None unless it did
    error: str | None
    created_at: datetime
    completed_at: datetime | None
    #: when it is forgotten
    expires_at: datetime
    #: the sure enough ones, by tables and columns; empty until it is completed
    relationships: tuple[Relationship, ...] = ()

    @property
    def terminal(self) -> bool:
        """Whether nothing changes any more."""
        return self.status not in OPEN_DETECTIONS


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decided on one suggestion."""

    schema: str
    edge: Edge
    #: accepted, or rejected
    accepted: bool
    #: of an accepted one; None leaves it to detection
    type: RelationshipType | None
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class Decisions:
    """What was decided on the tables of one schema."""

    accepted: Mapping[Edge, RelationshipType | None] = field(default_factory=dict)
    rejected: frozenset[Edge] = frozenset()
