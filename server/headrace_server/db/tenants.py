"""Statements on tenants."""

from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.dialects import upsert
from headrace_server.db.tables import tenants
from headrace_server.model.tenant import Tenant, TenantStatus


async def insert(connection: AsyncConnection, tenant: Tenant) -> bool:
    """Insert a tenant; False where the id is taken."""
    statement = (
        upsert(connection, tenants)
        .values(
            tenant_id=tenant.tenant_id,
            display_name=tenant.display_name,
            status=tenant.status.value,
            created_at=tenant.created_at,
        )
        .on_conflict_do_nothing()
    )
    return (await connection.execute(statement)).rowcount == 1


async def find(connection: AsyncConnection, tenant_id: str) -> Tenant | None:
    """Read a tenant."""
    row = (
        await connection.execute(select(tenants).where(tenants.c.tenant_id == tenant_id))
    ).first()
    return None if row is None else _tenant(row)


async def list_after(connection: AsyncConnection, after: str, limit: int) -> list[Tenant]:
    """Tenants by id, those after an id; the empty text is before all."""
    statement = (
        select(tenants)
        .where(tenants.c.tenant_id > after)
        .order_by(tenants.c.tenant_id)
        .limit(limit)
    )
    return [_tenant(row) for row in await connection.execute(statement)]


async def set_status(connection: AsyncConnection, tenant_id: str, status: TenantStatus) -> None:
    """Change the status of a tenant, if there is one."""
    await connection.execute(
        tenants.update().where(tenants.c.tenant_id == tenant_id).values(status=status.value)
    )


def _tenant(row: Row[Any]) -> Tenant:
    return Tenant(
        tenant_id=row.tenant_id,
        display_name=row.display_name,
        status=TenantStatus(row.status),
        created_at=row.created_at,
    )
