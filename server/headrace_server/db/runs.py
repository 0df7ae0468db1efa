"""Statements on runs and their steps.

Those that take no tenant are for the worker, which serves all of them, and for runs that were read
with one.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.pipeline_tables import run_log, run_steps, runs
from headrace_server.model.pipeline import StepKind
from headrace_server.model.run import (
    OPEN_RUNS,
    OPEN_STEPS,
    LogLine,
    Run,
    RunStatus,
    RunStep,
    StepStatus,
    Verdict,
)

#: lines of a run that are kept at most: more than a hundred steps write in many attempts
MOST_LINES = 20_000
#: columns of a run that its record has by the same name, status apart
_PLAIN = (
    "run_id",
    "tenant_id",
    "pipeline_id",
    "pipeline_version",
    "revision",
    "parameters",
    "notification_email",
    "trigger_id",
    "nominal_time",
    "local_time",
    "event",
    "error",
    "created_at",
    "started_at",
    "completed_at",
    "deadline_at",
    "total_steps",
)
#: likewise of a step
_PLAIN_STEP = (
    "step_id",
    "attempt",
    "failures",
    "next_attempt_at",
    "child_id",
    "child_open",
    "started_at",
    "completed_at",
    "progress",
    "rows",
    "output",
    "error",
    "message",
)
_OPEN_VALUES = [status.value for status in OPEN_RUNS]


async def insert(connection: AsyncConnection, run: Run, job_id: str) -> None:
    """Insert a run with its steps and the job that moves it on."""
    values = {name: getattr(run, name) for name in _PLAIN}
    await connection.execute(runs.insert().values(status=run.status.value, job_id=job_id, **values))
    rows = [
        {"run_id": run.run_id, "step_no": number, **_step_values(step)}
        for number, step in enumerate(run.steps)
    ]
    await connection.execute(run_steps.insert(), rows)


async def find(connection: AsyncConnection, tenant_id: str, run_id: str) -> Run | None:
    """Read a tenant's run with its steps."""
    statement = select(runs).where(runs.c.tenant_id == tenant_id, runs.c.run_id == run_id)
    row = (await connection.execute(statement)).first()
    return None if row is None else _run(row, await _steps(connection, run_id))


async def job_of(connection: AsyncConnection, tenant_id: str, run_id: str) -> str | None:
    """The job that moves a tenant's run on."""
    statement = select(runs.c.job_id).where(runs.c.tenant_id == tenant_id, runs.c.run_id == run_id)
    found: str | None = (await connection.execute(statement)).scalar()
    return found


async def lock(connection: AsyncConnection, run_id: str) -> Run | None:
    """Read a run, of whichever tenant, that nobody else changes before the commit."""
    row = (
        await connection.execute(select(runs).where(runs.c.run_id == run_id).with_for_update())
    ).first()
    return None if row is None else _run(row, await _steps(connection, run_id))


async def _steps(connection: AsyncConnection, run_id: str) -> list[RunStep]:
    statement = select(run_steps).where(run_steps.c.run_id == run_id).order_by(run_steps.c.step_no)
    return [_step(row) for row in await connection.execute(statement)]


async def page(
    connection: AsyncConnection,
    tenant_id: str,
    *,
    pipeline_id: str,
    trigger_id: str,
    status: RunStatus | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Run]:
    """A tenant's runs without their steps and events, newest first, those after a time and id."""
    statement = (
        select(*[each for each in runs.c if each.name != "event"])
        .where(runs.c.tenant_id == tenant_id)
        .order_by(runs.c.created_at.desc(), runs.c.run_id)
        .limit(limit)
    )
    if pipeline_id:
        statement = statement.where(runs.c.pipeline_id == pipeline_id)
    if trigger_id:
        statement = statement.where(runs.c.trigger_id == trigger_id)
    if status is not None:
        statement = statement.where(runs.c.status == status.value)
    if after is not None:
        last, last_id = after
        # The first condition follows from the second; it lets the index begin at the right place.
        statement = statement.where(
            runs.c.created_at <= last, or_(runs.c.created_at < last, runs.c.run_id > last_id)
        )
    return [_run(row, (), event={}) for row in await connection.execute(statement)]


async def open_ids(connection: AsyncConnection, tenant_id: str, pipeline_id: str) -> list[str]:
    """Ids of a pipeline's runs that have not ended."""
    statement = select(runs.c.run_id).where(
        runs.c.tenant_id == tenant_id,
        runs.c.pipeline_id == pipeline_id,
        runs.c.status.in_(_OPEN_VALUES),
    )
    return list((await connection.execute(statement)).scalars())


async def update(connection: AsyncConnection, run_id: str, **values: Any) -> None:
    """Change columns of a run that is locked, and raise its revision."""
    await connection.execute(
        runs.update().where(runs.c.run_id == run_id).values(revision=runs.c.revision + 1, **values)
    )


