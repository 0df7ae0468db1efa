"""Remote jobs a second through gRPC on PostgreSQL: created, claimed, completed.

Workers at once create jobs, poll for as many and submit their results, in batches or one by one,
against `headrace-server serve` with an API key and all interceptors. Beside it, in the same run,
pgbench claims and completes rows of a bare table one by one with SKIP LOCKED, and procrastinate
defers and works off empty tasks, as many at once, in the process that defers them.
"""

import argparse
import asyncio
import itertools
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import grpc
import procrastinate
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

    async def latency(self, count: int) -> float:
        """Median milliseconds from the creation of a job to its claim by a worker that waits."""
        taken = [await self._wake() for _ in range(count)]
        return statistics.median(taken)

    async def _wake(self) -> float:
        request = pb.PollJobsRequest(worker_id="w", content_types=["waited-for"], wait_seconds=30)
        polling = asyncio.ensure_future(self._stub.PollJobs(request, metadata=self._metadata))
        await asyncio.sleep(0.05)
        began = time.perf_counter()
        job = pb.CreateRemoteJobRequest(source_file_path="x", content_type="waited-for")
        await self._stub.CreateRemoteJob(job, metadata=self._metadata)
        claimed = await polling
        took = (time.perf_counter() - began) * 1000
        await self._submit(claimed.jobs)
        return took


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


async def procrastinate_rate(url: str, workers: int, seconds: float) -> float:
    """Tasks a second that procrastinate defers and works off, one by one."""
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url))
    ended: dict[int, asyncio.Event] = {}

    @app.task(queue="bench")
    async def work(number: int) -> None:
        ended.pop(number).set()

    async def defer(numbers: Iterator[int], ends: float) -> None:
        while time.perf_counter() < ends:
            number = next(numbers)
            ended[number] = event = asyncio.Event()
            await work.defer_async(number=number)
            await event.wait()

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        worker = asyncio.create_task(
            app.run_worker_async(concurrency=workers, install_signal_handlers=False)
        )
        numbers = itertools.count()
        began = time.perf_counter()
        await asyncio.gather(*(defer(numbers, began + seconds) for _ in range(workers)))
        rate = next(numbers) / (time.perf_counter() - began)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
    return rate


class Measured:
    """What is measured, and whose processor time is printed."""

    def __init__(self, workers: Workers, pids: dict[str, int], options: argparse.Namespace) -> None:
        self._workers = workers
        self._pids = pids
        self._options = options

    async def say_rates(self, when: str) -> list[float]:
        """Print and return the rates in batches and singly."""
        rates = []
        for batch in (self._options.batch, 1):
            times = CpuTimes(**self._pids)
            rate = await self._workers.rate(self._options.workers, batch, self._options.seconds)
            say(f"ours, batches of {batch:<4} {rate:>9.0f} jobs/s{when}")
            times.say()
            rates.append(rate)
        return rates


async def measure(folder: Path, url: str | None, options: argparse.Namespace) -> None:
    """Print the rates and the latency of our server."""
    key = create_admin_key(folder / "data", url)
    with headrace_server(folder / "data", url) as server:
        pids = {"server": server.pid}
        if url:
            pids["postgres"] = postmaster_pid(folder)
        async with grpc.aio.insecure_channel(server.address) as channel:
            await asyncio.wait_for(channel.channel_ready(), 30)
            workers = Workers(channel, key)
            await workers.rate(options.workers, 5, 1)
            measured = Measured(workers, pids, options)
            before = await measured.say_rates("")
            say(f"create to claim      {await workers.latency(200):>9.1f} ms, median of 200")
            if options.pending:
                await workers.fill(options.pending)
                after = await measured.say_rates(f" with {options.pending:,} pending")
                ratios = [f"{b / a:.2f}" for a, b in zip(before, after, strict=True)]
                say(f"ratio with and without pending: {', '.join(ratios)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--sqlite", action="store_true", help="the embedded control store")
    parser.add_argument("--pending", type=int, default=0, help="jobs that wait, for a second look")
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
            rate = uvloop.run(procrastinate_rate(url, options.workers, options.seconds))
            say(f"procrastinate        {rate:>9.0f} tasks/s")


if __name__ == "__main__":
    main()
