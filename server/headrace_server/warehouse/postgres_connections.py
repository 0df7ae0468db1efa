"""Connections to PostgreSQL."""

import asyncpg

from headrace_server.model.errors import StorageUnavailableError

# What a process holds that sleeps in a merge, or whose machine is gone, is soon free again.
_SETTINGS = {
    "idle_in_transaction_session_timeout": "10s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}


async def connect(url: str, *, database: str | None = None) -> asyncpg.Connection:
    """Connect to a libpq URL, to another of its server's databases if one is named.

    Raises StorageUnavailableError.
    """
    try:
        return await asyncpg.connect(url, database=database, server_settings=_SETTINGS)
    except (OSError, asyncpg.PostgresError) as error:
        raise StorageUnavailableError(f"the database cannot be reached: {error}") from error
