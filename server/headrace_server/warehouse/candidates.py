"""Rows on their way into their table, and how a merge stands to those that wait."""

from dataclasses import dataclass
from enum import Enum

from headrace_server.model.contract import Table

LINE = '"headrace.line"'
BYTE_OFFSET = '"headrace.byte_offset"'
#: number of a parked row: unique in its table, never used again
NUMBER = '"headrace.number"'


class Gate(Enum):
    """How a merge stands to a table's parked rows; see `Dialect.lock_gate`."""

    #: may park rows: none of their parents may arrive unseen meanwhile
    PARK = "PARK"
    #: brought parents: no child may be parked unseen meanwhile
    RELEASE = "RELEASE"
    #: both, since the table refers to itself
    PARK_AND_RELEASE = "PARK_AND_RELEASE"


@dataclass(frozen=True, slots=True)
class Candidates:
    """Rows about to enter their table: a chunk's, or parked ones that may be released."""

    table: Table
    #: relation that holds them
    relation: str
    #: its column that numbers the rows uniquely
    number: str
    #: relation (number, reference) of those that lack a parent
    missing: str
    #: whether each key stands there once
    unique: bool = True
    #: their table as it stands, where its columns have grown since the rows were staged
    into: Table | None = None

    @property
    def complete(self) -> str:
        """Condition on alias `c` that the row lacks no parent."""
        return f"NOT EXISTS (SELECT 1 FROM {self.missing} AS m WHERE m.number = c.{self.number})"
