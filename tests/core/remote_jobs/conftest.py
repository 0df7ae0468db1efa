"""Remote jobs on a queue with a clock of its own, once for each engine."""

import itertools
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headrace_server.core.contracts.registry import Contracts
from headrace_server.core.ingestion.accepting import Acceptance
from headrace_server.core.ingestion.arrivals import Arrivals
from headrace_server.core.ingestion.endings import end_own_work
from headrace_server.core.ingestion.uploads import Uploads
from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.limits import Limits
from headrace_server.core.remote_jobs.claims import RemoteClaims
from headrace_server.core.remote_jobs.contents import Contents
from headrace_server.core.remote_jobs.estimates import Durations
from headrace_server.core.remote_jobs.releases import Releases
from headrace_server.core.remote_jobs.requests import RemoteJobs
from headrace_server.core.remote_jobs.results import RemoteResults
from headrace_server.core.remote_jobs.sources import Sources
from headrace_server.db import ingestions as ingestion_rows
from headrace_server.db import tables
from headrace_server.db.engine import ControlStore
from headrace_server.db.remote_queue import open_remote_queue
from headrace_server.db.wakeups import Wakeups
from headrace_server.files.spool import Spool
from headrace_server.model.ingestion import OPEN, Ingestion, Kind, Status
from headrace_server.model.job import REMOTE, NewJob, Priority
from headrace_server.model.remote_job import (
    Acknowledgement,
    NewRemoteJob,
    RemoteJob,
    RemoteResult,
    Submission,
)
from headrace_server.model.tenant import Principal, Scope

