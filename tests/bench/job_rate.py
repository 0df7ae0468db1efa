"""Remote jobs a second through gRPC on PostgreSQL: created, claimed, completed.

Workers at once create jobs, poll for as many and submit their results, in batches or one by one,
against `headrace-server serve` with an API key and all interceptors. Beside it, in the same run,
pgbench claims and completes rows of a bare table one by one with SKIP LOCKED.
"""

import argparse
import asyncio
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc
import uvloop
from headrace.v1 import remote_job_service_pb2 as pb
from headrace.v1 import remote_job_service_pb2_grpc
from machine import CpuTimes, say, say_machine
from serving import (
    POSTGRES_PROGRAMS,
    create_admin_key,
    headrace_server,
    postgres,
    postmaster_pid,
    scratch_folder,
)

_CONTENT_TYPE = "bench"
_TABLE = """
CREATE TABLE bench_queue (id bigserial PRIMARY KEY, status text NOT NULL DEFAULT 'PENDING');
CREATE INDEX bench_pending ON bench_queue (id) WHERE status = 'PENDING';
"""
_SCRIPT = """
INSERT INTO bench_queue DEFAULT VALUES;
WITH taken AS (
    UPDATE bench_queue SET status = 'RUNNING' WHERE id = (
        SELECT id FROM bench_queue WHERE status = 'PENDING' ORDER BY id LIMIT 1
        FOR UPDATE SKIP LOCKED
    ) RETURNING id
) SELECT coalesce(max(id), 0) AS id FROM taken \\gset
UPDATE bench_queue SET status = 'COMPLETED' WHERE id = :id;
"""


class Workers:
    """Callers that make jobs and do them."""

    def __init__(self, channel: grpc.aio.Channel, key: str) -> None:
        self._stub: Any = remote_job_service_pb2_grpc.RemoteJobServiceStub(channel)
        self._metadata = (("x-api-key", key),)
        self._done = 0

    async def rate(self, workers: int, batch: int, seconds: float) -> float:
        """Jobs a second that go from creation to completion."""
        self._done = 0
        began = time.perf_counter()
        ends = began + seconds
        await asyncio.gather(*(self._work(f"w{n}", batch, ends) for n in range(workers)))
        return self._done / (time.perf_counter() - began)

    async def fill(self, count: int) -> None:
        """Leave jobs of the tenant pending, older than all that are created later."""
        for _ in range(count // 1000):
            await self._create(1000)

    async def _work(self, worker_id: str, batch: int, ends: float) -> None:
        while time.perf_counter() < ends:
            await self._create(batch)
            claimed = await self._stub.PollJobs(
                pb.PollJobsRequest(
                    worker_id=worker_id,
                    content_types=[_CONTENT_TYPE],
                    max_jobs=batch,
                    wait_seconds=5,
                ),
                metadata=self._metadata,
            )
            await self._submit(claimed.jobs)
            self._done += len(claimed.jobs)

    async def _create(self, count: int) -> None:
        job = pb.CreateRemoteJobRequest(source_file_path="x", content_type=_CONTENT_TYPE)
        if count == 1:
            await self._stub.CreateRemoteJob(job, metadata=self._metadata)
        else:
            jobs = pb.CreateRemoteJobsRequest(jobs=[job] * count)
            await self._stub.CreateRemoteJobs(jobs, metadata=self._metadata)

    async def _submit(self, jobs: Sequence[Any]) -> None:
        results = [
            pb.SubmitResultRequest(
                job_id=job.job_id, attempt=job.attempt, success=True, content="done"
            )
            for job in jobs
        ]
        if len(results) == 1:
            await self._stub.SubmitResult(results[0], metadata=self._metadata)
        elif results:
            request = pb.SubmitResultsRequest(results=results)
            answer = await self._stub.SubmitResults(request, metadata=self._metadata)
            refused = [each.error.message for each in answer.results if each.HasField("error")]
            if refused:
                raise RuntimeError(refused[0])


def pgbench_rate(url: str, workers: int, seconds: float) -> float:
    """Rows a second that pgbench inserts, claims and completes, one by one."""
    subprocess.run([POSTGRES_PROGRAMS / "psql", "-q", "-c", _TABLE, url], check=True)
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(_SCRIPT)
        script.flush()
        command = [str(POSTGRES_PROGRAMS / "pgbench"), "-n", "-M", "prepared", "-c", str(workers)]
        command += ["-j", "2", "-T", str(int(seconds)), "-f", script.name, url]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("tps"))
    return float(line.split()[2])


async def measure(folder: Path, url: str | None, options: argparse.Namespace) -> None:
    """Print the rates."""
    key = create_admin_key(folder / "data", url)
    with headrace_server(folder / "data", url) as server:
        async with grpc.aio.insecure_channel(server.address) as channel:
            await asyncio.wait_for(channel.channel_ready(), 30)
            workers = Workers(channel, key)
            await workers.rate(options.workers, 5, 1)
            if options.pending:
                await workers.fill(options.pending)
            for batch in (options.batch, 1):
                pids = {"all": os.getpid(), "server": server.pid}
                if url:
                    pids["postgres"] = postmaster_pid(folder)
                times = CpuTimes(**pids)
                rate = await workers.rate(options.workers, batch, options.seconds)
                say(f"ours, batches of {batch:<4} {rate:>9.0f} jobs/s")
                times.say()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--sqlite", action="store_true", help="the embedded control store")
    parser.add_argument("--pending", type=int, default=0, help="jobs that wait all the time")
    options = parser.parse_args()
    say_machine()
    with scratch_folder() as folder:
        if options.sqlite:
            uvloop.run(measure(folder, None, options))
            return
        with postgres(folder) as url:
            uvloop.run(measure(folder, url, options))
            rate = pgbench_rate(url, options.workers, options.seconds)
            say(f"pgbench, one by one  {rate:>9.0f} rows/s")


if __name__ == "__main__":
    main()
