"""1,000 watchers of one ingestion: does each see the end, and how far are they apart?

All watchers stand in one asyncio process over a few channels and are connected before the end.
"""

import argparse
import asyncio
import time
from contextlib import ExitStack
from dataclasses import dataclass

import grpc
import uvloop
from dataset import TABLES, Dataset, Sizes, write_dataset
from headrace.v1.ingestion_pb2 import Ingestion
from headrace.v1.status_service_pb2 import WatchStatusRequest
from headrace.v1.status_service_pb2_grpc import StatusServiceStub
from ingesting import ingest
from machine import say, say_machine
from serving import headrace_server, postgres, scratch_folder

from headrace_client import Client


@dataclass(frozen=True, slots=True)
class Seen:
    """What one watcher saw."""

    messages: int
    #: its first message was no end
    in_time: bool
    #: clock at the terminal message; None where none came
    ended: float | None
    status: int


async def watch(channel: grpc.aio.Channel, request_id: str) -> Seen:
    """Read one watch to its end."""
    messages, in_time, last = 0, False, Ingestion()
    ended = None
    async for last in StatusServiceStub(channel).WatchStatus(
        WatchStatusRequest(request_id=request_id)
    ):
        messages += 1
        in_time = in_time or not last.terminal
        if last.terminal:
            ended = time.perf_counter()
    return Seen(messages, in_time, ended, last.status)


async def measure(address: str, dataset: Dataset, options: argparse.Namespace) -> list[Seen]:
    """Load the items while everybody watches; returns what each saw."""
    files = {table: dataset.ndjson(table) for table in TABLES}
    items = files.pop("order_items")
    channels = [
        # Else channels of one process to one address share a connection.
        grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
        for _ in range(options.channels)
    ]
    async with Client(address) as client:
        await ingest(client, files)
        upload = await client.upload(items, complete=False)
        await asyncio.gather(*(channel.channel_ready() for channel in channels))
        session = await client.complete_upload(
            upload.upload_token, upload.sha256, upload.bytes_total
        )
        watches = [
            watch(channels[number % len(channels)], session.request_id)
            for number in range(options.watchers)
        ]
        seen = await asyncio.gather(*watches)
    await asyncio.gather(*(channel.close() for channel in channels))
    return seen


def report(seen: list[Seen]) -> None:
    """Print what the watchers saw, and how far apart."""
    ends = sorted(one.ended for one in seen if one.ended is not None)
    late = sum(not one.in_time for one in seen)
    complete = sum(one.status == Ingestion.COMPLETED for one in seen)
    messages = sorted(one.messages for one in seen)
    say(f"{len(ends)} of {len(seen)} watchers saw the terminal message, {complete} of COMPLETED")
    say(f"messages per watcher: {messages[0]} to {messages[-1]}")
    if late:
        say(f"{late} came only after the end: ask for more --items")
    if ends:
        middle = ends[len(ends) // 2] - ends[0]
        spread = ends[-1] - ends[0]
        say(f"after the first, the median came {middle * 1000:.0f} ms later and the last")
        say(f"{spread * 1000:.0f} ms later; at most 500 ms")


def main() -> None:
    """Measure, and print each run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--watchers", type=int, default=1000)
    parser.add_argument("--channels", type=int, default=10)
    parser.add_argument("--items", type=int, default=400_000, help="rows that are watched")
    parser.add_argument("--postgres", action="store_true", help="instead of SQLite")
    options = parser.parse_args()
    say_machine()
    sizes = Sizes(10_000, 2_000, 20_000, options.items)
    for _ in range(options.runs):
        with scratch_folder() as folder, ExitStack() as stack:
            dataset = write_dataset(folder, sizes, csv=False)
            url = stack.enter_context(postgres(folder)) if options.postgres else None
            server = stack.enter_context(headrace_server(folder / "server", url))
            report(uvloop.run(measure(server.address, dataset, options)))


if __name__ == "__main__":
    main()
