"""A worker of the client library that says on standard output how its attempts begin and end.

Its results name the attempt that made them. Arguments: the server's address, and its own name.
"""

import asyncio
import json
import random
import sys
import time

from headrace_client import Client, Job, Worker
from headrace_client.attempt import AttemptEnd


def say(event: str, **fields: object) -> None:
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()


def seconds() -> float:
    return random.uniform(0.1, 0.5)  # noqa: S311  # it guards nothing


def signed(job: Job, name: str) -> str:
    return json.dumps([job.job_id, job.attempt, name])


async def main(address: str, name: str) -> None:
    def ended(end: AttemptEnd) -> None:
        say(
            "end",
            job_id=end.job_id,
            attempt=end.attempt,
            outcome=end.outcome.name,
            message=end.message,
        )

    async with Client(address) as client:
        worker = Worker(
            client, worker_id=name, concurrency=2, wait_seconds=5, drain_seconds=1, on_end=ended
        )

        @worker.handles("heartbeats")
        async def heartbeats(job: Job) -> str:
            """Whoever wakes in here hears from a heartbeat that the job is lost."""
            say("begin", job_id=job.job_id, attempt=job.attempt)
            await job.checkpoint(attempt=job.attempt)
            await asyncio.sleep(seconds())
            return signed(job, name)

        @worker.handles("silent")
        async def silent(job: Job) -> str:
            """Whoever wakes in here sends the result first of all."""
            say("begin", job_id=job.job_id, attempt=job.attempt)
            time.sleep(seconds() / 2)  # noqa: ASYNC251  # see above
            return signed(job, name)

        @worker.handles("endless")
        async def endless(job: Job) -> str:
            """The first attempt does not end."""
            await job.checkpoint(attempt=job.attempt)
            if job.attempt == 1:
                await asyncio.Event().wait()
            return signed(job, name)

        say("ready")
        await worker.run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
