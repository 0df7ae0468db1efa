"""Statements on the secrets of webhooks, which are kept encrypted."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.trigger_tables import triggers

_columns = triggers.c


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """A secret of a webhook, encrypted."""

    key_id: str
    sealed: bytes
    #: when it is taken no more; None for never
    expires_at: datetime | None = None


async def secrets_of(connection: AsyncConnection, trigger_id: str) -> list[SealedSecret]:
    """The secrets of a trigger, newest first, those that have expired among them."""
    statement = select(_columns.secrets).where(_columns.trigger_id == trigger_id)
    stored = (await connection.execute(statement)).scalar_one_or_none() or []
    return [unsealed(each) for each in stored]


async def all_secrets(
    connection: AsyncConnection,
) -> list[tuple[str, str, list[SealedSecret]]]:
    """Tenant, id and secrets of every trigger that has some."""
    statement = select(_columns.tenant_id, _columns.trigger_id, _columns.secrets).where(
        _columns.webhook_auth.is_not(None)
    )
    return [
        (row[0], row[1], [unsealed(each) for each in row[2]])
        for row in await connection.execute(statement)
    ]


async def set_secrets(
    connection: AsyncConnection, trigger_id: str, secrets: Sequence[SealedSecret]
) -> None:
    """Replace the secrets of a trigger that is locked."""
    statement = triggers.update().where(_columns.trigger_id == trigger_id)
    await connection.execute(statement.values(secrets=sealed(secrets)))


def sealed(secrets: Sequence[SealedSecret]) -> list[dict[str, Any]]:
    """As they are stored: JSON, the bytes in base64."""
    return [
        {
            "key_id": each.key_id,
            "sealed": base64.b64encode(each.sealed).decode(),
            "expires_at": each.expires_at and each.expires_at.isoformat(),
        }
        for each in secrets
    ]


def unsealed(stored: dict[str, Any]) -> SealedSecret:
    """Read what `sealed` stored."""
    expires_at = stored["expires_at"]
    return SealedSecret(
        key_id=stored["key_id"],
        sealed=base64.b64decode(stored["sealed"]),
        expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
    )
