"""Statements on exports. Those that take no tenant are for the worker and the sweeper."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.dialects import upsert
from headrace_server.db.export_tables import exports
from headrace_server.model.export import OPEN_EXPORTS, Export, ExportRequest, ExportStatus

_OPEN = [status.value for status in OPEN_EXPORTS]


async def insert(connection: AsyncConnection, export: Export) -> bool:
    """Insert an export that was asked for, yet without a job; whether there was none of its id."""
    inserted = await connection.execute(
        upsert(connection, exports)
        .values(
            export_id=export.export_id,
            tenant_id=export.tenant_id,
            job_id="",
            request=msgspec.to_builtins(export.request),
            status=export.status.value,
            file_name=export.file_name,
            revision=export.revision,
            truncated=export.truncated,
            sheets=[],
            warnings=[],
            created_at=export.created_at,
            expires_at=export.expires_at,
        )
        .on_conflict_do_nothing()
    )
    return inserted.rowcount == 1


async def set_job(connection: AsyncConnection, export_id: str, job_id: str) -> None:
    """Say which job exports it."""
    statement = exports.update().where(exports.c.export_id == export_id).values(job_id=job_id)
    await connection.execute(statement)


async def find(
    connection: AsyncConnection, tenant_id: str, export_id: str, now: datetime
) -> tuple[Export, str] | None:
    """Read a tenant's export that has not expired, and the id of its job."""
    statement = select(exports).where(
        exports.c.tenant_id == tenant_id,
        exports.c.export_id == export_id,
        exports.c.expires_at > now,
    )
    row = (await connection.execute(statement)).first()
    return None if row is None else (_export(row), row.job_id)


async def find_in_any_tenant(connection: AsyncConnection, export_id: str) -> Export | None:
    """Read an export, of whichever tenant, whether or not it has expired."""
    row = (
        await connection.execute(select(exports).where(exports.c.export_id == export_id))
    ).first()
    return None if row is None else _export(row)


async def page(
    connection: AsyncConnection,
    tenant_id: str,
    now: datetime,
    *,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Export]:
    """A tenant's exports that have not expired, newest first, those after a time and an id."""
    created_at, export_id = exports.c.created_at, exports.c.export_id
    statement = (
        select(exports)
        .where(exports.c.tenant_id == tenant_id, exports.c.expires_at > now)
        .order_by(created_at.desc(), export_id)
        .limit(limit)
    )
    if after is not None:
        last, last_id = after
        # The first condition lets the index begin at the right place.
        statement = statement.where(created_at <= last, or_(created_at < last, export_id > last_id))
    return [_export(row) for row in await connection.execute(statement)]


async def count_open(connection: AsyncConnection, tenant_id: str) -> int:
    """How many exports of a tenant have not ended."""
    statement = select(func.count()).where(
        exports.c.tenant_id == tenant_id, exports.c.status.in_(_OPEN)
    )
    found: int = (await connection.execute(statement)).scalar_one()
    return found


async def change(
    connection: AsyncConnection,
    export_id: str,
    expected: Collection[ExportStatus],
    **values: Any,
) -> None:
    """Set columns of an export that is in one of these states, and raise its revision."""
    await connection.execute(
        exports.update()
        .where(
            exports.c.export_id == export_id,
            exports.c.status.in_([status.value for status in expected]),
        )
        .values(revision=exports.c.revision + 1, **values)
    )


def ended(export: Export, status: ExportStatus, now: datetime) -> dict[str, Any]:
    """The columns of an export that ends now; it is kept as long as was asked for."""
    return {
        "status": status.value,
        "completed_at": now,
        "expires_at": now + timedelta(hours=export.request.output.keep_hours),
    }


async def expired(connection: AsyncConnection, now: datetime, limit: int) -> list[str]:
    """Exports, of all tenants, whose time is over."""
    statement = select(exports.c.export_id).where(exports.c.expires_at <= now).limit(limit)
    return list((await connection.execute(statement)).scalars())


async def delete(connection: AsyncConnection, export_id: str) -> None:
    """Forget an export."""
    await connection.execute(exports.delete().where(exports.c.export_id == export_id))


def _export(row: Any) -> Export:
    return Export(
        export_id=row.export_id,
        tenant_id=row.tenant_id,
        request=msgspec.convert(row.request, ExportRequest),
        status=ExportStatus(row.status),
        file_name=row.file_name,
        revision=row.revision,
        rows=row.rows,
        total_rows=row.total_rows,
        truncated=row.truncated,
        sheets=tuple(row.sheets),
        warnings=tuple(row.warnings),
        file_bytes=row.file_bytes,
        file_attempt=row.file_attempt,
        error=row.error,
        created_at=row.created_at,
        started_at=row.started_at,
        completed_at=row.completed_at,
        expires_at=row.expires_at,
    )
