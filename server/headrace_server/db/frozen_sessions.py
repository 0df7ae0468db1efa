"""The end of sessions whose process fell asleep in the midst of a statement.

PostgreSQL itself ends those that sleep between two statements of a transaction
(`idle_in_transaction_session_timeout`). One whose client was stopped between the parts of a single
statement (after Parse, before Bind), or before it has read the answer, counts as active: what it
has locked it would keep until the client wakes. No limit reaches that state before
`transaction_timeout` of PostgreSQL 17.
"""

import asyncio

import asyncpg
import structlog

from headrace_server.db.engine import APPLICATION, FROZEN_SECONDS, PATIENCE

_EVERY_SECONDS = 5
_END = """
    SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND usename = current_user AND application_name = $1
        AND state = 'active' AND wait_event IN ('ClientRead', 'ClientWrite')
        AND state_change < clock_timestamp() - make_interval(secs => $2)
"""

_log = structlog.get_logger(__name__)


async def keep_ending_frozen_sessions(url: str) -> None:
    """End those of a PostgreSQL control store until cancelled; whoever does so, does for all."""
    while True:
        try:
            await end_frozen_sessions(url, FROZEN_SECONDS)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            _log.warning("frozen_sessions.cannot_end", error=type(error).__name__)
        await asyncio.sleep(_EVERY_SECONDS)


async def end_frozen_sessions(url: str, seconds: float) -> int:
    """End sessions whose statement began so long ago and waits for its process; return how many.

    Over a connection of its own: those of the pool may all be waiting for what is locked.
    Raises OSError, TimeoutError and asyncpg's errors.
    """
    connection = await asyncpg.connect(url, timeout=PATIENCE)
    try:
        ended = await connection.fetch(_END, APPLICATION, seconds, timeout=PATIENCE)
        await connection.close(timeout=PATIENCE)
    finally:
        connection.terminate()
    for session in ended:
        _log.warning("frozen_sessions.ended", backend=session["pid"])
    return len(ended)
