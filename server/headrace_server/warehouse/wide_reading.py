"""Room for queries that read whole tables."""

from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.warehouse.dialect import Dialect
from headrace_server.warehouse.sql import execute


async def make_room(connection: AsyncConnection, dialect: Dialect) -> None:
    """Let PostgreSQL group and join in memory until the transaction ends, and compile nothing.

    Each of many short queries would be compiled anew, which takes longer than it runs.
    """
    if dialect.name == "postgresql":
        await execute(connection, "SET LOCAL work_mem = '64MB'")
        await execute(connection, "SET LOCAL jit = off")
