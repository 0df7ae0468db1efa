"""Sessions that merge, named after what they merge, and ended when their process sleeps."""

from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.warehouse import StagedChunk
from headrace_server.warehouse.sql import execute

#: seconds after which a merge that waits for its own process is taken for asleep
_SLEEP_SECONDS = 10


async def name_session(connection: AsyncConnection, chunk: StagedChunk) -> None:
    """Name a session after the attempt that it merges for, until its transaction ends."""
    name = f"headrace:{chunk.key.ingestion_id}:{chunk.attempt}"
    await execute(connection, "SELECT set_config('application_name', :name, TRUE)", name=name)


async def end_sleeping(connection: AsyncConnection) -> None:
    """End the sessions that merge and have long waited for rows: no timeout sees to these."""
    await execute(
        connection,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name LIKE 'headrace\\:%'"
        " AND state = 'active' AND wait_event_type = 'Client'"
        f" AND query_start < now() - INTERVAL '{_SLEEP_SECONDS} seconds'",
    )


async def end_merges(connection: AsyncConnection, ingestion_id: str, *, before: int) -> None:
    """End the sessions in which attempts before that one at an ingestion merge."""
    await execute(
        connection,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND starts_with(application_name, :prefix)"
        " AND CAST(split_part(application_name, ':', 3) AS BIGINT) < :attempt",
        prefix=f"headrace:{ingestion_id}:",
        attempt=before,
    )
