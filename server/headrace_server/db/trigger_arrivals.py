"""Statements on what has come to triggers, so that each message and file fires once."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.dialects import upsert
from headrace_server.db.trigger_tables import trigger_files, trigger_messages


async def take_message(
    connection: AsyncConnection,
    trigger_id: str,
    message_hash: str,
    execution_id: str,
    expires_at: datetime,
) -> str:
    """Note a message of a trigger that is locked; returns what it did, now or the first time."""
    key = {"trigger_id": trigger_id, "message_hash": message_hash}
    found = trigger_messages.c
    await connection.execute(
        upsert(connection, trigger_messages)
        .values(**key, execution_id=execution_id, expires_at=expires_at)
        .on_conflict_do_nothing()
    )
    statement = select(found.execution_id).where(
        found.trigger_id == trigger_id, found.message_hash == message_hash
    )
    first: str = (await connection.execute(statement)).scalar_one()
    return first


async def forget_messages(connection: AsyncConnection, now: datetime) -> None:
    """Forget messages, of all triggers, that are too old to be taken again."""
    await connection.execute(trigger_messages.delete().where(trigger_messages.c.expires_at <= now))


async def take_file(
    connection: AsyncConnection, trigger_id: str, path_hash: str, fingerprint: str
) -> bool:
    """Note that a version of a file fires a trigger that is locked; whether it did not before."""
    statement = upsert(connection, trigger_files).values(
        trigger_id=trigger_id, path_hash=path_hash, fingerprint=fingerprint
    )
    changed = await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["trigger_id", "path_hash"],
            set_={"fingerprint": fingerprint},
            where=trigger_files.c.fingerprint != fingerprint,
        )
    )
    return changed.rowcount > 0
