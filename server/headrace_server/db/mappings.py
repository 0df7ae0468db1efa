"""Statements on mappings. They name the request alone: its tenant was checked before."""

from collections.abc import Collection, Sequence

from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.tables import mappings
from headrace_server.model.mapping import (
    Mapping,
    MappingCounts,
    MappingOutcome,
    MappingResult,
    MappingStatus,
    PendingMapping,
)

_PENDING = MappingStatus.PENDING.value
_RESULT = [
    mappings.c[name]
    for name in ("position", "mapping_id", "status", "attempts", "latency_ms", "error", "output")
]
_RECORD = (
    mappings.update()
    .where(
        mappings.c.request_id == bindparam("request"),
        mappings.c.position == bindparam("at"),
        mappings.c.status == _PENDING,
    )
    .values(
        {
            name: bindparam(f"new_{name}")
            for name in ("status", "attempts", "latency_ms", "error", "output")
        }
    )
)


async def insert(connection: AsyncConnection, request_id: str, added: Sequence[Mapping]) -> None:
    """Insert the mappings of a request, in their order."""
    rows = [
        {
            "request_id": request_id,
            "position": position,
            "mapping_id": mapping.mapping_id,
            "source": mapping.source,
            "target": mapping.target,
            "transformation": mapping.transformation,
            "status": _PENDING,
        }
        for position, mapping in enumerate(added)
    ]
    await connection.execute(mappings.insert(), rows)


async def pending(
    connection: AsyncConnection, request_id: str, after: int, limit: int
) -> list[PendingMapping]:
    """The next mappings to be carried, those after a position."""
    columns = mappings.c
    rows = await connection.execute(
        select(
            columns.position,
            columns.mapping_id,
            columns.source,
            columns.target,
            columns.transformation,
            columns.attempts,
        )
        .where(
            columns.request_id == request_id,
            columns.position > after,
            columns.status == _PENDING,
        )
        .order_by(columns.position)
        .limit(limit)
    )
    return [
        PendingMapping(position, Mapping(*mapping), attempts)
        for position, *mapping, attempts in rows
    ]


async def ids(
    connection: AsyncConnection, request_id: str, positions: Collection[int]
) -> dict[int, str]:
    """The ids of the mappings at some positions."""
    rows = await connection.execute(
        select(mappings.c.position, mappings.c.mapping_id).where(
            mappings.c.request_id == request_id, mappings.c.position.in_(positions)
        )
    )
    return {int(position): str(mapping_id) for position, mapping_id in rows}


async def record(
    connection: AsyncConnection, request_id: str, outcomes: Sequence[MappingOutcome]
) -> None:
    """Write down how pending mappings ended; what has ended already stays."""
    rows = [
        {
            "request": request_id,
            "at": outcome.position,
            "new_status": outcome.status.value,
            "new_attempts": outcome.attempts,
            "new_latency_ms": outcome.latency_ms,
            "new_error": outcome.error,
            "new_output": outcome.output,
        }
        for outcome in outcomes
    ]
    await connection.execute(_RECORD, rows)


async def end_pending(
    connection: AsyncConnection, request_id: str, status: MappingStatus, error: str | None = None
) -> None:
    """Give all mappings that have not ended a status."""
    await connection.execute(
        mappings.update()
        .where(mappings.c.request_id == request_id, mappings.c.status == _PENDING)
        .values(status=status.value, error=error)
    )


async def reopen(connection: AsyncConnection, request_id: str) -> None:
    """Have the failed and cancelled mappings wait again; attempts go on counting."""
    again = [MappingStatus.FAILED.value, MappingStatus.CANCELLED.value]
    await connection.execute(
        mappings.update()
        .where(mappings.c.request_id == request_id, mappings.c.status.in_(again))
        .values(status=_PENDING, error=None, output=None)
    )


async def counts(connection: AsyncConnection, request_id: str) -> MappingCounts:
    """How many mappings of a request stand where."""
    rows = await connection.execute(
        select(mappings.c.status, func.count())
        .where(mappings.c.request_id == request_id)
        .group_by(mappings.c.status)
    )
    found = {MappingStatus(status): int(count) for status, count in rows}
    return MappingCounts(
        total=sum(found.values()),
        completed=found.get(MappingStatus.COMPLETED, 0),
        failed=found.get(MappingStatus.FAILED, 0),
        cancelled=found.get(MappingStatus.CANCELLED, 0),
    )


async def results_page(
    connection: AsyncConnection, request_id: str, after: int, limit: int
) -> list[MappingResult]:
    """What became of the mappings after a position, in their order."""
    rows = await connection.execute(
        select(*_RESULT)
        .where(mappings.c.request_id == request_id, mappings.c.position > after)
        .order_by(mappings.c.position)
        .limit(limit)
    )
    return [
        MappingResult(position, mapping_id, MappingStatus(status), *others)
        for position, mapping_id, status, *others in rows
    ]
