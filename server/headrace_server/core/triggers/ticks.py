"""Ticks of schedules that triggers have."""

from collections.abc import Iterable

from headrace_server.core.triggers.firing import Fire, Firing, new_execution_id
from headrace_server.db import trigger_executions as execution_rows
from headrace_server.db import triggers as trigger_rows
from headrace_server.db.engine import Connection
from headrace_server.model.schedule import Lapse, Tick
from headrace_server.model.trigger import Execution, ExecutionStatus


class TriggerTicks:
    """Fires the triggers whose times have come, in the transactions of the ticker."""

    def __init__(self, firing: Firing) -> None:
        self._firing = firing

    async def tick(self, connection: Connection, tick: Tick) -> Iterable[str]:
        """Fire a trigger for a time of its schedule, which the ticker has locked."""
        trigger = await trigger_rows.lock(connection, tick.tenant_id, tick.subject)
        if trigger is None:
            return ()
        await self._firing.fire(connection, trigger, Fire(tick.nominal_at, tick.fired_at))
        return self._firing.topics

    async def lapsed(self, connection: Connection, lapse: Lapse) -> Iterable[str]:
        """Tell the history of times that are not made up for."""
        trigger = await trigger_rows.lock(connection, lapse.tenant_id, lapse.subject)
        if trigger is not None:
            execution = Execution(
                execution_id=new_execution_id(),
                tenant_id=lapse.tenant_id,
                trigger_id=lapse.subject,
                executed_at=lapse.noted_at,
                nominal_at=lapse.last_at,
                status=ExecutionStatus.SKIPPED,
                reason=lapse.reason,
                times=lapse.count,
            )
            await execution_rows.insert(connection, [execution])
        return ()
