"""Statements on mounts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.dialects import upsert
from headrace_server.db.storage_tables import mounts
from headrace_server.model.storage import Mount, Place, StorageType


@dataclass(frozen=True, slots=True)
class StoredMount:
    """A mount with its credentials as they are kept."""

    mount: Mount
    #: key that they are encrypted with; None where there are none
    key_id: str | None
    credentials: bytes | None


async def put(connection: AsyncConnection, stored: StoredMount) -> None:
    """Store a mount in place of the one of its id."""
    values = _values(stored)
    statement = upsert(connection, mounts).values(values)
    changing = values.keys() - {"mount_id", "tenant_id", "local_path"}
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[mounts.c.mount_id],
            set_={name: statement.excluded[name] for name in changing},
        )
    )


async def find(connection: AsyncConnection, tenant_id: str, mount_id: str) -> Mount | None:
    """Read a tenant's mount."""
    statement = select(mounts).where(mounts.c.tenant_id == tenant_id, mounts.c.mount_id == mount_id)
    row = (await connection.execute(statement)).first()
    return None if row is None else _stored_of(row).mount


async def at(
    connection: AsyncConnection, tenant_id: str, paths: Collection[str]
) -> StoredMount | None:
    """The mount at the longest of the paths that has one."""
    statement = (
        select(mounts)
        .where(mounts.c.tenant_id == tenant_id, mounts.c.local_path.in_(paths))
        .order_by(func.length(mounts.c.local_path).desc())
        .limit(1)
    )
    row = (await connection.execute(statement)).first()
    return None if row is None else _stored_of(row)


async def page(
    connection: AsyncConnection, tenant_id: str, after: str, limit: int
) -> list[StoredMount]:
    """A tenant's mounts by path, those after a path."""
    statement = (
        select(mounts)
        .where(mounts.c.tenant_id == tenant_id, mounts.c.local_path > after)
        .order_by(mounts.c.local_path)
        .limit(limit)
    )
    return [_stored_of(row) for row in await connection.execute(statement)]


async def paths(connection: AsyncConnection, tenant_id: str) -> Sequence[str]:
    """The paths of a tenant's mounts."""
    statement = select(mounts.c.local_path).where(mounts.c.tenant_id == tenant_id)
    return (await connection.execute(statement)).scalars().all()


async def sealed(connection: AsyncConnection) -> list[StoredMount]:
    """The mounts of all tenants that have credentials."""
    statement = select(mounts).where(mounts.c.credentials.is_not(None))
    return [_stored_of(row) for row in await connection.execute(statement)]


async def reseal(connection: AsyncConnection, before: StoredMount, after: StoredMount) -> bool:
    """Put other sealed credentials in the place of those; False where they were replaced since."""
    done = await connection.execute(
        mounts.update()
        .where(
            mounts.c.mount_id == before.mount.mount_id,
            mounts.c.credentials == before.credentials,
        )
        .values(credentials=after.credentials, key_id=after.key_id)
    )
    return done.rowcount > 0


async def set_error(connection: AsyncConnection, mount: Mount, error: str | None) -> None:
    """Note what keeps a mount from being reached, unless it was replaced since."""
    await connection.execute(
        mounts.update()
        .where(mounts.c.mount_id == mount.mount_id, mounts.c.mounted_at == mount.mounted_at)
        .values(error=error)
    )


async def delete(connection: AsyncConnection, tenant_id: str, mount_id: str) -> None:
    """Delete a tenant's mount with its credentials."""
    await connection.execute(
        mounts.delete().where(mounts.c.tenant_id == tenant_id, mounts.c.mount_id == mount_id)
    )


def _values(stored: StoredMount) -> dict[str, Any]:
    mount, place = stored.mount, stored.mount.place
    return {
        "mount_id": mount.mount_id,
        "tenant_id": mount.tenant_id,
        "local_path": mount.local_path,
        "storage_type": place.storage_type.value,
        "network_path": place.network_path,
        "options": {
            "endpoint_url": place.endpoint_url,
            "region": place.region,
            "port": place.port,
        },
        "credentials": stored.credentials,
        "key_id": stored.key_id,
        "mounted_at": mount.mounted_at,
        "error": mount.error,
    }


def _stored_of(row: Row[Any]) -> StoredMount:
    place = Place(StorageType(row.storage_type), row.network_path, **row.options)
    mount = Mount(row.mount_id, row.tenant_id, row.local_path, place, row.mounted_at, row.error)
    return StoredMount(mount, row.key_id, row.credentials)
