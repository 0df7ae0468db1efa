"""Statements on the keys that every server of this deployment signs with."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.dialects import upsert
from headrace_server.db.tables import signing_keys


async def keep(connection: AsyncConnection, name: str, secret: bytes) -> bytes:
    """Return the key of that name; the one given where there was none."""
    statement = upsert(connection, signing_keys).values(name=name, secret=secret)
    await connection.execute(statement.on_conflict_do_nothing())
    found = select(signing_keys.c.secret).where(signing_keys.c.name == name)
    kept: bytes = (await connection.execute(found)).scalar_one()
    return kept
