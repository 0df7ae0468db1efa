"""Which SQL types hold all values of which others, and the narrowest that holds a column."""

from collections.abc import Callable
from dataclasses import replace

from headrace_server.files.importing.plan import PlannedColumn

#: what a type is widened to; TEXT holds everything. A tree, so that any two types have one
#: narrowest type in common.
_WIDER = {
    "BIGINT": "NUMERIC",
    "DOUBLE PRECISION": "NUMERIC",
    "NUMERIC": "TEXT",
    "DATE": "TIMESTAMP",
    "TIMESTAMP": "TEXT",
}
_WIDEST = "TEXT"


def wider(sql_type: str) -> str:
    """Return the next wider type. TEXT has none but itself."""
    return _WIDER.get(sql_type, _WIDEST)


def narrowest_of_both(one: str, other: str) -> str:
    """Return the narrowest type that holds the values of both; the order is no matter."""
    above = [one]
    while above[-1] != _WIDEST:
        above.append(wider(above[-1]))
    while other not in above:
        other = wider(other)
    return other


def widened_until(planned: PlannedColumn, holds: Callable[[PlannedColumn], bool]) -> PlannedColumn:
    """Widen the type of a column until it holds what it must. One that was given stays."""
    while not planned.given and planned.sql_type != _WIDEST and not holds(planned):
        planned = replace(planned, sql_type=wider(planned.sql_type))
    return planned
