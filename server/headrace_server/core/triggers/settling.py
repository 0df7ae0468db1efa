"""What became of the runs that triggers started, and the runs that waited for their end."""

from datetime import datetime

from headrace_server.core.schedules.schedules import Schedules
from headrace_server.core.triggers.firing import Firing
from headrace_server.core.triggers.outcomes import Outcomes
from headrace_server.db import trigger_executions as execution_rows
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.trigger_executions import EndedRun
from headrace_server.model.run import RunStatus
from headrace_server.model.trigger import ExecutionStatus, Trigger, TriggerStatus

#: executions that are asked for at once
_AT_ONCE = 100
_STATUS_OF = {
    RunStatus.SUCCEEDED: ExecutionStatus.SUCCESS,
    RunStatus.FAILED: ExecutionStatus.FAILED,
    RunStatus.CANCELLED: ExecutionStatus.CANCELLED,
}


class ExecutionSettler:
    """Keeps executions and their triggers up with the runs, of all tenants."""

    def __init__(
        self, store: ControlStore, schedules: Schedules, firing: Firing, outcomes: Outcomes
    ) -> None:
        self._store = store
        self._schedules = schedules
        self._firing = firing
        self._outcomes = outcomes

    async def settle(self) -> int:
        """Note every run that ended, and begin what waited for it; how many changed."""
        settled = 0
        while ended := await self._ended():
            for each in ended:
                settled += await self._note(each)
        async with self._store.read() as connection:
            waiting = await execution_rows.triggers_waiting(connection, _AT_ONCE)
        for tenant_id, trigger_id in waiting:
            settled += await self._begin_queued(tenant_id, trigger_id)
        return settled

    async def _ended(self) -> list[EndedRun]:
        async with self._store.read() as connection:
            return await execution_rows.ended(connection, _AT_ONCE)

    async def _note(self, found: EndedRun) -> bool:
        async with self._store.begin() as connection:
            trigger = await self._outcomes.lock(connection, found.tenant_id, found.trigger_id)
            ended = await execution_rows.ended_one(connection, found.execution_id)
            if trigger is None or ended is None:
                return False  # another server was faster, or the run was resumed
            now = await self._schedules.now(connection)
            status = _status_of(ended)
            await execution_rows.update(
                connection,
                ended.execution_id,
                status=status.value,
                reason=ended.error if ended.status else "its run is known no more",
                rows=ended.rows,
                duration_seconds=None if ended.duration is None else ended.duration.total_seconds(),
            )
            await self._count(connection, trigger, status, now, ended.error or "")
        return True

    async def _count(
        self,
        connection: Connection,
        trigger: Trigger,
        status: ExecutionStatus,
        now: datetime,
        error: str,
    ) -> None:
        if status is ExecutionStatus.SUCCESS:
            await self._outcomes.succeeded(connection, trigger)
        elif status is ExecutionStatus.FAILED:
            await self._outcomes.failed(connection, trigger, now, error)

    async def _begin_queued(self, tenant_id: str, trigger_id: str) -> bool:
        async with self._store.begin() as connection:
            trigger = await self._outcomes.lock(connection, tenant_id, trigger_id)
            if trigger is None or trigger.status is TriggerStatus.PAUSED:
                return False
            begun = await self._firing.begin_queued(connection, trigger)
        self._firing.announce()
        return begun


def _status_of(ended: EndedRun) -> ExecutionStatus:
    if ended.status is None:
        return ExecutionStatus.CANCELLED
    return _STATUS_OF[ended.status]
