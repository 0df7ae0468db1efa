"""What the two engines spell differently."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


async def insert_if_absent(
    connection: AsyncConnection, table: Table, values: Mapping[str, Any]
) -> bool:
    """Insert a row unless its key is there, without spoiling the transaction; whether it did."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(table).values(dict(values)).on_conflict_do_nothing()
    return (await connection.execute(statement)).rowcount == 1
