"""Statements on triggers. Those that take no tenant are for the servers that see to all."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, Select, and_, case, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.schedule_tables import schedules
from headrace_server.db.storage_tables import storage_revisions
from headrace_server.db.tables import tenants
from headrace_server.db.trigger_secrets import SealedSecret, sealed, unsealed
from headrace_server.db.trigger_tables import triggers
from headrace_server.model.tenant import TenantStatus
from headrace_server.model.trigger import (
    Trigger,
    TriggerSettings,
    TriggerStatus,
    TriggerType,
    WebhookAuth,
)

#: kind of the schedules of triggers
TRIGGER = "trigger"

_columns = triggers.c


async def insert(
    connection: AsyncConnection, trigger: Trigger, secrets: Sequence[SealedSecret]
) -> None:
    """Insert a trigger."""
    await connection.execute(
        triggers.insert().values(
            trigger_id=trigger.trigger_id,
            tenant_id=trigger.tenant_id,
            pipeline_id=trigger.pipeline_id,
            type=trigger.type.value,
            settings=_stored(trigger.settings),
            status=trigger.status.value,
            created_at=trigger.created_at,
            webhook_auth=trigger.webhook_auth and trigger.webhook_auth.value,
            secrets=sealed(secrets),
            watch_id=trigger.watch_id,
            files_revision=trigger.files_revision,
            paused_at=trigger.paused_at,
            pause_reason=trigger.pause_reason,
        )
    )


async def find(connection: AsyncConnection, tenant_id: str, trigger_id: str) -> Trigger | None:
    """Read a tenant's trigger."""
    statement = _with_schedules().where(
        _columns.tenant_id == tenant_id, _columns.trigger_id == trigger_id
    )
    row = (await connection.execute(statement)).first()
    return None if row is None else _trigger(row)


async def find_webhook(
    connection: AsyncConnection, trigger_id: str
) -> tuple[Trigger, WebhookAuth, list[SealedSecret]] | None:
    """Read a webhook of whichever tenant may call: for a caller who has to prove himself."""
    statement = (
        _with_schedules()
        .join(tenants, tenants.c.tenant_id == _columns.tenant_id)
        .where(
            _columns.trigger_id == trigger_id,
            _columns.webhook_auth.is_not(None),
            tenants.c.status == TenantStatus.ACTIVE.value,
        )
    )
    row = (await connection.execute(statement)).first()
    if row is None:
        return None
    secrets = [unsealed(each) for each in row.secrets]
    return _trigger(row), WebhookAuth(row.webhook_auth), secrets


async def lock(connection: AsyncConnection, tenant_id: str, trigger_id: str) -> Trigger | None:
    """Read a tenant's trigger that nobody else changes before the commit."""
    held = (
        select(_columns.trigger_id)
        .where(_columns.tenant_id == tenant_id, _columns.trigger_id == trigger_id)
        .with_for_update()
    )
    if (await connection.execute(held)).first() is None:
        return None
    return await find(connection, tenant_id, trigger_id)


