"""Locks on many triggers at once, in the order in which all lock them: schedules, then triggers."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.schedule_tables import schedules
from headrace_server.db.trigger_tables import triggers
from headrace_server.db.triggers import TRIGGER


async def lock_those_of(connection: AsyncConnection, tenant_id: str, pipeline_id: str) -> None:
    """Let nobody change or fire the triggers of a pipeline before the commit."""
    found = select(triggers.c.trigger_id).where(
        triggers.c.tenant_id == tenant_id, triggers.c.pipeline_id == pipeline_id
    )
    await connection.execute(
        select(schedules.c.subject)
        .where(
            schedules.c.tenant_id == tenant_id,
            schedules.c.kind == TRIGGER,
            schedules.c.subject.in_(found),
        )
        .order_by(schedules.c.subject)
        .with_for_update()
    )
    await connection.execute(found.order_by(triggers.c.trigger_id).with_for_update())
