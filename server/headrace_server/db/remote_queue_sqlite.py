"""The remote queue on SQLite: each transaction is one visit to a thread, not one per statement."""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, TypeVar

from headrace_server.db.engine import ControlStore, connect_sqlite, is_unavailability
from headrace_server.db.jobs import StoredJob, rank_of
from headrace_server.db.remote_jobs import plain, remote_job_of
from headrace_server.model.errors import StorageUnavailableError
from headrace_server.model.job import Job
from headrace_server.model.remote_job import NewRemoteJob, RemoteJob, Submission

T = TypeVar("T")

_INSERT_JOB = """
INSERT INTO jobs (
    job_id, tenant_id, kind, payload, priority, rank, status,
    max_retries, lease_seconds, attempt_seconds, available_at, created_at
) VALUES (?, ?, ?, '{}', ?, ?, 'PENDING', ?, ?, ?, ?, ?)
"""
_INSERT_REMOTE_JOB = """
INSERT INTO remote_jobs (
    job_id, tenant_id, content_type, ingestion_task_id, source_file_path, task_options,
    revision, created_at
) VALUES (?, ?, ?, '', ?, ?, 1, ?)
"""
_WAITING = """
SELECT rank, job_id FROM jobs
WHERE tenant_id = ? AND kind = ? AND status = 'PENDING'
    AND available_at <= ? AND (expires_at IS NULL OR expires_at > ?)
ORDER BY rank LIMIT ?
"""
_SIZE = """
SELECT length(CAST(source_file_path AS BLOB)) + length(CAST(task_options AS BLOB))
    + coalesce(length(CAST(checkpoint AS BLOB)), 0)
FROM remote_jobs WHERE job_id = ?
"""
_TIMES = "SELECT lease_seconds, attempt_seconds FROM jobs WHERE job_id = ?"
_CLAIM = """
UPDATE jobs SET status = 'RUNNING', attempt = attempt + 1, worker_id = ?, started_at = ?,
    lease_expires_at = ?, attempt_expires_at = ?
WHERE job_id = ?
"""
_NOTE = "UPDATE remote_jobs SET worker_id = ?, revision = revision + 1 WHERE job_id = ?"
_READ = """
SELECT jobs.*, remote_jobs.worker_id AS last_worker_id, content_type, ingestion_task_id,
    source_file_path, task_options, checkpoint, result, ingestion_continued, revision
FROM jobs JOIN remote_jobs USING (job_id)
WHERE jobs.job_id = ?
"""
_END = """
UPDATE jobs SET status = 'COMPLETED', completed_at = ?,
    worker_id = NULL, lease_expires_at = NULL, attempt_expires_at = NULL
WHERE job_id = ? AND tenant_id = ? AND attempt = ? AND status = 'RUNNING' AND lease_expires_at > ?
    AND (SELECT ingestion_task_id FROM remote_jobs WHERE remote_jobs.job_id = jobs.job_id) = ''
"""
_KEEP_RESULT = "UPDATE remote_jobs SET result = ?, revision = revision + 1 WHERE job_id = ?"

_INSTANTS = (
    "lease_expires_at",
    "attempt_expires_at",
    "expires_at",
    "available_at",
    "created_at",
    "started_at",
    "completed_at",
)
_DOCUMENTS = ("task_options", "checkpoint", "result")


