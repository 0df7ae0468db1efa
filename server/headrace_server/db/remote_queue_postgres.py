"""The remote queue on PostgreSQL, which can change two tables in one statement."""

import asyncio
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import asyncpg
import structlog

from headrace_server.db.jobs import StoredJob
from headrace_server.db.postgres_pool import PostgresPool
from headrace_server.db.remote_jobs import plain, remote_job_of
from headrace_server.db.tables import jobs
from headrace_server.model.errors import StorageUnavailableError
from headrace_server.model.job import Job
from headrace_server.model.remote_job import NewRemoteJob, RemoteJob, Submission

_log = structlog.get_logger(__name__)

_CLOCK = "clock AS MATERIALIZED (SELECT coalesce($1::timestamptz, clock_timestamp()) AS now)"

_INSERT = f"""
WITH {_CLOCK}, given AS MATERIALIZED (
    SELECT * FROM json_to_recordset($2::json) AS given (
        job_id text, tenant_id text, kind text, priority text, head_start bigint,
        max_retries integer, lease_seconds float8, attempt_seconds float8,
        content_type text, source_file_path text, task_options json
    )
), queued AS (
    INSERT INTO jobs (
        job_id, tenant_id, kind, payload, priority, rank, status,
        max_retries, lease_seconds, attempt_seconds, available_at, created_at
    )
    SELECT job_id, tenant_id, kind, '{{}}', priority,
        (extract(epoch FROM now) * 1000000)::bigint - head_start, 'PENDING',
        max_retries, lease_seconds, attempt_seconds, now, now
    FROM given, clock
)
INSERT INTO remote_jobs (
    job_id, tenant_id, content_type, ingestion_task_id, source_file_path, task_options,
    revision, created_at
)
SELECT job_id, tenant_id, content_type, '', source_file_path, task_options, 1, now
FROM given, clock
RETURNING created_at
"""  # noqa: S608  # constants

_CLAIMED = ", ".join(f"claimed.{column.name}" for column in jobs.c if column.name != "payload")
_CLAIMABLE = """
    jobs.tenant_id = $2 AND jobs.kind = {kind} AND jobs.status = 'PENDING'
    AND jobs.available_at <= now AND (jobs.expires_at IS NULL OR jobs.expires_at > now)
"""

# Of one kind, which most workers ask for, the index is gone through once.
_LOCKED_OF_ONE_KIND = f"""
locked AS MATERIALIZED (
    SELECT jobs.job_id, jobs.rank FROM clock, jobs
    WHERE {_CLAIMABLE.format(kind="($3::text[])[1]")}
    ORDER BY jobs.rank LIMIT cardinality($4::text[])
    FOR UPDATE OF jobs SKIP LOCKED
)
"""  # noqa: S608  # constants
_LOCKED_OF_ALL_KINDS = f"""
next AS (
    SELECT waiting.kind FROM clock, unnest($3::text[]) AS asked (kind), LATERAL (
        SELECT jobs.kind, jobs.rank FROM jobs WHERE {_CLAIMABLE.format(kind="asked.kind")}
        ORDER BY jobs.rank LIMIT cardinality($4::text[])
    ) AS waiting
    ORDER BY waiting.rank LIMIT cardinality($4::text[])
), shares AS MATERIALIZED (
    SELECT kind, count(*) AS number FROM next GROUP BY kind
), locked AS MATERIALIZED (
    SELECT taken.job_id, taken.rank FROM clock, shares, LATERAL (
        SELECT jobs.job_id, jobs.rank FROM jobs WHERE {_CLAIMABLE.format(kind="shares.kind")}
        ORDER BY jobs.rank LIMIT shares.number
        FOR UPDATE SKIP LOCKED
    ) AS taken
)
"""  # noqa: S608  # constants
_SIZE = """
octet_length(source_file_path) + octet_length(task_options::text)
    + coalesce(octet_length(checkpoint::text), 0)
"""
_CLAIM = f"""
WITH {_CLOCK}, {{locked}}, sized AS (
    SELECT locked.job_id, row_number() OVER by_rank AS position,
        sum({_SIZE}) OVER (by_rank ROWS UNBOUNDED PRECEDING) AS bytes_so_far
    FROM locked JOIN remote_jobs USING (job_id)
    WINDOW by_rank AS (ORDER BY rank)
), taken AS MATERIALIZED (
    SELECT job_id, ($4::text[])[position] AS worker_id FROM sized
    WHERE position = 1 OR bytes_so_far <= $5::bigint
), claimed AS (
    UPDATE jobs SET
        status = 'RUNNING', attempt = attempt + 1, worker_id = taken.worker_id, started_at = now,
        attempt_expires_at = now + make_interval(secs => attempt_seconds),
        lease_expires_at = now + make_interval(secs => least(lease_seconds, attempt_seconds))
    FROM taken, clock
    WHERE jobs.job_id = taken.job_id
    RETURNING jobs.*
), noted AS (
    UPDATE remote_jobs SET worker_id = taken.worker_id, revision = revision + 1
    FROM taken
    WHERE remote_jobs.job_id = taken.job_id
    RETURNING remote_jobs.*
)
SELECT {_CLAIMED}, claimed.payload::text AS payload, noted.worker_id AS last_worker_id,
    content_type, ingestion_task_id, source_file_path, task_options, checkpoint, result,
    ingestion_continued, revision
FROM claimed JOIN noted USING (job_id)
ORDER BY claimed.rank
"""  # noqa: S608  # constants
_CLAIM_OF_ONE_KIND = _CLAIM.format(locked=_LOCKED_OF_ONE_KIND)
_CLAIM_OF_ALL_KINDS = _CLAIM.format(locked=_LOCKED_OF_ALL_KINDS)

