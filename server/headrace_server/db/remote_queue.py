"""What every remote job goes through: creation, claim and completion, on the shortest way.

The engines' own transactions of several statements cost the server five times the processor time.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from headrace_server.db.engine import ControlStore
from headrace_server.db.jobs import StoredJob
from headrace_server.db.postgres_pool import PostgresPool
from headrace_server.db.remote_queue_postgres import PostgresRemoteQueue
from headrace_server.db.remote_queue_sqlite import SqliteRemoteQueue
from headrace_server.model.job import Job
from headrace_server.model.remote_job import NewRemoteJob, RemoteJob, Submission


class RemoteQueue(Protocol):
    """Each call is a transaction; `now` is the time by the queue's clock, None for the database's.

    Each raises StorageUnavailableError when the database cannot be reached or takes no more.
    """

    async def insert(
        self,
        queued: Sequence[StoredJob],
        new: Sequence[NewRemoteJob],
        now: datetime | None,
    ) -> list[Job]:
        """Queue jobs that name no ingestion; return them with the time of their creation."""
        ...

    async def claim(
        self,
        tenant_id: str,
        kinds: Collection[str],
        worker_ids: Sequence[str],
        most_bytes: int,
        now: datetime | None,
    ) -> list[RemoteJob]:
        """Claim the next jobs of any of the kinds, one for each worker, the first first.

        Those that others lock are passed over. Paths, and options and checkpoints as JSON, have at
        most so many bytes together, unless those of the first alone have more.
        """
        ...

    async def complete(
        self, tenant_id: str, successes: Sequence[Submission], now: datetime | None
    ) -> set[str]:
        """End jobs well whose claims hold and that name no ingestion; return their ids.

        A job may be named only once.
        """
        ...

    async def close(self) -> None:
        """Close what it opened."""
        ...


def open_remote_queue(store: ControlStore) -> RemoteQueue:
    """The one that fits the control store; the first call connects."""
    if store.dialect == "sqlite":
        return SqliteRemoteQueue(store)
    return PostgresRemoteQueue(PostgresPool(store.url))
