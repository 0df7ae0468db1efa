"""How ingestions end: not before the remote jobs that name them have."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from headrace_server.core.ingestion import outcomes
from headrace_server.core.jobs.queue import Jobs
from headrace_server.db import holds as hold_rows
from headrace_server.db import ingestions as ingestion_rows
from headrace_server.db import remote_jobs as remote_rows
from headrace_server.db.engine import Connection
from headrace_server.db.holds import DeadJob, OwnEnd
from headrace_server.model.errors import WrongStateError
from headrace_server.model.ingestion import OPEN, Ingestion, Status

_WAITING = "remote jobs are waited for"
#: failed remote jobs that are told one by one
_TOLD = 3


async def end_own_work(
    connection: Connection,
    tenant_id: str,
    request_id: str,
    statuses: Collection[Status],
    *,
    status: Status,
    details: str | None,
    now: datetime,
    **values: Any,
) -> Ingestion | None:
    """End an ingestion in one of the statuses, its own job locked; set other fields as well.

    While remote jobs keep it open it stays as it is and remembers its outcome, for `go_on`.
    Returns None, changing nothing, where its status is none of those.
    """
    await hold_rows.lock_open(connection, tenant_id, [request_id])
    if await hold_rows.is_held(connection, request_id):
        return await ingestion_rows.update_ingestion(
            connection,
            request_id,
            statuses,
            own_status=status,
            own_details=details,
            details=outcomes.joined(details, _WAITING),
            **values,
        )
    own = OwnEnd(status, details)
    return await _end(connection, tenant_id, request_id, statuses, own, now, **values)


async def go_on(
    connection: Connection,
    tenant_id: str,
    waiting: Mapping[str, OwnEnd | None],
    news: Mapping[str, str],
    now: datetime,
) -> None:
    """Move on ingestions that `lock_open` gave, after jobs that held them have ended.

    One whose own work is over, and which nothing holds any more, ends. The others that there are
    news of say them, and their revision rises.
    """
    for request_id, own in waiting.items():
        if own and not await hold_rows.is_held(connection, request_id):
            await _end(connection, tenant_id, request_id, OPEN, own, now)
        elif request_id in news:
            details = outcomes.joined(own.details if own else None, news[request_id])
            await ingestion_rows.update_ingestion(connection, request_id, OPEN, details=details)


async def cancel(
    connection: Connection, jobs: Jobs, request_id: str, now: datetime, details: str
) -> list[str]:
    """Cancel an open ingestion, its own job locked, and the remote jobs that hold it.

    Returns the ids of those jobs. Raises WrongStateError where one was queued at this moment: roll
    back and try again.
    """
    held_by = await hold_rows.lock_holders(connection, request_id)
    if held_by:
        await jobs.cancel_all(connection, held_by, now)
        await remote_rows.end(connection, held_by)
    await ingestion_rows.update_ingestion(
        connection,
        request_id,
        OPEN,
        status=Status.CANCELLED,
        details=details,
        completed_at=now,
        own_status=None,
        own_details=None,
        remote_failures=None,
    )
    if await hold_rows.is_held(connection, request_id):
        raise WrongStateError("a remote job was queued at this moment", status="PENDING")
    return held_by


async def _end(
    connection: Connection,
    tenant_id: str,
    request_id: str,
    statuses: Collection[Status],
    own: OwnEnd,
    now: datetime,
    **values: Any,
) -> Ingestion | None:
    number, dead = await hold_rows.dead_jobs(connection, tenant_id, request_id, _TOLD)
    failures = _failures(number, dead)
    status, details = outcomes.with_failures(own.status, own.details, failures)
    return await ingestion_rows.update_ingestion(
        connection,
        request_id,
        statuses,
        status=status,
        details=details,
        remote_failures=failures,
        own_status=None,
        own_details=None,
        completed_at=now,
        **values,
    )


def _failures(number: int, dead: Sequence[DeadJob]) -> str | None:
    said = [
        f"the {job.content_type} conversion of job {job.job_id} failed: {job.error}" for job in dead
    ]
    if number > len(dead):
        said.append(f"{number - len(dead)} other conversions failed")
    return outcomes.joined(*said)
