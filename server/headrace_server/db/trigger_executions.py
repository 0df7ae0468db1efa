"""Statements on what triggers started, or would have.

Those that take no tenant are for the servers that see to all, or of a trigger that was found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, exists, literal_column, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.pipeline_tables import runs
from headrace_server.db.trigger_tables import trigger_executions
from headrace_server.db.trigger_tables import triggers as trigger_table
from headrace_server.model.run import OPEN_RUNS, RunStatus
from headrace_server.model.trigger import Execution, ExecutionStatus, TriggerStatus

#: executions of a trigger that are kept
KEPT = 1000

_columns = trigger_executions.c
# Literals, not parameters: only then do both engines use the partial index.
_QUEUED = _columns.status == literal_column("'QUEUED'")
_RUNNING = _columns.status == literal_column("'RUNNING'")
_OPEN_RUN = runs.c.status.in_([status.value for status in OPEN_RUNS])


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A run that ended, whose execution does not say so yet."""

    tenant_id: str
    trigger_id: str
    execution_id: str
    #: None where the run is known no more
    status: RunStatus | None
    error: str | None
    rows: int
    duration: timedelta | None


async def insert(connection: AsyncConnection, executions: Sequence[Execution]) -> None:
    """Insert executions."""
    await connection.execute(
        trigger_executions.insert(),
        [
            {
                "execution_id": each.execution_id,
                "tenant_id": each.tenant_id,
                "trigger_id": each.trigger_id,
                "executed_at": each.executed_at,
                "nominal_at": each.nominal_at,
                "status": each.status.value,
                "reason": each.reason,
                "run_id": each.run_id,
                "times": each.times,
                "event": dict(each.event),
                "parameters": dict(each.parameters),
                "webhook_id": each.webhook_id,
                "backfill": each.backfill,
            }
            for each in executions
        ],
    )


async def find(connection: AsyncConnection, execution_id: str) -> Execution | None:
    """Read an execution."""
    statement = select(trigger_executions).where(_columns.execution_id == execution_id)
    row = (await connection.execute(statement)).first()
    return None if row is None else _execution(row)


async def update(connection: AsyncConnection, execution_id: str, **values: Any) -> None:
    """Change columns of an execution whose trigger is locked."""
    await connection.execute(
        trigger_executions.update().where(_columns.execution_id == execution_id).values(**values)
    )


