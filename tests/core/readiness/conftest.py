"""Facts to judge, and observations to make them of."""

from datetime import UTC, datetime
from typing import Any

from headrace_server.core.readiness.facts import Facts
from headrace_server.model.dataset import Declaration
from headrace_server.model.observation import (
    ColumnProfile,
    KeyProfile,
    Observation,
    TableProfile,
)

NOW = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def facts(observation: Observation | None = None, **declared: Any) -> Facts:
    return Facts(Declaration("shop.orders", **declared), observation, NOW)


def profile(**values: Any) -> TableProfile:
    """A clean table of 100 rows with a key and an e-mail."""
    return TableProfile(
        **{
            "rows": 100,
            "sampled_rows": 100,
            "columns": (
                ColumnProfile("id", "UUID", nullable=False, null_rate=0.0),
                ColumnProfile("email", "STRING(320)", True, 0.0, 20.0, 4.0),
            ),
            "primary_key": ("id",),
            "contracted": True,
            "references": (),
            "keys": (KeyProfile(("id",), 0.0, enforced=True),),
            "updated_at": NOW,
            "rows_read": 100,
            "rows_rejected": 0,
            "rows_parked": 0,
            **values,
        }
    )


def seen(**values: Any) -> Observation:
    return Observation(profile(**values), NOW)
