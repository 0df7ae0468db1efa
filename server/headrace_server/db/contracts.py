"""Statements on the contracts that tenants registered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.tables import contracts


@dataclass(frozen=True, slots=True)
class StoredContract:
    """One version of a contract as it is kept."""

    name: str
    version: int
    #: the tables, as JSON
    definition: Mapping[str, Any]
    created_at: datetime


async def insert(connection: AsyncConnection, tenant_id: str, contract: StoredContract) -> None:
    """Insert a version; the caller has locked the tenant."""
    await connection.execute(
        contracts.insert().values(
            tenant_id=tenant_id,
            name=contract.name,
            version=contract.version,
            definition=dict(contract.definition),
            created_at=contract.created_at,
        )
    )


async def get(
    connection: AsyncConnection, tenant_id: str, name: str, version: int
) -> StoredContract | None:
    """Read one version of a tenant's contract."""
    statement = select(contracts).where(
        contracts.c.tenant_id == tenant_id,
        contracts.c.name == name,
        contracts.c.version == version,
    )
    row = (await connection.execute(statement)).first()
    return None if row is None else _stored(row)


async def newest_of_all(connection: AsyncConnection, tenant_id: str) -> list[StoredContract]:
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
    return [_stored(row) for row in await connection.execute(statement)]


async def count_versions(connection: AsyncConnection, tenant_id: str) -> int:
    """How many versions the tenant registered; none is ever dropped."""
    statement = (
        select(func.count()).select_from(contracts).where(contracts.c.tenant_id == tenant_id)
    )
    versions: int = (await connection.execute(statement)).scalar_one()
    return versions


def _stored(row: Row[Any]) -> StoredContract:
    return StoredContract(row.name, row.version, row.definition, row.created_at)
