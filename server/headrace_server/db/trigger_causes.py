"""Statements on runs as what causes something else."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.pipeline_tables import runs

#: name in events of the triggers that led to a run
_CHAIN = "chain"
#: runs that are looked at, newest first
_MOST = 100


@dataclass(frozen=True, slots=True)
class RunUnderWay:
    """A run that was under way at some time."""

    run_id: str
    pipeline_id: str
    pipeline_version: int
    #: JSON, the triggers that led to it
    event: Mapping[str, Any]


async def runs_under_way(
    connection: AsyncConnection, tenant_id: str, first: datetime, last: datetime
) -> list[RunUnderWay]:
    """A tenant's runs that triggers started and that were under way at some time in a range."""
    # Not the whole event: bodies of webhooks are large.
    statement = (
        select(runs.c.run_id, runs.c.pipeline_id, runs.c.pipeline_version, runs.c.event[_CHAIN])
        .where(
            runs.c.tenant_id == tenant_id,
            runs.c.trigger_id.is_not(None),
            runs.c.created_at <= last,
            or_(runs.c.completed_at.is_(None), runs.c.completed_at >= first),
        )
        .order_by(runs.c.created_at.desc())
        .limit(_MOST)
    )
    return [
        RunUnderWay(run_id, pipeline_id, version, {_CHAIN: chain})
        for run_id, pipeline_id, version, chain in await connection.execute(statement)
    ]


async def nominal_times(
    connection: AsyncConnection, tenant_id: str, trigger_id: str, first: datetime, last: datetime
) -> set[datetime]:
    """Times of a trigger's schedule for which there is a run."""
    statement = select(runs.c.nominal_time).where(
        runs.c.tenant_id == tenant_id,
        runs.c.trigger_id == trigger_id,
        runs.c.nominal_time.between(first, last),
    )
    return set((await connection.execute(statement)).scalars())
