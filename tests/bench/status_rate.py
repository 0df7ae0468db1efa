"""Calls a second of `GetStatus` through all interceptors against a bare grpc.aio echo.

One asyncio client process of several concurrent callers makes both kinds of calls with the same
code and the same metadata; both servers run on uvloop. The echo returns the request.
"""

import argparse
import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import uvloop
from dataset import Sizes, write_dataset
from headrace.v1.ingestion_pb2 import Ingestion
from headrace.v1.status_service_pb2 import GetStatusRequest
from ingesting import await_end
from machine import alternate, cpu_seconds, say, say_machine, say_ratio
from serving import (
    create_admin_key,
    free_port,
    headrace_server,
    postgres,
    scratch_folder,
)

from headrace_client import Client

_ECHO = "/bench.Echo/Echo"
_GET_STATUS = "/headrace.v1.StatusService/GetStatus"
_WARM_UP = 1.0


@dataclass(frozen=True, slots=True)
class Load:
    """How hard a server is called."""

    #: callers at once
    callers: int
    #: seconds that are counted
    seconds: float


async def serve_echo(port: int) -> None:
    """Answer each request with itself until SIGTERM."""

    async def echo(request: GetStatusRequest, _context: object) -> GetStatusRequest:
        return request

    handler = grpc.unary_unary_rpc_method_handler(
        echo,
        request_deserializer=GetStatusRequest.FromString,
        response_serializer=GetStatusRequest.SerializeToString,
    )
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("bench.Echo", {"Echo": handler}),)
    )
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    asked = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked.set)
    await asked.wait()
    await server.stop(None)


@contextmanager
def echo_server() -> Iterator[tuple[str, int]]:
    """Run the echo in a process of its own; gives its address and process id."""
    port = free_port()
    process = subprocess.Popen([sys.executable, __file__, "--echo-port", str(port)])
    try:
        yield f"127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait()


async def count_calls(
    address: str,
    pid: int,
    method: str,
    answer: Callable[[bytes], Any],
    request: GetStatusRequest,
    api_key: str,
    load: Load,
) -> float:
    """Calls a second; prints what one costs the server."""
    metadata = (("x-api-key", api_key),)
    calls, counting, done = 0, False, False
    async with grpc.aio.insecure_channel(address) as channel:
        await asyncio.wait_for(channel.channel_ready(), 30)
        call = channel.unary_unary(
            method,
            request_serializer=GetStatusRequest.SerializeToString,
            response_deserializer=answer,
        )

        async def keep_calling() -> None:
            nonlocal calls
            while not done:
                await call(request, metadata=metadata)
                calls += counting

        callers = [asyncio.create_task(keep_calling()) for _ in range(load.callers)]
        await asyncio.sleep(_WARM_UP)
        counting, started, spent = True, time.perf_counter(), cpu_seconds(pid)
        await asyncio.sleep(load.seconds)
        done, taken, spent = True, time.perf_counter() - started, cpu_seconds(pid) - spent
        counting = False
        await asyncio.gather(*callers)
    say(f"       the server's processor time per call: {spent / calls * 1e6:.0f} µs")
    return calls / taken


async def load_one(address: str, api_key: str, path: Path) -> str:
    """Ingest a small file; returns the id of its ingestion."""
    async with Client(address, api_key=api_key) as client:
        upload = await client.upload(path)
        if upload.request_id is None:
            raise RuntimeError("the upload started no ingestion")
        await await_end(client, upload.request_id)
        return upload.request_id


def measure(folder: Path, url: str | None, options: argparse.Namespace) -> None:
    """Alternate between both servers, which run all the time."""
    data_dir = folder / "server"
    data_dir.mkdir()
    api_key = create_admin_key(data_dir, url)
    path = write_dataset(folder, Sizes(100, 10, 10, 10), csv=False).ndjson("customers")
    load = Load(options.callers, options.seconds)
    with headrace_server(data_dir, url) as server, echo_server() as (echo, echo_pid):
        request_id = uvloop.run(load_one(server.address, api_key, path))
        count = partial(
            count_calls,
            request=GetStatusRequest(request_id=request_id),
            api_key=api_key,
            load=load,
        )
        figures = alternate(
            options.runs,
            (
                "bare echo, calls/s",
                lambda: uvloop.run(count(echo, echo_pid, _ECHO, GetStatusRequest.FromString)),
            ),
            (
                "GetStatus, calls/s",
                lambda: uvloop.run(
                    count(server.address, server.pid, _GET_STATUS, Ingestion.FromString)
                ),
            ),
        )
    say_ratio(*figures, "calls/s", "at least 0.5")


def main() -> None:
    """Measure, and print each run, the medians and the ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5, help="pairs of runs")
    parser.add_argument("--seconds", type=float, default=3.0, help="counted in each run")
    parser.add_argument("--callers", type=int, default=32, help="callers at once")
    parser.add_argument("--postgres", action="store_true", help="instead of SQLite")
    parser.add_argument("--echo-port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.echo_port:
        uvloop.run(serve_echo(options.echo_port))
        return
    say_machine()
    store = "PostgreSQL" if options.postgres else "SQLite"
    say(f"control store: {store}; {options.callers} callers")
    with scratch_folder() as folder, ExitStack() as stack:
        url = stack.enter_context(postgres(folder)) if options.postgres else None
        measure(folder, url, options)


if __name__ == "__main__":
    main()