# Jobs that were claimed leave dead entries at the head of the index that claims begin at, which
# autovacuum, once a minute, lets grow to hundreds of thousands.
_VACUUM = "VACUUM (SKIP_LOCKED, TRUNCATE OFF, PARALLEL 0) jobs"
_CLAIMS_PER_VACUUM = 20_000
# All indexes are read for it: with a million jobs waiting it takes a second of a core.
_REST_PER_VACUUM = 20

# The rows of jobs are locked in order, and before those beside them, as everywhere.
_COMPLETE = f"""
WITH {_CLOCK}, given AS MATERIALIZED (
    SELECT * FROM json_to_recordset($3::json) AS given (job_id text, attempt integer, result json)
), held AS MATERIALIZED (
    SELECT jobs.job_id, given.result
    FROM clock, given
        JOIN jobs ON jobs.job_id = given.job_id
        JOIN remote_jobs ON remote_jobs.job_id = given.job_id
    WHERE jobs.tenant_id = $2 AND jobs.attempt = given.attempt AND jobs.status = 'RUNNING'
        AND jobs.lease_expires_at > now AND remote_jobs.ingestion_task_id = ''
    ORDER BY jobs.job_id
    FOR UPDATE OF jobs
), ended AS (
    UPDATE jobs SET
        status = 'COMPLETED', completed_at = now,
        worker_id = NULL, lease_expires_at = NULL, attempt_expires_at = NULL
    FROM held, clock
    WHERE jobs.job_id = held.job_id
)
UPDATE remote_jobs SET result = held.result, revision = revision + 1
FROM held
WHERE remote_jobs.job_id = held.job_id
RETURNING remote_jobs.job_id
"""  # noqa: S608  # constants


class PostgresRemoteQueue:
    """A `RemoteQueue` of single statements, which are transactions of their own."""

    def __init__(self, pool: PostgresPool, claims_per_vacuum: int = _CLAIMS_PER_VACUUM) -> None:
        """Take the pool and close it at the end."""
        self._pool = pool
        self._claims_per_vacuum = claims_per_vacuum
        self._claims = 0
        self._vacuuming: asyncio.Task[None] | None = None
        self._rests_until = 0.0

    async def insert(
        self,
        queued: Sequence[StoredJob],
        new: Sequence[NewRemoteJob],
        now: datetime | None,
    ) -> list[Job]:
        """Queue jobs, as `RemoteQueue.insert`."""
        given = [_given(*each) for each in zip(queued, new, strict=True)]
        rows = await self._pool.fetch(_INSERT, now, given)
        created_at = rows[0].created_at
        return [
            replace(each.job, created_at=created_at, available_at=created_at) for each in queued
        ]

    async def claim(
        self,
        tenant_id: str,
        kinds: Collection[str],
        worker_ids: Sequence[str],
        most_bytes: int,
        now: datetime | None,
    ) -> list[RemoteJob]:
        """Claim jobs, as `RemoteQueue.claim`."""
        statement = _CLAIM_OF_ONE_KIND if len(kinds) == 1 else _CLAIM_OF_ALL_KINDS
        rows = await self._pool.fetch(
            statement, now, tenant_id, list(kinds), list(worker_ids), most_bytes
        )
        self._count(len(rows))
        return [remote_job_of(row) for row in rows]

    async def complete(
        self, tenant_id: str, successes: Sequence[Submission], now: datetime | None
    ) -> set[str]:
        """End jobs, as `RemoteQueue.complete`."""
        given = [
            {"job_id": each.job_id, "attempt": each.attempt, "result": plain(each.result)}
            for each in successes
        ]
        rows = await self._pool.fetch(_COMPLETE, now, tenant_id, given)
        return {row.job_id for row in rows}

    async def close(self) -> None:
        """Close the pool."""
        if self._vacuuming:
            self._vacuuming.cancel()
            await asyncio.gather(self._vacuuming, return_exceptions=True)
        await self._pool.close()

    def _count(self, claims: int) -> None:
        self._claims += claims
        due = self._claims >= self._claims_per_vacuum and time.monotonic() >= self._rests_until
        if due and self._vacuuming is None:
            self._claims = 0
            self._vacuuming = asyncio.create_task(self._vacuum(), name="remote-queue-vacuum")

    async def _vacuum(self) -> None:
        began = time.monotonic()
        try:
            await self._pool.fetch(_VACUUM)
        except (StorageUnavailableError, asyncpg.PostgresError) as error:
            _log.warning("remote_queue.cannot_vacuum", error=type(error).__name__)
        finally:
            took = time.monotonic() - began
            self._rests_until = time.monotonic() + took * _REST_PER_VACUUM
            self._vacuuming = None


def _given(stored: StoredJob, new: NewRemoteJob) -> dict[str, Any]:
    job, clocks = stored.job, stored.clocks
    return {
        "job_id": job.job_id,
        "tenant_id": job.tenant_id,
        "kind": job.kind,
        "priority": job.priority.name,
        "head_start": round(job.priority.value.total_seconds() * 1_000_000),
        "max_retries": job.max_retries,
        "lease_seconds": clocks.lease.total_seconds(),
        "attempt_seconds": clocks.attempt.total_seconds(),
        "content_type": new.content_type,
        "source_file_path": new.source_file_path,
        "task_options": dict(new.task_options),
    }