async def page(
    connection: AsyncConnection,
    tenant_id: str,
    pipeline_id: str,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Trigger]:
    """A tenant's triggers, newest first, those after one; of any pipeline if that is empty."""
    statement = (
        _with_schedules()
        .where(_wanted(tenant_id, pipeline_id))
        .order_by(_columns.created_at.desc(), _columns.trigger_id.desc())
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(tuple_(_columns.created_at, _columns.trigger_id) < after)
    return [_trigger(row) for row in await connection.execute(statement)]


async def count(connection: AsyncConnection, tenant_id: str, pipeline_id: str = "") -> int:
    """How many triggers a tenant has; of any pipeline if that is empty."""
    statement = select(func.count()).select_from(triggers).where(_wanted(tenant_id, pipeline_id))
    return (await connection.execute(statement)).scalar_one()


async def of_pipeline(
    connection: AsyncConnection, tenant_id: str, pipeline_id: str
) -> list[tuple[str, TriggerStatus]]:
    """The triggers of a pipeline, and whether they start anything."""
    statement = select(_columns.trigger_id, _columns.status).where(_wanted(tenant_id, pipeline_id))
    return [(row[0], TriggerStatus(row[1])) for row in await connection.execute(statement)]


def _wanted(tenant_id: str, pipeline_id: str) -> Any:
    if not pipeline_id:
        return _columns.tenant_id == tenant_id
    return and_(_columns.tenant_id == tenant_id, _columns.pipeline_id == pipeline_id)


async def update(connection: AsyncConnection, trigger_id: str, **values: Any) -> None:
    """Change columns of a trigger that is locked."""
    await connection.execute(
        triggers.update().where(_columns.trigger_id == trigger_id).values(**values)
    )


async def count_execution(connection: AsyncConnection, trigger_id: str, at: datetime) -> None:
    """Count a run that a trigger, which is locked, started."""
    await update(connection, trigger_id, executions=_columns.executions + 1, last_execution_at=at)


async def count_success(connection: AsyncConnection, trigger_id: str) -> None:
    """Count a run, of a trigger that is locked, that ended well."""
    await update(connection, trigger_id, successes=_columns.successes + 1, consecutive_failures=0)


async def count_failure(connection: AsyncConnection, trigger_id: str) -> int:
    """Count a run, of a trigger that is locked, that failed; returns how many did in a row."""
    statement = (
        triggers.update()
        .where(_columns.trigger_id == trigger_id)
        .values(
            failures=_columns.failures + 1,
            consecutive_failures=_columns.consecutive_failures + 1,
        )
        .returning(_columns.consecutive_failures)
    )
    in_a_row: int = (await connection.execute(statement)).scalar_one()
    return in_a_row


async def uncount_failure(connection: AsyncConnection, trigger_id: str) -> None:
    """Take back a run, of a trigger that is locked, that was counted as failed and goes on."""
    in_a_row = _columns.consecutive_failures
    await update(
        connection,
        trigger_id,
        failures=_columns.failures - 1,
        consecutive_failures=case((in_a_row > 0, in_a_row - 1), else_=0),
    )


async def pause(connection: AsyncConnection, trigger_id: str, at: datetime, reason: str) -> None:
    """Pause a trigger that is locked, if it is active."""
    await connection.execute(
        triggers.update()
        .where(_columns.trigger_id == trigger_id, _columns.status == TriggerStatus.ACTIVE.value)
        .values(status=TriggerStatus.PAUSED.value, paused_at=at, pause_reason=reason)
    )


async def change_settings(
    connection: AsyncConnection, trigger_id: str, settings: TriggerSettings, watch_id: str | None
) -> None:
    """Replace the settings of a trigger that is locked."""
    await update(connection, trigger_id, settings=_stored(settings), watch_id=watch_id)


async def delete(connection: AsyncConnection, tenant_id: str, trigger_id: str) -> bool:
    """Delete a tenant's trigger and all that is known of it; whether there was one."""
    statement = triggers.delete().where(
        _columns.tenant_id == tenant_id, _columns.trigger_id == trigger_id
    )
    return (await connection.execute(statement)).rowcount > 0


async def behind_files(connection: AsyncConnection, limit: int) -> list[tuple[str, str]]:
    """Tenant and id of active triggers whose tenant's files have changed since they looked."""
    statement = (
        select(_columns.tenant_id, _columns.trigger_id)
        .join(storage_revisions, storage_revisions.c.tenant_id == _columns.tenant_id)
        .where(
            _columns.type == TriggerType.FILE.value,
            _columns.status == TriggerStatus.ACTIVE.value,
            _columns.files_revision < storage_revisions.c.revision,
        )
        .limit(limit)
    )
    return [(row[0], row[1]) for row in await connection.execute(statement)]


def _with_schedules() -> Select[Any]:
    """Triggers with the next time of their schedules."""
    of_trigger = and_(
        schedules.c.tenant_id == _columns.tenant_id,
        schedules.c.kind == TRIGGER,
        schedules.c.subject == _columns.trigger_id,
    )
    return select(triggers, schedules.c.nominal_at).outerjoin(schedules, of_trigger)


def _stored(settings: TriggerSettings) -> Any:
    return msgspec.to_builtins(settings)


def _trigger(row: Row[Any]) -> Trigger:
    return Trigger(
        trigger_id=row.trigger_id,
        tenant_id=row.tenant_id,
        pipeline_id=row.pipeline_id,
        type=TriggerType(row.type),
        settings=msgspec.convert(row.settings, TriggerSettings),
        status=TriggerStatus(row.status),
        created_at=row.created_at,
        webhook_auth=row.webhook_auth and WebhookAuth(row.webhook_auth),
        watch_id=row.watch_id,
        files_revision=row.files_revision,
        paused_at=row.paused_at,
        pause_reason=row.pause_reason,
        executions=row.executions,
        successes=row.successes,
        failures=row.failures,
        consecutive_failures=row.consecutive_failures,
        last_execution_at=row.last_execution_at,
        next_at=row.nominal_at,
    )