async def write_steps(connection: AsyncConnection, run_id: str, steps: Iterable[RunStep]) -> None:
    """Write steps of a run that is locked, and count them anew."""
    for step in steps:
        await connection.execute(
            run_steps.update()
            .where(run_steps.c.run_id == run_id, run_steps.c.step_id == step.step_id)
            .values(_step_values(step))
        )
    await _count(connection, run_id)


async def _count(connection: AsyncConnection, run_id: str) -> None:
    open_ones = [status.value for status in OPEN_STEPS]
    ended = func.sum(case((run_steps.c.status.in_(open_ones), 0), else_=1))
    failed = func.sum(case((run_steps.c.status == StepStatus.FAILED.value, 1), else_=0))
    statement = select(ended, failed, func.sum(run_steps.c.rows)).where(
        run_steps.c.run_id == run_id
    )
    ended_steps, failed_steps, rows = (await connection.execute(statement)).one()
    await update(
        connection,
        run_id,
        ended_steps=int(ended_steps),
        failed_steps=int(failed_steps),
        rows=int(rows),
    )


async def note_child(
    connection: AsyncConnection, run_id: str, child_id: str, values: Mapping[str, Any]
) -> bool:
    """Note what is known of a child of a step that is under way; False where none is."""
    # Locked before its steps, as whoever moves it on does.
    await connection.execute(select(runs.c.run_id).where(runs.c.run_id == run_id).with_for_update())
    changed = await connection.execute(
        run_steps.update()
        .where(
            run_steps.c.run_id == run_id,
            run_steps.c.child_id == child_id,
            run_steps.c.status == StepStatus.RUNNING.value,
        )
        .values(dict(values))
    )
    if changed.rowcount:
        await _count(connection, run_id)
    return bool(changed.rowcount)


async def log(connection: AsyncConnection, run_id: str, lines: Sequence[LogLine]) -> None:
    """Add lines to the log of a run that is locked, as far as there is room."""
    if not lines:
        return
    statement = select(func.max(run_log.c.number)).where(run_log.c.run_id == run_id)
    last = (await connection.execute(statement)).scalar_one() or 0
    rows = [
        {
            "run_id": run_id,
            "number": last + place,
            "step_id": line.step_id,
            "attempt": line.attempt,
            "at": line.at,
            "message": line.message,
        }
        for place, line in enumerate(lines, start=1)
    ]
    await connection.execute(run_log.insert(), rows)
    await connection.execute(
        run_log.delete().where(
            run_log.c.run_id == run_id, run_log.c.number <= last + len(lines) - MOST_LINES
        )
    )


async def log_page(
    connection: AsyncConnection, run_id: str, *, step_id: str, after: int, limit: int
) -> list[LogLine]:
    """Lines of a run's log, or of one of its steps, oldest first, those after a number."""
    statement = (
        select(run_log)
        .where(run_log.c.run_id == run_id, run_log.c.number > after)
        .order_by(run_log.c.number)
        .limit(limit)
    )
    if step_id:
        statement = statement.where(run_log.c.step_id == step_id)
    return [
        LogLine(row.step_id, row.attempt, row.at, row.message, row.number)
        for row in await connection.execute(statement)
    ]


async def ended_before(connection: AsyncConnection, before: datetime, limit: int) -> list[str]:
    """Ids of runs, of all tenants, that ended before."""
    statement = (
        select(runs.c.run_id)
        .where(runs.c.completed_at < before, runs.c.status.not_in(_OPEN_VALUES))
        .order_by(runs.c.completed_at)
        .limit(limit)
    )
    return list((await connection.execute(statement)).scalars())


async def delete(connection: AsyncConnection, run_ids: Collection[str]) -> None:
    """Forget runs with all that belongs to them."""
    await connection.execute(runs.delete().where(runs.c.run_id.in_(run_ids)))


def _step_values(step: RunStep) -> dict[str, Any]:
    return {
        **{name: getattr(step, name) for name in _PLAIN_STEP},
        "kind": step.kind.value,
        "status": step.status.value,
        "output": dict(step.output),
        "verdict": None if step.verdict is None else msgspec.to_builtins(step.verdict),
    }


def _step(row: Any) -> RunStep:
    return RunStep(
        **{name: getattr(row, name) for name in _PLAIN_STEP},
        kind=StepKind(row.kind),
        status=StepStatus(row.status),
        verdict=None if row.verdict is None else msgspec.convert(row.verdict, Verdict),
    )


def _run(row: Any, steps: Sequence[RunStep], **given: Any) -> Run:
    return Run(
        **{name: getattr(row, name) for name in _PLAIN if name not in given},
        **given,
        status=RunStatus(row.status),
        steps=tuple(steps),
        ended_steps=row.ended_steps,
        failed_steps=row.failed_steps,
        rows=row.rows,
    )
