"""Statements on refreshes of datamarts. The worker's name no tenant: it serves all of them."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.datamart_tables import datamart_refreshes as refreshes
from headrace_server.db.datamart_tables import datamarts
from headrace_server.model.datamart import OPEN_REFRESHES, Cause, Refresh, RefreshStatus

_columns = refreshes.c
_open = _columns.status.in_([status.value for status in OPEN_REFRESHES])


async def insert(connection: AsyncConnection, refresh: Refresh, job_id: str | None) -> None:
    """Insert a refresh that was asked for."""
    await connection.execute(
        refreshes.insert().values(
            refresh_id=refresh.refresh_id,
            tenant_id=refresh.tenant_id,
            datamart_id=refresh.datamart_id,
            job_id=job_id,
            status=refresh.status.value,
            cause=refresh.cause.value,
            concurrent=refresh.concurrent,
            after=list(refresh.after),
            number=refresh.number,
            error=refresh.error,
            note=refresh.note,
            revision=refresh.revision,
            created_at=refresh.created_at,
            completed_at=refresh.completed_at,
        )
    )


async def find(
    connection: AsyncConnection, tenant_id: str, refresh_id: str
) -> tuple[Refresh, str | None] | None:
    """Read a tenant's refresh, and the id of its job."""
    statement = _select().where(_columns.tenant_id == tenant_id, _columns.refresh_id == refresh_id)
    row = (await connection.execute(statement)).first()
    return None if row is None else (_refresh(row), row.job_id)


async def find_in_any_tenant(connection: AsyncConnection, refresh_id: str) -> Refresh | None:
    """Read a refresh, of whichever tenant."""
    row = (await connection.execute(_select().where(_columns.refresh_id == refresh_id))).first()
    return None if row is None else _refresh(row)


async def find_open(connection: AsyncConnection, datamart_id: str) -> Refresh | None:
    """Read the refresh of a datamart that has not ended, if there is one."""
    statement = _select().where(_columns.datamart_id == datamart_id, _open).limit(1)
    row = (await connection.execute(statement)).first()
    return None if row is None else _refresh(row)


async def open_of_tenant(connection: AsyncConnection, tenant_id: str) -> list[Refresh]:
    """Read the refreshes of a tenant that have not ended."""
    statement = _select().where(_columns.tenant_id == tenant_id, _open)
    return [_refresh(row) for row in await connection.execute(statement)]


async def waiting_for(
    connection: AsyncConnection, tenant_id: str, refresh_id: str
) -> list[Refresh]:
    """Read the refreshes of a tenant that a given one comes before, and that have no job yet."""
    statement = _select().where(_columns.tenant_id == tenant_id, _open, _columns.job_id.is_(None))
    waiting = [_refresh(row) for row in await connection.execute(statement)]
    return [refresh for refresh in waiting if refresh_id in refresh.after]


async def statuses(
    connection: AsyncConnection, refresh_ids: Collection[str]
) -> dict[str, RefreshStatus]:
    """Where refreshes stand, by their ids."""
    statement = select(_columns.refresh_id, _columns.status).where(
        _columns.refresh_id.in_(refresh_ids)
    )
    return {
        row.refresh_id: RefreshStatus(row.status) for row in await connection.execute(statement)
    }


async def page(
    connection: AsyncConnection, datamart_id: str, before: int | None, limit: int
) -> list[Refresh]:
    """Read refreshes of a datamart, newest first: those of numbers below one if given."""
    statement = _select().where(_columns.datamart_id == datamart_id)
    if before is not None:
        statement = statement.where(_columns.number < before)
    statement = statement.order_by(_columns.number.desc()).limit(limit)
    return [_refresh(row) for row in await connection.execute(statement)]


async def update(
    connection: AsyncConnection,
    refresh_id: str,
    expected: Collection[RefreshStatus],
    **values: Any,
) -> bool:
    """Change columns of a refresh in one of these states, and raise its revision; tells whether."""
    changed = await connection.execute(
        refreshes.update()
        .where(
            _columns.refresh_id == refresh_id,
            _columns.status.in_([status.value for status in expected]),
        )
        .values(revision=_columns.revision + 1, **values)
    )
    return changed.rowcount > 0


async def delete_before(connection: AsyncConnection, datamart_id: str, number: int) -> None:
    """Forget the ended refreshes of a datamart up to a number."""
    await connection.execute(
        refreshes.delete().where(
            _columns.datamart_id == datamart_id, _columns.number <= number, ~_open
        )
    )


def _select() -> Select[Any]:
    return select(refreshes, datamarts.c.schema, datamarts.c.name).join(
        datamarts, datamarts.c.datamart_id == _columns.datamart_id
    )


def _refresh(row: Any) -> Refresh:
    return Refresh(
        refresh_id=row.refresh_id,
        tenant_id=row.tenant_id,
        datamart_id=row.datamart_id,
        schema=row.schema,
        datamart_name=row.name,
        status=RefreshStatus(row.status),
        cause=Cause(row.cause),
        concurrent=row.concurrent,
        after=tuple(row.after),
        number=row.number,
        rows_written=row.rows_written,
        rows=row.rows_count,
        size_bytes=row.size_bytes,
        error=row.error,
        note=row.note,
        revision=row.revision,
        created_at=row.created_at,
        started_at=row.started_at,
        completed_at=row.completed_at,
    )
