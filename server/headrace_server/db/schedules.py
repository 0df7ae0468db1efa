"""Statements on schedules. Those that take no tenant are for the servers that see to all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.dialects import upsert
from headrace_server.db.schedule_tables import schedules
from headrace_server.model.schedule import CatchUp, Schedule, TickPolicy

_columns = schedules.c
_KEY = ("tenant_id", "kind", "subject")


@dataclass(frozen=True, slots=True)
class StoredSchedule:
    """A schedule with where it stands."""

    tenant_id: str
    kind: str
    subject: str
    schedule: Schedule
    policy: TickPolicy
    #: the next time by the schedule; None where none is left
    nominal_at: datetime | None
    #: when that is handled; None where none is left
    next_at: datetime | None
    #: how often the handling failed since it last went well
    failures: int


async def put(connection: AsyncConnection, stored: StoredSchedule) -> None:
    """Store a schedule in place of the one of its subject."""
    policy = stored.policy
    statement = upsert(connection, schedules).values(
        tenant_id=stored.tenant_id,
        kind=stored.kind,
        subject=stored.subject,
        cron=stored.schedule.cron,
        time_zone=stored.schedule.time_zone,
        catch_up=policy.catch_up.value,
        window_seconds=policy.window.total_seconds(),
        jitter_seconds=policy.jitter.total_seconds(),
        nominal_at=stored.nominal_at,
        next_at=stored.next_at,
        failures=stored.failures,
    )
    changed = {each.name: statement.excluded[each.name] for each in _columns}
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=list(_KEY),
            set_={name: value for name, value in changed.items() if name not in _KEY},
        )
    )


async def lock(
    connection: AsyncConnection, tenant_id: str, kind: str, subject: str
) -> StoredSchedule | None:
    """Read a tenant's schedule that nobody else changes before the commit."""
    statement = select(schedules).where(_is(tenant_id, kind, subject)).with_for_update()
    row = (await connection.execute(statement)).first()
    return None if row is None else _stored(row)


async def delete(connection: AsyncConnection, tenant_id: str, kind: str, subject: str) -> bool:
    """Delete a tenant's schedule; whether there was one."""
    statement = schedules.delete().where(_is(tenant_id, kind, subject))
    return (await connection.execute(statement)).rowcount > 0


async def move_on(
    connection: AsyncConnection,
    stored: StoredSchedule,
    nominal_at: datetime | None,
    next_at: datetime | None,
    failures: int,
) -> None:
    """Say which time of a schedule is next."""
    await connection.execute(
        schedules.update()
        .where(_is(stored.tenant_id, stored.kind, stored.subject))
        .values(nominal_at=nominal_at, next_at=next_at, failures=failures)
    )


async def earliest(connection: AsyncConnection, kinds: Sequence[str]) -> datetime | None:
    """When the first schedule of these kinds is due; None where there is none."""
    statement = (
        select(_columns.next_at)
        .where(_columns.kind.in_(kinds), _columns.next_at.is_not(None))
        .order_by(_columns.next_at)
        .limit(1)
    )
    return (await connection.execute(statement)).scalar_one_or_none()


async def take_due(
    connection: AsyncConnection, kinds: Sequence[str], now: datetime, limit: int
) -> list[StoredSchedule]:
    """Schedules of these kinds that are due, locked; those that others lock are passed over."""
    statement = (
        select(schedules)
        .where(_columns.kind.in_(kinds), _columns.next_at <= now)
        .order_by(_columns.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [_stored(row) for row in await connection.execute(statement)]


def _is(tenant_id: str, kind: str, subject: str) -> ColumnElement[bool]:
    return and_(_columns.tenant_id == tenant_id, _columns.kind == kind, _columns.subject == subject)


def _stored(row: Row[Any]) -> StoredSchedule:
    return StoredSchedule(
        tenant_id=row.tenant_id,
        kind=row.kind,
        subject=row.subject,
        schedule=Schedule(row.cron, row.time_zone),
        policy=TickPolicy(
            CatchUp(row.catch_up),
            timedelta(seconds=row.window_seconds),
            timedelta(seconds=row.jitter_seconds),
        ),
        nominal_at=row.nominal_at,
        next_at=row.next_at,
        failures=row.failures,
    )
