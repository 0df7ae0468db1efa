"""Peak memory of the server and its processes while they load a file of 1 GB.

The parents are loaded first. RSS of the server and all its descendants is added up ten times a
second; pages that they share count once for each, so that the sum is an upper bound.
"""

import argparse
import asyncio
import threading
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
from dataset import TABLES, Sizes, write_dataset
from ingesting import ingest_at
from machine import say, say_machine
from serving import headrace_server, postgres, scratch_folder

_ITEM_BYTES = 211
_INTERVAL = 0.1


class PeakMemory:
    """Samples the memory of a process and its descendants while the block runs."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        #: most bytes of all together
        self.peak = 0
        #: bytes of each process at that moment, by what it is
        self.at_peak: Counter[str] = Counter()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(_INTERVAL):
            with suppress(psutil.NoSuchProcess):
                self._take(self._root.children(recursive=True))

    def _take(self, children: list[psutil.Process]) -> None:
        sizes = Counter({"server": self._root.memory_info().rss})
        for child in children:
            with suppress(psutil.NoSuchProcess):
                sizes[f"child {child.pid}"] = child.memory_info().rss
        if sizes.total() > self.peak:
            self.peak, self.at_peak = sizes.total(), sizes


def measure(address: str, pid: int, files: dict[str, Path]) -> PeakMemory:
    """Load the parents, then the big file while the memory is sampled."""
    parents = {table: path for table, path in files.items() if table != "order_items"}
    asyncio.run(ingest_at(address, parents))
    with PeakMemory(pid) as memory:
        taken, _ = asyncio.run(ingest_at(address, {"order_items": files["order_items"]}))
    size = files["order_items"].stat().st_size
    say(f"loaded {size / 1e6:.0f} MB in {taken:.1f} s, {size / 1e6 / taken:.1f} MB/s")
    return memory


def main() -> None:
    """Measure and print the peak."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--megabytes", type=int, default=1000, help="size of the file")
    parser.add_argument("--sqlite", action="store_true", help="instead of PostgreSQL")
    parser.add_argument("--server-option", action="append", default=[], help="of headrace-server")
    options = parser.parse_args()
    say_machine()
    sizes = Sizes(order_items=options.megabytes * 1_000_000 // _ITEM_BYTES)
    with scratch_folder() as folder, ExitStack() as stack:
        dataset = write_dataset(folder, sizes, csv=False)
        url = None if options.sqlite else stack.enter_context(postgres(folder))
        server = stack.enter_context(headrace_server(folder / "server", url, options.server_option))
        files = {table: dataset.ndjson(table) for table in TABLES}
        memory = measure(server.address, server.pid, files)
    for name, size in memory.at_peak.items():
        say(f"at the peak: {name:<14} {size / 2**20:6.0f} MB")
    say(f"peak of all together: {memory.peak / 2**20:.0f} MB; at most 512 MB")


if __name__ == "__main__":
    main()
