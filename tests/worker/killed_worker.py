"""A worker process of its own, for tests that kill it; takes the control store's URL and its id."""

import asyncio
import sys

from sqlalchemy import insert

from headrace_server.core.jobs.queue import Jobs
from headrace_server.db import tables
from headrace_server.db.engine import ControlStore
from headrace_server.db.wakeups import open_wakeups
from headrace_server.model.job import Job
from headrace_server.worker.worker import Worker


def runner(store: ControlStore, jobs: Jobs, worker_id: str, seconds: float):  # type: ignore[no-untyped-def]  # noqa: ANN201  # shared by a script and its test
    """A runner whose effect is one row per job: a second one would break the primary key."""

    async def run(job: Job) -> None:
        await asyncio.sleep(seconds)
        async with store.begin() as connection:
            await jobs.complete(connection, job.job_id, job.attempt)
            effect = {"token_hash": job.job_id, "topic": worker_id, "tenant_id": job.tenant_id}
            await connection.execute(
                insert(tables.watch_tokens).values(**effect, expires_at=job.created_at)
            )

    return run


async def main(url: str, worker_id: str) -> None:
    store, wakeups = ControlStore.open(url), open_wakeups(url)
    jobs = Jobs(store, wakeups)
    await wakeups.start()
    worker = Worker(
        jobs,
        {"effect": runner(store, jobs, worker_id, 0.05)},
        wakeups,
        worker_id=worker_id,
        concurrency=3,
        poll_seconds=0.1,
        reap_seconds=0.2,
    )
    await worker.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
