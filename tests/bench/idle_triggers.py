"""What part of a core a server takes that waits for the times of 10,000 active triggers.

Measured is the processor time of the server and of PostgreSQL while no time comes: without triggers
first, then with them.
"""

import argparse
import asyncio
import time

from machine import cpu_seconds, say, say_machine
from serving import headrace_server, postgres, postmaster_pid, scratch_folder
from triggering import bench_on

_SETTLING = 5.0


async def make(url: str, count: int) -> None:
    async with bench_on(url) as bench:
        await bench.make(count)


def share(pid: int, postmaster: int, seconds: float) -> tuple[float, float]:
    """Percent of a core that the server and PostgreSQL take."""
    time.sleep(_SETTLING)
    before = cpu_seconds(pid), cpu_seconds(postmaster)
    time.sleep(seconds)
    after = cpu_seconds(pid), cpu_seconds(postmaster)
    server, database = ((b - a) / seconds * 100 for a, b in zip(before, after, strict=True))
    return server, database


def main() -> None:
    """Start PostgreSQL and a server, with triggers and without, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--triggers", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=30)
    asked = parser.parse_args()
    say_machine()
    with scratch_folder() as folder, postgres(folder) as url:
        for count in (0, asked.triggers):
            asyncio.run(make(url, count))
            with headrace_server(folder / "data", url) as server:
                found = share(server.pid, postmaster_pid(folder), asked.seconds)
            say(
                f"{count:>6} active triggers: server {found[0]:.1f} % of a core,"
                f" PostgreSQL {found[1]:.1f} %; target: 5 %"
            )


if __name__ == "__main__":
    main()
