"""Mappings: what is carried from a source to a target, and what became of it."""

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from enum import Enum
from typing import Any

Record = dict[str, Any]
"""One record that is carried: its fields by name."""

Transformation = MappingOf[str, Any]
"""The fields of what is written; see `core.mappings.transformation`. Empty: all as they are."""


class MappingStatus(Enum):
    """Where a mapping stands."""

    PENDING = "PENDING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class Mapping:
    """Something to be carried from a source to a target."""

    #: names the mapping in its request
    mapping_id: str
    #: address that is read
    source: str
    #: address that is written
    target: str
    transformation: Transformation


@dataclass(frozen=True, slots=True)
class PendingMapping:
    """A mapping that is yet to be carried."""

    #: its place in the request, from 0
    position: int
    mapping: Mapping
    #: how often it was tried before
    attempts: int


@dataclass(frozen=True, slots=True)
class MappingOutcome:
    """How the carrying of one mapping ended."""

    position: int
    #: COMPLETED or FAILED
    status: MappingStatus
    #: how often it was tried, earlier runs included
    attempts: int
    #: milliseconds that the last try took
    latency_ms: int
    #: why it was not written; None where it was
    error: str | None
    #: what its target answered; None where there is nothing
    output: MappingOf[str, Any] | None


@dataclass(frozen=True, slots=True)
class MappingResult:
    """What became of one mapping, as its caller reads it."""

    position: int
    mapping_id: str
    status: MappingStatus
    attempts: int
    latency_ms: int
    error: str | None
    output: MappingOf[str, Any] | None


@dataclass(frozen=True, slots=True)
class MappingCounts:
    """How many mappings of a request stand where."""

    total: int
    completed: int
    failed: int
    cancelled: int

    @property
    def processed(self) -> int:
        """Mappings that ended, the failed ones included."""
        return self.completed + self.failed
