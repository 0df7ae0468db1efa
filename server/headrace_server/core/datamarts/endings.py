"""How refreshes end, and what becomes of those that come after them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.limits import Limits
from headrace_server.db import datamart_refreshes as refresh_rows
from headrace_server.db import datamarts as mart_rows
from headrace_server.db.engine import Connection
from headrace_server.db.wakeups import DATAMARTS, JOBS
from headrace_server.model.datamart import (
    OPEN_REFRESHES,
    BuiltRows,
    Datamart,
    MartStatus,
    Refresh,
    RefreshStatus,
)
from headrace_server.model.job import Clocks, NewJob

#: kind of the job that refreshes; its payload names the refresh
REFRESH_DATAMART = "refresh_datamart"
#: what one attempt may take at most
ATTEMPT = timedelta(hours=2)

_FAILED = frozenset({RefreshStatus.FAILED, RefreshStatus.UPSTREAM_FAILED})


def refresh_topic(refresh_id: str) -> str:
    """Topic of a refresh's changes."""
    return f"refresh:{refresh_id}"


class Endings:
    """Ends refreshes in the transactions of others, and lets those go on that waited for them."""

    def __init__(self, jobs: Jobs, limits: Limits) -> None:
        self._jobs = jobs
        self._limits = limits

    async def enqueue(self, connection: Connection, tenant_id: str, refresh_id: str) -> str:
        """Queue the job of a refresh; returns its id."""
        new = NewJob(
            REFRESH_DATAMART,
            tenant_id,
            {"refresh_id": refresh_id},
            clocks=Clocks(lease=self._limits.lease, attempt=ATTEMPT),
        )
        return (await self._jobs.enqueue(connection, new)).job_id

    async def end(
        self,
        connection: Connection,
        refresh: Refresh,
        status: RefreshStatus,
        now: datetime,
        *,
        built: BuiltRows | None = None,
        error: str | None = None,
    ) -> list[str]:
        """End an open refresh; returns what to notify, nothing where it had ended already.

        The caller has locked its job, if there is one.
        """
        made = built or BuiltRows(0, 0)
        ended = await refresh_rows.update(
            connection,
            refresh.refresh_id,
            OPEN_REFRESHES,
            status=status.value,
            rows_count=made.rows,
            size_bytes=made.size_bytes,
            note=made.note,
            error=error,
            completed_at=now,
        )
        if not ended:
            return []
        await self._tell_datamart(connection, refresh, status, now, made, error)
        topics = await self._go_on(connection, refresh, status, now, error)
        return [refresh_topic(refresh.refresh_id), DATAMARTS, *topics]

    async def _tell_datamart(
        self,
        connection: Connection,
        refresh: Refresh,
        status: RefreshStatus,
        now: datetime,
        made: BuiltRows,
        error: str | None,
    ) -> None:
        mart = await mart_rows.lock(connection, refresh.datamart_id)
        before = MartStatus.READY if mart and mart.last_refresh else MartStatus.CREATED
        values: dict[str, Any] = {"status": before.value}
        if status is RefreshStatus.COMPLETED:
            values = {
                "status": MartStatus.READY.value,
                "rows_count": made.rows,
                "size_bytes": made.size_bytes,
                "unique_key": list(made.unique_key),
                "last_refresh": now,
                "error": None,
            }
        elif status in _FAILED:
            values = {"status": MartStatus.FAILED.value, "error": error}
        await mart_rows.update(connection, refresh.datamart_id, **values)

    async def _go_on(
        self,
        connection: Connection,
        refresh: Refresh,
        status: RefreshStatus,
        now: datetime,
        error: str | None,
    ) -> list[str]:
        """Queue what waited for a refresh that completed; else end it too."""
        topics: list[str] = []
        waiting = await refresh_rows.waiting_for(connection, refresh.tenant_id, refresh.refresh_id)
        for each in waiting:
            if status is not RefreshStatus.COMPLETED:
                upstream = f"{refresh.schema}.{refresh.datamart_name}"
                why = f"{upstream}, which it reads, was not refreshed: {error or status.value}"
                topics += await self.end(
                    connection, each, RefreshStatus.UPSTREAM_FAILED, now, error=why
                )
            elif await self._may_begin(connection, each.after):
                job_id = await self.enqueue(connection, each.tenant_id, each.refresh_id)
                await refresh_rows.update(
                    connection, each.refresh_id, OPEN_REFRESHES, job_id=job_id
                )
                topics.append(JOBS)
        return topics

    async def supersede(self, connection: Connection, newest: Datamart, now: datetime) -> None:
        """Give the versions before one that has its rows now the end of their time."""
        for other in await mart_rows.supersede(connection, newest):
            days = other.version.retention_days if other.version else 0
            await mart_rows.update(
                connection, other.datamart_id, expires_at=now + timedelta(days=days)
            )

    async def _may_begin(self, connection: Connection, after: Sequence[str]) -> bool:
        statuses = await refresh_rows.statuses(connection, after)
        return all(status is RefreshStatus.COMPLETED for status in statuses.values())