async def page(
    connection: AsyncConnection,
    tenant_id: str,
    trigger_id: str,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Execution]:
    """The executions of a tenant's trigger, newest first, those after one.

    Of what fired them only the path of a file is read: bodies of webhooks are large.
    """
    light = [each for each in _columns if each.name not in {"event", "parameters"}]
    file_path = _columns.event["file"].as_string().label("file_path")
    statement = (
        select(*light, file_path)
        .where(_columns.tenant_id == tenant_id, _columns.trigger_id == trigger_id)
        .order_by(_columns.executed_at.desc(), _columns.execution_id.desc())
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(tuple_(_columns.executed_at, _columns.execution_id) < after)
    return [
        _execution(row, {"file": row.file_path} if row.file_path else {}, {})
        for row in await connection.execute(statement)
    ]


async def forget_old(connection: AsyncConnection, trigger_id: str) -> None:
    """Forget the oldest executions of a trigger, but for those that have not ended."""
    old = (
        select(_columns.execution_id)
        .where(_columns.trigger_id == trigger_id)
        .order_by(_columns.executed_at.desc(), _columns.execution_id.desc())
        .limit(KEPT)
        .offset(KEPT)
    )
    await connection.execute(
        trigger_executions.delete().where(
            _columns.execution_id.in_(old),
            ~_QUEUED,
            ~_RUNNING,
        )
    )


async def open_runs(connection: AsyncConnection, trigger_id: str) -> list[str]:
    """The runs of a trigger that have not ended, backfills aside, oldest first."""
    statement = (
        select(runs.c.run_id)
        .join(trigger_executions, trigger_executions.c.run_id == runs.c.run_id)
        .where(
            _columns.trigger_id == trigger_id,
            _RUNNING,
            _columns.backfill.is_(False),
            _OPEN_RUN,
        )
        .order_by(_columns.executed_at)
    )
    return list((await connection.execute(statement)).scalars())


async def queued(connection: AsyncConnection, trigger_id: str) -> Execution | None:
    """The execution of a trigger that waits."""
    statement = (
        select(trigger_executions)
        .where(_columns.trigger_id == trigger_id, _QUEUED)
        .order_by(_columns.executed_at)
        .limit(1)
    )
    row = (await connection.execute(statement)).first()
    return None if row is None else _execution(row)


async def triggers_waiting(connection: AsyncConnection, limit: int) -> list[tuple[str, str]]:
    """Tenant and id of active triggers whose queued execution may begin."""
    before = trigger_executions.alias("before")
    under_way = exists().where(
        before.c.trigger_id == _columns.trigger_id,
        before.c.status == literal_column("'RUNNING'"),
        before.c.backfill.is_(False),
        before.c.run_id == runs.c.run_id,
        _OPEN_RUN,
    )
    statement = (
        select(_columns.tenant_id, _columns.trigger_id)
        .join(trigger_table, trigger_table.c.trigger_id == _columns.trigger_id)
        .where(
            _QUEUED,
            trigger_table.c.status == TriggerStatus.ACTIVE.value,
            ~under_way,
        )
        .limit(limit)
    )
    return [(row[0], row[1]) for row in await connection.execute(statement)]


async def ended(connection: AsyncConnection, limit: int) -> list[EndedRun]:
    """Executions whose run has ended, or is known no more, while they do not say so."""
    return [_ended(row) for row in await connection.execute(_all_ended().limit(limit))]


async def ended_one(connection: AsyncConnection, execution_id: str) -> EndedRun | None:
    """One of them; None where it says so by now, or its run goes on."""
    statement = _all_ended().where(_columns.execution_id == execution_id)
    row = (await connection.execute(statement)).first()
    return None if row is None else _ended(row)


def _all_ended() -> Select[Any]:
    return (
        select(
            _columns.tenant_id,
            _columns.trigger_id,
            _columns.execution_id,
            runs.c.status,
            runs.c.error,
            runs.c.rows,
            runs.c.started_at,
            runs.c.completed_at,
        )
        .outerjoin(runs, runs.c.run_id == _columns.run_id)
        .where(_RUNNING, ~and_(runs.c.run_id.is_not(None), _OPEN_RUN))
    )


async def of_run(
    connection: AsyncConnection, trigger_id: str, run_id: str
) -> tuple[str, ExecutionStatus] | None:
    """Id and status of the execution of a trigger that started a run."""
    statement = select(_columns.execution_id, _columns.status).where(
        _columns.trigger_id == trigger_id, _columns.run_id == run_id
    )
    row = (await connection.execute(statement)).first()
    return None if row is None else (row[0], ExecutionStatus(row[1]))


async def nominal_times(
    connection: AsyncConnection, trigger_id: str, first: datetime, last: datetime
) -> set[datetime]:
    """Times of a trigger's schedule for which a run was started, or is going to be."""
    statement = select(_columns.nominal_at).where(
        _columns.trigger_id == trigger_id,
        _columns.nominal_at.between(first, last),
        _columns.status != ExecutionStatus.SKIPPED.value,
    )
    return set((await connection.execute(statement)).scalars())


def _ended(row: Any) -> EndedRun:
    both = row.started_at is not None and row.completed_at is not None
    return EndedRun(
        tenant_id=row.tenant_id,
        trigger_id=row.trigger_id,
        execution_id=row.execution_id,
        status=None if row.status is None else RunStatus(row.status),
        error=row.error,
        rows=row.rows or 0,
        duration=row.completed_at - row.started_at if both else None,
    )


def _execution(
    row: Any,
    event: Mapping[str, Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> Execution:
    seconds = row.duration_seconds
    return Execution(
        execution_id=row.execution_id,
        tenant_id=row.tenant_id,
        trigger_id=row.trigger_id,
        executed_at=row.executed_at,
        nominal_at=row.nominal_at,
        status=ExecutionStatus(row.status),
        reason=row.reason,
        run_id=row.run_id,
        times=row.times,
        event=row.event if event is None else event,
        parameters=row.parameters if parameters is None else parameters,
        webhook_id=row.webhook_id,
        backfill=row.backfill,
        duration=None if seconds is None else timedelta(seconds=seconds),
        rows=row.rows,
    )