NOW = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@dataclass
class Site:
    """All of remote jobs; acme owns what nobody else is named for."""

    store: ControlStore
    folder: Path
    wakeups: Wakeups = field(default_factory=Wakeups)
    now: datetime = NOW
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.acme, self.globex = (
            Principal(name, frozenset(Scope), None) for name in ("acme", "globex")
        )
        self.remote_queue = open_remote_queue(self.store)
        self.queue = Jobs(self.store, self.wakeups, clock=lambda: self.now, jitter=lambda: 0.5)
        self.spool = Spool(self.folder)
        self.jobs = RemoteJobs(
            self.store,
            self.queue,
            self.remote_queue,
            self.wakeups,
            None,  # type: ignore[arg-type]  # watches are tested elsewhere
            self.spool,
        )
        self.releases = Releases(self.store, self.queue, self.wakeups)
        self.claims = RemoteClaims(
            self.store, self.queue, self.remote_queue, self.wakeups, self.releases
        )
        self.results = RemoteResults(self.store, self.queue, self.remote_queue, self.wakeups)
        self.sources = Sources(self.store, self.queue, self.spool)
        limits, contracts = Limits(), Contracts(self.store)
        arrivals = Arrivals(self.store, self.spool, limits, lambda: self.now)
        acceptance = Acceptance(self.store, self.queue, contracts, limits, lambda: self.now)
        self.uploads = Uploads(
            self.store, self.spool, contracts, arrivals, acceptance, limits, lambda: self.now
        )
        self.contents = Contents(self.store, self.queue, self.uploads, self.jobs, self.spool)
        self.durations = Durations(self.store)
        self.queue.on_failure(REMOTE, self.jobs.failed)

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    async def create(self, content_type: str = "audio", **options: object) -> str:
        (job,) = await self.jobs.create(self.acme, [new_job(content_type, **options)])
        return job.job_id

    async def poll(
        self, *content_types: str, worker_id: str = "w1", limit: int = 10, wait: float = 0
    ) -> list[RemoteJob]:
        kinds = content_types or ("audio",)
        return await self.claims.poll(self.acme, worker_id, kinds, limit, wait)

    async def succeed(self, job_id: str, attempt: int = 1, content: str = "x") -> Acknowledgement:
        submission = Submission(job_id, attempt, success=True, result=RemoteResult(content))
        return await self.results.submit(self.acme, submission)

    async def upload(
        self, data: bytes, caller: Principal | None = None, result_of: tuple[str, int] | None = None
    ) -> str:
        """Upload a file that is only kept, or a result, and complete it; return its token."""
        caller = caller or self.acme
        if result_of:
            upload = await self.contents.begin_upload(
                caller, *result_of, file_name="result", total_bytes=len(data), sha256=None
            )
        else:
            upload = await self.uploads.create(
                caller,
                file_name="source.bin",
                data_type="",
                total_bytes=len(data),
                sha256=None,
                priority=Priority.MEDIUM,
                keep=True,
            )
        token = upload.upload_id
        await self.uploads.append(caller, token, offset=0, sha256=None, body=_one(data))
        return (await self.uploads.complete(caller, token, sha256=None)).upload_id

    async def submit_upload(self, job_id: str, token: str, attempt: int = 1) -> Acknowledgement:
        """Hand in an uploaded content."""
        result = RemoteResult(upload_token=token)
        return await self.results.submit(
            self.acme, Submission(job_id, attempt, success=True, result=result)
        )

    async def fail(self, job_id: str, attempt: int, words: str = "broken") -> Acknowledgement:
        submission = Submission(job_id, attempt, success=False, error_message=words)
        return await self.results.submit(self.acme, submission)

    async def get(self, job_id: str) -> RemoteJob:
        return await self.jobs.get(self.acme, job_id)

    async def put_ingestion(self, tenant_id: str = "acme", status: Status = Status.PENDING) -> str:
        """Put an ingestion there, with a job of its own that somebody works on."""
        request_id = f"{tenant_id}-{status.value}-{next(self.numbers)}"
        ingestion = Ingestion(
            request_id=request_id,
            tenant_id=tenant_id,
            kind=Kind.MAPPINGS,
            status=status,
            priority=Priority.MEDIUM,
            total_units=1,
            processed_units=0,
            failed_units=0,
            rows_loaded=0,
            rows_rejected=0,
            rows_parked=0,
            bytes_total=0,
            bytes_processed=0,
            details=None,
            revision=1,
            replays=0,
            created_at=self.now,
            started_at=None,
            completed_at=None,
        )
        async with self.store.begin() as connection:
            job = await self.queue.enqueue(connection, NewJob(f"own-{request_id}", tenant_id, {}))
            await ingestion_rows.insert(connection, ingestion, job.job_id, [])
        if status is Status.PENDING:
            await self.queue.claim("own", [f"own-{request_id}"], 1)
        return request_id

    async def end_own_work(
        self, request_id: str, status: Status = Status.COMPLETED, details: str | None = None
    ) -> Ingestion | None:
        """End the work of an ingestion itself, as loads and mappings do."""
        async with self.store.begin() as connection:
            job_id = await ingestion_rows.job_id(connection, request_id)
            await self.queue.complete(connection, job_id, 1)
            return await end_own_work(
                connection,
                "acme",
                request_id,
                OPEN,
                status=status,
                details=details,
                now=self.now,
            )

    async def ingestion(self, request_id: str) -> Ingestion:
        async with self.store.read() as connection:
            found = await ingestion_rows.find_in_any_tenant(connection, request_id)
        assert found is not None
        return found


async def _one(data: bytes) -> AsyncIterator[bytes]:
    yield data


def new_job(content_type: str = "audio", **options: object) -> NewRemoteJob:
    return NewRemoteJob(**{"source_file_path": "/a", "content_type": content_type, **options})  # type: ignore[arg-type]  # options are checked by the record


@pytest.fixture
async def site(migrated_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    store = ControlStore.open(migrated_url)
    async with store.begin() as connection:
        await connection.execute(
            tables.tenants.insert(),
            [
                {"tenant_id": name, "display_name": name, "status": "ACTIVE", "created_at": NOW}
                for name in ("acme", "globex")
            ],
        )
    site = Site(store, tmp_path / "spool")
    yield site
    await site.remote_queue.close()
    await store.close()