class SqliteRemoteQueue:
    """A `RemoteQueue` with a connection of its own, used by one thread."""

    def __init__(self, store: ControlStore) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="remote-queue")
        self._connection: sqlite3.Connection | None = None

    async def insert(
        self,
        queued: Sequence[StoredJob],
        new: Sequence[NewRemoteJob],
        now: datetime | None,
    ) -> list[Job]:
        """Queue jobs, as `RemoteQueue.insert`."""

        def write(connection: sqlite3.Connection) -> list[Job]:
            created_at = now or datetime.now(UTC)
            stored = [
                replace(each, job=replace(each.job, created_at=created_at, available_at=created_at))
                for each in queued
            ]
            with _transaction(connection):
                connection.executemany(_INSERT_JOB, map(_job_values, stored))
                connection.executemany(_INSERT_REMOTE_JOB, map(_remote_job_values, stored, new))
            return [each.job for each in stored]

        return await self._write(write)

    async def claim(
        self,
        tenant_id: str,
        kinds: Collection[str],
        worker_ids: Sequence[str],
        most_bytes: int,
        now: datetime | None,
    ) -> list[RemoteJob]:
        """Claim jobs, as `RemoteQueue.claim`."""

        def write(connection: sqlite3.Connection) -> list[RemoteJob]:
            instant = now or datetime.now(UTC)
            waiting = (connection, tenant_id, kinds, instant, len(worker_ids))
            # Reading first: whoever finds nothing needs no write lock.
            if not _waiting(*waiting):
                return []
            with _transaction(connection):
                job_ids = _within(connection, _waiting(*waiting), most_bytes)
                return [
                    _claim(connection, job_id, worker_id, instant)
                    for job_id, worker_id in zip(job_ids, worker_ids, strict=False)
                ]

        return await self._write(write)

    async def complete(
        self, tenant_id: str, successes: Sequence[Submission], now: datetime | None
    ) -> set[str]:
        """End jobs, as `RemoteQueue.complete`."""

        def write(connection: sqlite3.Connection) -> set[str]:
            instant = _text(now or datetime.now(UTC))
            with _transaction(connection):
                return {
                    each.job_id for each in successes if _end(connection, tenant_id, each, instant)
                }

        return await self._write(write)

    async def close(self) -> None:
        """Close the connection and end the thread."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown()

    async def _write(self, write: Callable[[sqlite3.Connection], T]) -> T:
        async with self._store.turn():
            loop = asyncio.get_running_loop()
            # To its end, also for a caller who is gone: the turn is over only then.
            running = loop.run_in_executor(self._thread, self._call, write)
            try:
                return await asyncio.shield(running)
            finally:
                await asyncio.wait([running])

    def _call(self, write: Callable[[sqlite3.Connection], T]) -> T:
        try:
            if self._connection is None:
                self._connection = connect_sqlite(self._store.url)
            return write(self._connection)
        except sqlite3.Error as error:
            if is_unavailability(error):
                raise StorageUnavailableError("the control store cannot take more now") from error
            raise

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _waiting(
    connection: sqlite3.Connection,
    tenant_id: str,
    kinds: Iterable[str],
    now: datetime,
    limit: int,
) -> list[str]:
    """Ids of the tenant's next jobs of all the kinds, the next one first."""
    instant = _text(now)
    found: list[tuple[int, str]] = []
    for kind in kinds:
        found += connection.execute(_WAITING, (tenant_id, kind, instant, instant, limit))
    return [job_id for _, job_id in sorted(found)[:limit]]


def _within(
    connection: sqlite3.Connection, job_ids: Iterable[str], most_bytes: int
) -> Iterator[str]:
    """The first, and those after it whose options and checkpoints are not too much with it."""
    left = most_bytes
    for place, job_id in enumerate(job_ids):
        (size,) = connection.execute(_SIZE, (job_id,)).fetchone()
        left -= size
        if place and left < 0:
            return
        yield job_id


def _claim(connection: sqlite3.Connection, job_id: str, worker_id: str, now: datetime) -> RemoteJob:
    lease, attempt = connection.execute(_TIMES, (job_id,)).fetchone()
    ends = (_text(now + timedelta(seconds=seconds)) for seconds in (min(lease, attempt), attempt))
    connection.execute(_CLAIM, (worker_id, _text(now), *ends, job_id))
    connection.execute(_NOTE, (worker_id, job_id))
    cursor = connection.execute(_READ, (job_id,))
    names = [column[0] for column in cursor.description]
    return remote_job_of(_row(dict(zip(names, cursor.fetchone(), strict=True))))


def _row(values: dict[str, Any]) -> SimpleNamespace:
    """A row as the engines give it."""
    for name in _INSTANTS:
        if values[name] is not None:
            values[name] = datetime.fromisoformat(values[name]).replace(tzinfo=UTC)
    for name in _DOCUMENTS:
        if values[name] is not None:
            values[name] = _document(values[name])
    values["ingestion_continued"] = bool(values["ingestion_continued"])
    return SimpleNamespace(**values)


def _end(connection: sqlite3.Connection, tenant_id: str, success: Submission, instant: str) -> bool:
    held = (instant, success.job_id, tenant_id, success.attempt, instant)
    if connection.execute(_END, held).rowcount == 0:
        return False
    connection.execute(_KEEP_RESULT, (json.dumps(plain(success.result)), success.job_id))
    return True


def _document(stored: Any) -> Any:
    """The value of a JSON text; what is none stays as it is, and spoils its own job only."""
    try:
        return json.loads(stored)
    except (ValueError, TypeError):  # SQLite makes a number of a text that is one
        return stored


def _job_values(stored: StoredJob) -> tuple[object, ...]:
    job, clocks = stored.job, stored.clocks
    created_at = _text(job.created_at)
    return (
        job.job_id,
        job.tenant_id,
        job.kind,
        job.priority.name,
        rank_of(job.created_at, job.priority),
        job.max_retries,
        clocks.lease.total_seconds(),
        clocks.attempt.total_seconds(),
        created_at,
        created_at,
    )


def _remote_job_values(stored: StoredJob, new: NewRemoteJob) -> tuple[object, ...]:
    job = stored.job
    options = json.dumps(dict(new.task_options))
    created_at = _text(job.created_at)
    return (
        job.job_id,
        job.tenant_id,
        new.content_type,
        new.source_file_path,
        options,
        created_at,
    )


def _text(instant: datetime) -> str:
    """An instant as the engine writes it: UTC without a zone, always with microseconds."""
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
