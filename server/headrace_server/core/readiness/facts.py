"""All that rules may judge by."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from headrace_server.model.dataset import (
    CheckKind,
    CheckOutcome,
    Declaration,
    DeclaredColumn,
    QualityCheck,
)
from headrace_server.model.observation import ColumnProfile, Observation, TableProfile

#: beginnings of type names, by what the values are
_FAMILIES = {
    "time": ("timestamp", "date", "time", "interval"),
    "number": ("int", "bigint", "smallint", "decimal", "numeric", "float", "double", "real", "num"),
    "text": ("char", "varchar", "text", "string", "uuid", "enum"),
    "boolean": ("bool",),
    "json": ("json", "struct", "map", "array"),
}


@dataclass(frozen=True)
class Facts:
    """A dataset as declared and as observed, at an instant."""

    declared: Declaration
    #: None where its table was never seen
    observation: Observation | None
    now: datetime

    @property
    def seen(self) -> TableProfile | None:
        """The newest profile of the table."""
        return self.observation.profile if self.observation else None

    @cached_property
    def seen_columns(self) -> dict[str, ColumnProfile]:
        """The columns of the table, by name; empty where it was never seen."""
        return {column.name: column for column in self.seen.columns} if self.seen else {}

    @cached_property
    def columns(self) -> Sequence[DeclaredColumn]:
        """All columns that are known: the declared ones, then those only observed."""
        declared = [self._completed(column) for column in self.declared.columns]
        names = {column.name for column in declared}
        return declared + [
            DeclaredColumn(column.name, column.type)
            for column in self.seen_columns.values()
            if column.name not in names
        ]

    def _completed(self, column: DeclaredColumn) -> DeclaredColumn:
        seen = self.seen_columns.get(column.name)
        if told(column.type) or seen is None:
            return column
        return DeclaredColumn(column.name, seen.type, column.description, column.deprecated)

    def checks(self, *kinds: CheckKind) -> list[QualityCheck]:
        """The declared checks of some kinds that were run."""
        return [
            check
            for check in self.declared.checks
            if check.kind in kinds and check.outcome is not CheckOutcome.NOT_RUN
        ]


def unique_keys(declaration: Declaration) -> set[tuple[str, ...]]:
    """The columns that are declared to be unique together."""
    checks = [check for check in declaration.checks if check.kind is CheckKind.UNIQUE]
    keys = {check.columns for check in checks} | {declaration.primary_key}
    return {key for key in keys if key}


def told(*texts: str) -> bool:
    """Whether any of the texts says something; blanks say nothing."""
    return any(text.strip() for text in texts)


def failed(checks: Iterable[QualityCheck]) -> list[QualityCheck]:
    """Those of the checks that failed."""
    return [check for check in checks if check.outcome is CheckOutcome.FAILED]


def names_of(things: Iterable[QualityCheck | DeclaredColumn | ColumnProfile], most: int = 3) -> str:
    """Name the first few of several things."""
    return listed([thing.name for thing in things], most)


def listed(texts: Sequence[str], most: int = 3) -> str:
    """Join the first few of several texts."""
    shown = ", ".join(texts[:most])
    return shown if len(texts) <= most else f"{shown} and {len(texts) - most} more"


def family_of(type_name: str) -> str | None:
    """What the values of a type are, such as "number"; None where the name tells nothing."""
    name = type_name.strip().lower()
    for family, beginnings in _FAMILIES.items():
        if name.startswith(beginnings):
            return family
    return None


def percent(share: float) -> str:
    """A share in percent, with as many digits as tell it from none and from all."""
    if 0 < share < 0.001:  # noqa: PLR2004  # would print as 0.0
        return "less than 0.1 %"
    return f"{min(share * 100, 99.9) if share < 1 else 100:.1f} %"
