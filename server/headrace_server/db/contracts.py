"""Statements on the contracts that tenants registered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.tables import contracts, tenants


@dataclass(frozen=True, slots=True)
class ContractRow:
    """One version of a contract as it is kept."""

    name: str
    version: int
    #: the tables, as JSON
    definition: Mapping[str, Any]
    created_at: datetime


async def lock(connection: AsyncConnection, tenant_id: str) -> None:
    """Keep others from registering contracts of the tenant until the commit."""
    await connection.execute(
        select(tenants.c.tenant_id)
        .where(tenants.c.tenant_id == tenant_id)
        # As weak as excludes itself: rows that refer to the tenant can still be inserted.
        .with_for_update(key_share=True)
    )


async def insert(connection: AsyncConnection, tenant_id: str, contract: ContractRow) -> None:
    """Insert a version that is not there."""
    await connection.execute(
        contracts.insert().values(
            tenant_id=tenant_id,
            name=contract.name,
            version=contract.version,
            definition=dict(contract.definition),
            created_at=contract.created_at,
        )
    )


async def find(
    connection: AsyncConnection, tenant_id: str, name: str, version: int
) -> ContractRow | None:
    """Read one version of a tenant's contract."""
    statement = select(contracts).where(
        contracts.c.tenant_id == tenant_id,
        contracts.c.name == name,
        contracts.c.version == version,
    )
    row = (await connection.execute(statement)).first()
    return None if row is None else _contract(row)


async def list_newest(connection: AsyncConnection, tenant_id: str) -> list[ContractRow]:
    """Read the newest version of every contract of the tenant, by name."""
    versions = contracts.alias("versions")
    newest = (
        select(func.max(versions.c.version))
        .where(versions.c.tenant_id == tenant_id, versions.c.name == contracts.c.name)
        .scalar_subquery()
    )
    statement = (
        select(contracts)
        .where(contracts.c.tenant_id == tenant_id, contracts.c.version == newest)
        .order_by(contracts.c.name)
    )
    return [_contract(row) for row in await connection.execute(statement)]


async def count(connection: AsyncConnection, tenant_id: str) -> int:
    """How many versions the tenant registered; none is ever dropped."""
    statement = (
        select(func.count()).select_from(contracts).where(contracts.c.tenant_id == tenant_id)
    )
    versions: int = (await connection.execute(statement)).scalar_one()
    return versions


def _contract(row: Row[Any]) -> ContractRow:
    return ContractRow(row.name, row.version, row.definition, row.created_at)
