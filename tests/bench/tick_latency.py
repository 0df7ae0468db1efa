"""How long after its time a tick's first job is claimed, on PostgreSQL.

A server runs as a process of its own. One trigger after the other has its time come; its run begins
with a job, whose claim is the end of the measurement. Both instants are the database's. The peer is
the queue alone: a job that is enqueued, and the wake-up that it gives.
"""

import argparse
import asyncio
import statistics
from datetime import datetime, timedelta

from machine import say, say_machine
from serving import headrace_server, postgres, scratch_folder
from sqlalchemy import text
from triggering import PIPELINE, TENANT, Bench, bench_on

from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.relationships.detections import DETECT_RELATIONSHIPS
from headrace_server.db import pipelines as pipeline_rows
from headrace_server.db.engine import ControlStore, current_time
from headrace_server.db.wakeups import PostgresWakeups
from headrace_server.model.job import NewJob
from headrace_server.model.pipeline import Approval, Definition, Pipeline, Step

_PAUSE = timedelta(milliseconds=300)
_PATIENCE = 10.0


async def make_pipeline(bench: Bench) -> None:
    async with bench.store.begin() as connection:
        now = await current_time(connection)
        definition = Definition("bench", (Step("ask", Approval()),))
        await pipeline_rows.insert(connection, Pipeline(PIPELINE, TENANT, 1, definition, now, now))


async def first_claim(store: ControlStore, where: str, **values: object) -> datetime:
    """When the job was claimed."""
    deadline = asyncio.get_running_loop().time() + _PATIENCE
    statement = text(
        f"SELECT jobs.started_at FROM jobs {where} AND jobs.started_at IS NOT NULL LIMIT 1"
    )
    while asyncio.get_running_loop().time() < deadline:
        async with store.read() as connection:
            found = (await connection.execute(statement, values)).scalar_one_or_none()
        if found is not None:
            claimed: datetime = found
            return claimed
        await asyncio.sleep(0.02)
    raise TimeoutError("no job was claimed")


async def tick(bench: Bench, trigger_id: str) -> float:
    """Milliseconds from a trigger's time to the claim of its run's first job."""
    due_at = await bench.come(trigger_id, _PAUSE)
    await asyncio.sleep(_PAUSE.total_seconds())
    where = (
        "JOIN runs USING (job_id) JOIN trigger_executions AS e ON e.run_id = runs.run_id"
        " WHERE e.trigger_id = :trigger_id"
    )
    claimed = await first_claim(bench.store, where, trigger_id=trigger_id)
    return (claimed - due_at).total_seconds() * 1000


async def enqueue(bench: Bench, jobs: Jobs) -> float:
    """Milliseconds from the enqueuing of a job to its claim."""
    new = NewJob(DETECT_RELATIONSHIPS, TENANT, {"detection_id": "none"}, max_retries=1)
    async with bench.store.begin() as connection:
        begun = await current_time(connection)
        job = await jobs.enqueue(connection, new)
    jobs.announce()
    claimed = await first_claim(bench.store, "WHERE job_id = :job_id", job_id=job.job_id)
    return (claimed - begun).total_seconds() * 1000


async def measure(url: str, samples: int) -> None:
    """Measure peer and ours in turns."""
    wakeups = PostgresWakeups(url)
    await wakeups.start()
    async with bench_on(url) as bench:
        await make_pipeline(bench)
        jobs = Jobs(bench.store, wakeups)
        peer, ours = [], []
        for trigger_id in await bench.make(samples):
            peer.append(await enqueue(bench, jobs))
            ours.append(await tick(bench, trigger_id))
    await wakeups.close()
    for name, taken in (("a job alone", peer), ("tick to first job claimed", ours)):
        taken.sort()
        say(
            f"{name:<28} median {statistics.median(taken):7.1f} ms,"
            f" 95 % {taken[int(len(taken) * 0.95)]:7.1f} ms, most {taken[-1]:7.1f} ms"
        )
    ratio = statistics.median(ours) / statistics.median(peer)
    say(f"ratio of the medians {ratio:.2f}; target: 100 ms")


def main() -> None:
    """Start PostgreSQL and a server, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=100)
    asked = parser.parse_args()
    say_machine()
    with (
        scratch_folder() as folder,
        postgres(folder) as url,
        headrace_server(folder / "data", url),
    ):
        asyncio.run(measure(url, asked.samples))


if __name__ == "__main__":
    main()
