"""Mappings a second of one request, against the ideal of its concurrency and latency.

A server of default settings carries simulated mappings of 20 ms, 100 at once: ideally 5,000 a
second. The rate is the request's own, from its start to its end; the time to accept is the
client's, over gRPC. Then the server's memory is told before, at the peak of and after requests of
more and more mappings, which is to be flat.
"""

import argparse
import asyncio
import statistics
import time
from contextlib import ExitStack
from pathlib import Path

import grpc
import psutil
import uvloop
from headrace.v1 import ingestion_service_pb2_grpc, status_service_pb2_grpc
from headrace.v1.ingestion_pb2 import Ingestion
from headrace.v1.ingestion_service_pb2 import CreateIngestionRequest
from headrace.v1.mapping_pb2 import Mapping
from headrace.v1.status_service_pb2 import WatchStatusRequest
from machine import CpuTimes, say, say_machine
from memory import PeakMemory
from serving import create_admin_key, headrace_server, postgres, scratch_folder

_LATENCY, _CONCURRENCY = 0.020, 100
_IDEAL = _CONCURRENCY / _LATENCY
#: mappings of the requests whose memory is told
_SIZES = (1_000, 10_000, 50_000)
_MIB = 1 << 20


async def carry(address: str, api_key: str, number: int) -> tuple[float, float]:
    """Submit so many mappings; returns seconds to accept them, and how many a second ran."""
    metadata = (("x-api-key", api_key),)
    request = CreateIngestionRequest(
        mappings=[
            Mapping(id=f"map_{each}", source="source_1", target="target_1")
            for each in range(number)
        ]
    )
    async with grpc.aio.insecure_channel(address) as channel:
        await asyncio.wait_for(channel.channel_ready(), 30)
        started = time.perf_counter()
        create = ingestion_service_pb2_grpc.IngestionServiceStub(channel).CreateIngestion
        accepted = await create(request, metadata=metadata)
        taken = time.perf_counter() - started
        watch = status_service_pb2_grpc.StatusServiceStub(channel).WatchStatus
        last = Ingestion()
        async for message in watch(
            WatchStatusRequest(request_id=accepted.request_id), metadata=metadata
        ):
            last = message
    if not last.terminal or last.processed_mappings != number:
        raise RuntimeError(f"the request did not end: {last}")
    span = last.completed_at.ToNanoseconds() - last.started_at.ToNanoseconds()
    return taken, number / (span / 1e9)


def measure(folder: Path, url: str | None, options: argparse.Namespace) -> None:
    """Run the requests one after the other, and print each and the medians."""
    data_dir = folder / "data"
    api_key = create_admin_key(data_dir, url)
    with headrace_server(data_dir, url) as server:
        uvloop.run(carry(server.address, api_key, 100))
        figures = []
        for run in range(1, options.runs + 1):
            times = CpuTimes(server=server.pid)
            figures.append(uvloop.run(carry(server.address, api_key, options.mappings)))
            accept, rate = figures[-1]
            say(f"run {run}  accepted in {accept:.2f} s, {rate:.0f} mappings/s")
            times.say()
        weigh(server.address, server.pid, api_key)
    accept, rate = (statistics.median(each) for each in zip(*figures, strict=True))
    say(f"median: accepted in {accept:.2f} s (demanded: below 1), {rate:.0f} mappings/s")
    say(f"ratio rate/ideal {rate / _IDEAL:.2f}; at least 0.85")


def weigh(address: str, pid: int, api_key: str) -> None:
    """Print the resident memory of the server around requests of more and more mappings."""
    server, peaks = psutil.Process(pid), {}
    for number in _SIZES:
        before = server.memory_info().rss
        with PeakMemory(pid) as memory:
            accept, rate = uvloop.run(carry(address, api_key, number))
        peaks[number] = memory.at_peak["server"]
        after = server.memory_info().rss
        say(
            f"{number:6} mappings: server {before / _MIB:.0f} MiB before, "
            f"{peaks[number] / _MIB:.0f} at most, {after / _MIB:.0f} after; "
            f"accepted in {accept:.2f} s, {rate:.0f} mappings/s"
        )
    say(f"ratio of the peaks, 50,000 to 1,000: {peaks[_SIZES[-1]] / peaks[_SIZES[0]]:.2f}")


def main() -> None:
    """Measure, and print each run, the medians and the ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5, help="requests")
    parser.add_argument("--mappings", type=int, default=10_000, help="of each request")
    parser.add_argument("--postgres", action="store_true", help="instead of SQLite")
    options = parser.parse_args()
    say_machine()
    say(f"control store: {'PostgreSQL' if options.postgres else 'SQLite'}; ideal {_IDEAL:.0f}/s")
    with scratch_folder() as folder, ExitStack() as stack:
        url = stack.enter_context(postgres(folder)) if options.postgres else None
        measure(folder, url, options)


if __name__ == "__main__":
    main()
