"""Statements on API keys; of a secret only its hash comes here."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.tables import api_keys
from headrace_server.model.tenant import ApiKey, Scope


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key and what proves its secret."""

    key: ApiKey
    #: SHA-256 of the secret in hexadecimal
    secret_hash: str


async def insert(connection: AsyncConnection, stored: StoredKey) -> None:
    """Insert a key of an existing tenant."""
    key = stored.key
    await connection.execute(
        api_keys.insert().values(
            key_id=key.key_id,
            tenant_id=key.tenant_id,
            description=key.description,
            scopes=",".join(sorted(scope.name for scope in key.scopes)),
            secret_hash=stored.secret_hash,
            created_at=key.created_at,
            revoked_at=key.revoked_at,
        )
    )


async def find(connection: AsyncConnection, key_id: str) -> StoredKey | None:
    """Read a key, of whichever tenant: it is what tells the tenant."""
    row = (await connection.execute(select(api_keys).where(api_keys.c.key_id == key_id))).first()
    return None if row is None else StoredKey(_key(row), row.secret_hash)


async def list_before(
    connection: AsyncConnection, tenant_id: str, before: tuple[datetime, str] | None, limit: int
) -> list[ApiKey]:
    """A tenant's keys, newest first, those before a creation time and key id."""
    created_at, key_id = api_keys.c.created_at, api_keys.c.key_id
    statement = (
        select(api_keys)
        .where(api_keys.c.tenant_id == tenant_id)
        .order_by(created_at.desc(), key_id.desc())
        .limit(limit)
    )
    if before is not None:
        last, last_id = before
        statement = statement.where(
            or_(created_at < last, (created_at == last) & (key_id < last_id))
        )
    return [_key(row) for row in await connection.execute(statement)]


async def revoke(connection: AsyncConnection, tenant_id: str, key_id: str, now: datetime) -> None:
    """Revoke a tenant's key, if there is one and it is not yet."""
    await connection.execute(
        api_keys.update()
        .where(
            api_keys.c.tenant_id == tenant_id,
            api_keys.c.key_id == key_id,
            api_keys.c.revoked_at.is_(None),
        )
        .values(revoked_at=now)
    )


async def any_exist(connection: AsyncConnection) -> bool:
    """Whether any tenant ever had a key, revoked ones included."""
    return bool((await connection.execute(select(exists(select(api_keys.c.key_id))))).scalar())


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        key_id=row.key_id,
        tenant_id=row.tenant_id,
        description=row.description,
        scopes=frozenset(Scope[name] for name in row.scopes.split(",") if name),
        created_at=row.created_at,
        revoked_at=row.revoked_at,
    )
