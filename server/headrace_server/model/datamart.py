"""Datamarts: queries whose rows are kept under a name, and how they are brought up to date."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from headrace_server.model.schedule import Schedule

#: the schema of datamarts where none is named
DEFAULT_SCHEMA = "analytics"

Relation = tuple[str, str]
"""Schema and name of a table, view or datamart."""


class MartType(Enum):
    """What the rows are kept in."""

    MATERIALIZED_VIEW = "MATERIALIZED_VIEW"
    TABLE = "TABLE"
    VIEW = "VIEW"


class RefreshStrategy(Enum):
    """When the rows are brought up to date."""

    ON_DEMAND = "ON_DEMAND"
    ON_COMMIT = "ON_COMMIT"
    SCHEDULED = "SCHEDULED"


class MartStatus(Enum):
    """Where a datamart stands."""

    CREATED = "CREATED"
    REFRESHING = "REFRESHING"
    READY = "READY"
    FAILED = "FAILED"


class RefreshStatus(Enum):
    """Where a refresh stands."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    SKIPPED = "SKIPPED"
    UPSTREAM_FAILED = "UPSTREAM_FAILED"


#: states that a refresh leaves by itself
OPEN_REFRESHES = frozenset({RefreshStatus.PENDING, RefreshStatus.RUNNING})


class Cause(Enum):
    """What a refresh was caused by."""

    REQUEST = "REQUEST"
    COMMIT = "COMMIT"
    SCHEDULE = "SCHEDULE"
    DOWNSTREAM = "DOWNSTREAM"


@dataclass(frozen=True, slots=True)
class NewDatamart:
    """A datamart that is asked for."""

    schema: str
    name: str
    #: as it was written
    query: str
    type: MartType = MartType.MATERIALIZED_VIEW
    strategy: RefreshStrategy = RefreshStrategy.ON_DEMAND
    #: None for none, or for one that is given later
    schedule: Schedule | None = None
    #: whether refreshes that say nothing of it leave readers undisturbed
    concurrent: bool = True
    description: str = ""
    #: JSON
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Version:
    """What makes a datamart one version of several."""

    #: such as "v2"
    version: str
    #: the name under which the newest is read, in the same schema
    versioned_name: str
    #: days that it is kept after a newer one took its place
    retention_days: int


@dataclass(frozen=True, slots=True)
class MartSchedule:
    """When a datamart is refreshed by itself."""

    schedule_id: str
    schedule: Schedule
    concurrent: bool
    #: None where no time is left
    next_run: datetime | None


@dataclass(frozen=True, slots=True)
class Datamart:
    """A datamart as it stands."""

    datamart_id: str
    tenant_id: str
    schema: str
    #: of its relation in the warehouse
    name: str
    query: str
    type: MartType
    strategy: RefreshStrategy
    concurrent: bool
    description: str
    metadata: Mapping[str, Any]
    #: what its query names, in order; on SQLite in small letters
    sources: tuple[Relation, ...]
    status: MartStatus
    #: rows as of the last refresh
    rows: int
    #: bytes on disk as of the last refresh
    size_bytes: int
    #: when the last refresh that succeeded ended
    last_refresh: datetime | None
    #: why the last one failed; None where it did not
    error: str | None
    #: columns by which concurrent refreshes tell rows apart; empty where none do
    unique_key: tuple[str, ...]
    created_at: datetime
    #: the newest refresh that was begun, whatever became of it; None before the first
    latest_refresh_id: str | None = None
    #: refreshes that were asked for so far
    refreshes: int = 0
    #: what had come into its sources when a load last had it refreshed; see `following`
    seen: Mapping[str, Any] | None = None
    version: Version | None = None
    #: when it is dropped; None for the newest version and what has none
    expires_at: datetime | None = None
    schedule: MartSchedule | None = None

    @property
    def relation(self) -> Relation:
        """What it is called in the warehouse."""
        return self.schema, self.name

    @property
    def names(self) -> tuple[Relation, ...]:
        """What it is read as; of several versions only the newest has the second."""
        if self.version is None:
            return (self.relation,)
        return self.relation, (self.schema, self.version.versioned_name)

    @property
    def refresh_required(self) -> bool:
        """Whether it has no rows before it is refreshed."""
        return self.last_refresh is None and self.type is not MartType.VIEW


@dataclass(frozen=True, slots=True)
class Refresh:
    """One attempt to bring a datamart up to date."""

    refresh_id: str
    tenant_id: str
    datamart_id: str
    schema: str
    datamart_name: str
    status: RefreshStatus
    cause: Cause
    concurrent: bool
    #: refreshes that come before it
    after: tuple[str, ...]
    #: the how-manieth of its datamart it is, from 1
    number: int
    #: rows written so far, where the database tells
    rows_written: int
    #: rows and bytes on disk after it; 0 until then
    rows: int
    size_bytes: int
    #: why it failed, or what went wrong last
    error: str | None
    #: what there is to know of how it was done
    note: str | None
    revision: int
    created_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None

    @property
    def terminal(self) -> bool:
        """Whether nothing changes any more."""
        return self.status not in OPEN_REFRESHES


@dataclass(frozen=True, slots=True)
class BuiltRows:
    """What a refresh made in the warehouse."""

    rows: int
    size_bytes: int
    unique_key: tuple[str, ...] = ()
    note: str | None = None
