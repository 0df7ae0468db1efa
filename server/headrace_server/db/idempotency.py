"""Statements on idempotency keys.

A claim's id is random and unique: it stands for tenant, method and key once the key is claimed.
"""

from dataclasses import asdict, dataclass, fields
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.dialects import upsert
from headrace_server.db.tables import idempotency_keys


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key and what is kept of the first request that came with it."""

    tenant_id: str
    method: str
    key: str
    #: SHA-256 of the request in hexadecimal
    fingerprint: str
    #: serialised answer; None while the first request is still being answered
    answer: bytes | None
    #: names the claim
    claim_id: str
    #: until when an unanswered claim holds
    claim_expires_at: datetime
    #: when all of it is forgotten
    expires_at: datetime


_columns = idempotency_keys.c
_KEY = [_columns.tenant_id, _columns.method, _columns.key]
_FIELDS = [_columns[field.name] for field in fields(KeyRow)]


async def claim(connection: AsyncConnection, row: KeyRow, now: datetime) -> bool:
    """Claim a key that is free, to be forgotten, or whose claim for the same request ran out.

    Returns False, changing nothing, for any other.
    """
    insert = upsert(connection, idempotency_keys).values(asdict(row))
    free = or_(
        _columns.expires_at <= now,
        and_(
            _columns.answer.is_(None),
            _columns.claim_expires_at <= now,
            _columns.fingerprint == row.fingerprint,
        ),
    )
    statement = insert.on_conflict_do_update(
        index_elements=_KEY,
        set_={column.name: insert.excluded[column.name] for column in _FIELDS[len(_KEY) :]},
        where=free,
    )
    return (await connection.execute(statement)).rowcount == 1


async def find(connection: AsyncConnection, tenant_id: str, method: str, key: str) -> KeyRow | None:
    """Read what is kept of a key."""
    statement = select(*_FIELDS).where(
        _columns.tenant_id == tenant_id, _columns.method == method, _columns.key == key
    )
    row = (await connection.execute(statement)).first()
    return None if row is None else KeyRow(*row)


async def renew(connection: AsyncConnection, claim_id: str, claim_expires_at: datetime) -> bool:
    """Prolong an unanswered claim; False where it was replaced or answered."""
    statement = (
        idempotency_keys.update()
        .where(_columns.claim_id == claim_id, _columns.answer.is_(None))
        .values(claim_expires_at=claim_expires_at)
    )
    return (await connection.execute(statement)).rowcount == 1


async def finish(connection: AsyncConnection, claim_id: str, answer: bytes) -> bool:
    """Keep the answer; False where the claim was replaced or answered."""
    statement = (
        idempotency_keys.update()
        .where(_columns.claim_id == claim_id, _columns.answer.is_(None))
        .values(answer=answer)
    )
    return (await connection.execute(statement)).rowcount == 1


async def abandon(connection: AsyncConnection, claim_id: str) -> bool:
    """Free the key of an unanswered claim; False where it was replaced or answered."""
    statement = idempotency_keys.delete().where(
        _columns.claim_id == claim_id, _columns.answer.is_(None)
    )
    return (await connection.execute(statement)).rowcount == 1


async def delete_expired(connection: AsyncConnection, now: datetime) -> int:
    """Forget the keys whose time is over; returns how many."""
    statement = idempotency_keys.delete().where(_columns.expires_at <= now)
    return (await connection.execute(statement)).rowcount
