"""Statements on idempotency keys."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.dialects import insert_if_absent
from headrace_server.db.tables import idempotency_keys

_keys = idempotency_keys.c


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A key as a caller gave it: unique by tenant and method."""

    tenant_id: str
    method: str
    key: str


@dataclass(frozen=True, slots=True)
class KeyClaim:
    """What is kept of the first request with a key."""

    #: of the request
    fingerprint: str
    #: names the claim
    claim_id: str
    #: until when an unanswered claim holds
    claim_expires_at: datetime
    #: when all of it is forgotten
    expires_at: datetime
    #: serialised answer; None while there is none
    answer: bytes | None = None


async def insert(connection: AsyncConnection, key: IdempotencyKey, claim: KeyClaim) -> bool:
    """Claim a key; False where it is claimed or answered already."""
    return await insert_if_absent(
        connection,
        idempotency_keys,
        {
            "tenant_id": key.tenant_id,
            "method": key.method,
            "key": key.key,
            **_values(claim),
        },
    )


async def get(connection: AsyncConnection, key: IdempotencyKey) -> KeyClaim | None:
    """Read what is kept of a key; nobody else changes it before the commit."""
    statement = (
        select(
            _keys.fingerprint,
            _keys.claim_id,
            _keys.claim_expires_at,
            _keys.expires_at,
            _keys.answer,
        )
        .where(_is(key))
        .with_for_update()
    )
    row = (await connection.execute(statement)).first()
    return None if row is None else KeyClaim(*row)


async def replace(
    connection: AsyncConnection, key: IdempotencyKey, old_claim_id: str, claim: KeyClaim
) -> bool:
    """Put a new claim in the place of an old one; False where that is there no more."""
    statement = (
        idempotency_keys.update()
        .where(_is(key), _keys.claim_id == old_claim_id)
        .values(_values(claim))
    )
    return (await connection.execute(statement)).rowcount == 1


async def answer(
    connection: AsyncConnection, key: IdempotencyKey, claim_id: str, serialised: bytes
) -> bool:
    """Keep the answer; False where the claim was replaced meanwhile."""
    statement = (
        idempotency_keys.update()
        .where(_is(key), _keys.claim_id == claim_id, _keys.answer.is_(None))
        .values(answer=serialised)
    )
    return (await connection.execute(statement)).rowcount == 1


async def delete(connection: AsyncConnection, key: IdempotencyKey, claim_id: str) -> bool:
    """Give up an unanswered claim; False where it was replaced or answered."""
    statement = idempotency_keys.delete().where(
        _is(key), _keys.claim_id == claim_id, _keys.answer.is_(None)
    )
    return (await connection.execute(statement)).rowcount == 1


async def delete_expired(connection: AsyncConnection, now: datetime) -> int:
    """Forget the keys whose time is over; returns how many."""
    statement = idempotency_keys.delete().where(_keys.expires_at <= now)
    return (await connection.execute(statement)).rowcount


def _is(key: IdempotencyKey) -> ColumnElement[bool]:
    return and_(_keys.tenant_id == key.tenant_id, _keys.method == key.method, _keys.key == key.key)


def _values(claim: KeyClaim) -> dict[str, Any]:
    return {
        "fingerprint": claim.fingerprint,
        "claim_id": claim.claim_id,
        "claim_expires_at": claim.claim_expires_at,
        "expires_at": claim.expires_at,
        "answer": claim.answer,
    }
