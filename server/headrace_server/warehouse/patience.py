"""Changes of PostgreSQL's relations that wait for readers without others waiting behind them."""

import asyncio
from collections.abc import Awaitable, Callable

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.datamart import Relation
from headrace_server.model.errors import StorageUnavailableError
from headrace_server.warehouse.sql import execute

#: how long readers are waited for at once, how often, and the seconds between
_PATIENCE_MS, _TRIES, _PAUSE = 200, 50, 0.2
#: SQLSTATE of a lock that was waited for too long
_NOT_IN_TIME = "55P03"


async def patiently(connection: AsyncConnection, change: Callable[[], Awaitable[None]]) -> bool:
    """Make a change in a savepoint as soon as it need not wait; False where that never came.

    Whoever comes to read while it waits would wait behind it, so it gives way again and again.
    """
    for _ in range(_TRIES):
        try:
            async with connection.begin_nested():
                await execute(connection, f"SET LOCAL lock_timeout = '{_PATIENCE_MS}ms'")
                await change()
                await execute(connection, "SET LOCAL lock_timeout TO DEFAULT")
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != _NOT_IN_TIME:
                raise
            await asyncio.sleep(_PAUSE)
        else:
            return True
    return False


async def change_patiently(
    connection: AsyncConnection, relation: Relation, change: Callable[[], Awaitable[None]]
) -> None:
    """`patiently`. Raises StorageUnavailableError where the moment never came."""
    if not await patiently(connection, change):
        schema, name = relation
        raise StorageUnavailableError(f"{schema}.{name} is being read all the time: try again")
