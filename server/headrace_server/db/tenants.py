"""Statements on tenants."""

from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.dialects import insert_if_absent
from headrace_server.db.tables import tenants
from headrace_server.model.tenant import Tenant, TenantStatus


async def insert(connection: AsyncConnection, tenant: Tenant) -> bool:
    """Insert a tenant; False where the id is taken."""
    return await insert_if_absent(
        connection,
        tenants,
        {
            "tenant_id": tenant.tenant_id,
            "display_name": tenant.display_name,
            "status": tenant.status.value,
            "created_at": tenant.created_at,
        },
    )


async def get(connection: AsyncConnection, tenant_id: str) -> Tenant | None:
    """Read a tenant."""
    statement = select(tenants).where(tenants.c.tenant_id == tenant_id)
    row = (await connection.execute(statement)).first()
    return None if row is None else _tenant(row)


async def lock(connection: AsyncConnection, tenant_id: str) -> None:
    """Keep others that lock the tenant waiting until the commit."""
    await connection.execute(
        select(tenants.c.tenant_id)
        .where(tenants.c.tenant_id == tenant_id)
        # As weak as excludes itself: rows that refer to the tenant can still be inserted.
        .with_for_update(key_share=True)
    )


async def page(connection: AsyncConnection, *, after: str | None, limit: int) -> list[Tenant]:
    """Tenants by id, those after an id."""
    statement = select(tenants).order_by(tenants.c.tenant_id).limit(limit)
    if after is not None:
        statement = statement.where(tenants.c.tenant_id > after)
    return [_tenant(row) for row in await connection.execute(statement)]


async def set_status(
    connection: AsyncConnection, tenant_id: str, status: TenantStatus
) -> Tenant | None:
    """Change a tenant's status and return the tenant; None where there is none."""
    statement = (
        tenants.update()
        .where(tenants.c.tenant_id == tenant_id)
        .values(status=status.value)
        .returning(*tenants.c)
    )
    row = (await connection.execute(statement)).first()
    return None if row is None else _tenant(row)


def _tenant(row: Row[Any]) -> Tenant:
    return Tenant(
        tenant_id=row.tenant_id,
        display_name=row.display_name,
        status=TenantStatus(row.status),
        created_at=row.created_at,
    )
