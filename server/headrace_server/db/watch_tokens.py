"""Statements on watch tokens; of a token only its hash comes here."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.tables import watch_tokens


@dataclass(frozen=True, slots=True)
class WatchToken:
    """Who a watch token speaks for."""

    tenant_id: str
    #: the key that made it; None for an anonymous caller
    key_id: str | None


async def insert(
    connection: AsyncConnection,
    *,
    token_hash: str,
    tenant_id: str,
    key_id: str | None,
    topic: str,
    expires_at: datetime,
) -> None:
    """Insert a token that opens a topic."""
    await connection.execute(
        watch_tokens.insert().values(
            token_hash=token_hash,
            tenant_id=tenant_id,
            key_id=key_id,
            topic=topic,
            expires_at=expires_at,
        )
    )


async def find(
    connection: AsyncConnection, token_hash: str, topic: str, now: datetime
) -> WatchToken | None:
    """Read the token if it opens the topic and has not expired."""
    columns = watch_tokens.c
    row = (
        await connection.execute(
            select(columns.tenant_id, columns.key_id).where(
                columns.token_hash == token_hash, columns.topic == topic, columns.expires_at > now
            )
        )
    ).first()
    return None if row is None else WatchToken(row.tenant_id, row.key_id)


async def delete_expired(connection: AsyncConnection, now: datetime) -> int:
    """Delete the tokens that expired; returns how many."""
    statement = watch_tokens.delete().where(watch_tokens.c.expires_at <= now)
    return (await connection.execute(statement)).rowcount
