"""What was seen of a table in the warehouse, rather than declared."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """What the values of a column look like; of the sampled rows."""

    name: str
    #: type in the contract's words, in the database's where no contract declares the table
    type: str
    nullable: bool
    #: share of nulls; None where no row was there to see
    null_rate: float | None = None
    #: mean of the numbers, or of the lengths of texts; None for other types
    mean: float | None = None
    #: standard deviation of the same
    deviation: float | None = None


@dataclass(frozen=True, slots=True)
class KeyProfile:
    """Whether columns that shall be unique together are."""

    columns: tuple[str, ...]
    #: share of the rows that repeat another's values; nulls are left out
    duplicate_rate: float
    #: whether the database lets no duplicate in
    enforced: bool = False


@dataclass(frozen=True, slots=True)
class TableProfile:
    """A table as it was found; all figures of one moment."""

    #: rows in the table; an estimate where only a part was sampled
    rows: int
    #: rows that the figures of columns come from; all of them where it equals `rows`
    sampled_rows: int
    columns: tuple[ColumnProfile, ...]
    primary_key: tuple[str, ...]
    #: whether a contract declares the table, so that its schema changes by versions only
    contracted: bool
    #: "column -> table" of each declared reference
    references: tuple[str, ...]
    #: of the primary key and of those asked for; what would have taken too long is left out
    keys: tuple[KeyProfile, ...]
    #: when rows last arrived; None where none came through an ingestion
    updated_at: datetime | None
    #: rows of the latest ingestion into the table
    rows_read: int
    #: those of them that are rejected still
    rows_rejected: int
    #: rows that wait for a parent now; no more than `MOST_PARKED` are counted
    rows_parked: int


MOST_PARKED = 100_000


@dataclass(frozen=True, slots=True)
class Observation:
    """The newest profile of a dataset's table, compared with the one before."""

    profile: TableProfile
    observed_at: datetime
    #: whether there was one before: otherwise nothing can be said about drift
    compared: bool = False
    #: columns that went or changed their type, each in a sentence
    schema_breaks: tuple[str, ...] = ()
    #: columns that came
    new_columns: tuple[str, ...] = ()
    #: columns whose values look otherwise than before, each in a sentence
    distribution_shifts: tuple[str, ...] = ()
