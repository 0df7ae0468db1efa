"""Parsing of chunks in other processes: heavy, pure work behind `concurrent.futures.Executor`."""

import asyncio
import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

from headrace_server.files.chunks import ChunkRange
from headrace_server.files.disk import on_disk
from headrace_server.files.ndjson import RowParser, parse_range
from headrace_server.files.replays import read_replay
from headrace_server.model.contract import Table
from headrace_server.model.rows import RejectedLine, RowBlock
from headrace_server.warehouse.staging import staging_writer

T = TypeVar("T")
R = TypeVar("R")

_REPLAY_BATCH = 8192
#: of the processes that parse, above the server's
_NICENESS = 15


@dataclass(frozen=True, slots=True)
class ParseTask:
    """A range of a file to be made into staged rows and rejects."""

    source: Path
    range: ChunkRange
    table: Table
    #: "sqlite" or "postgresql": what the staged rows are written for
    dialect: str
    #: where they are written
    target: Path
    max_line_bytes: int
    #: whether the source holds rejects to be loaded again, as `replay_line` writes them
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class ParsedChunk:
    """Staged rows and rejects, counted."""

    rows_valid: int
    rows_rejected: int
    replayed_reject_ids: tuple[str, ...] = ()


def parse_chunk(task: ParseTask) -> ParsedChunk:
    """Parse the range and write its rows and rejects; running it twice changes nothing.

    Raises StorageUnavailableError.
    """
    reject_ids: list[str] = []
    blocks = _replayed(task, reject_ids) if task.is_replay else _parsed(task)
    return staged(blocks, task.dialect, task.target, task.table, reject_ids)


def staged(
    blocks: Iterable[tuple[RowBlock, Sequence[RejectedLine]]],
    dialect: str,
    target: Path,
    table: Table,
    replayed: Collection[str],
) -> ParsedChunk:
    """Write rows and rejects as `staging_writer` does, and count them.

    `replayed` has the ids of the rejects that the blocks are made of, once these are read.
    """
    valid = rejected = 0
    with (
        on_disk("staging rows"),
        _uncollected(),
        staging_writer(dialect, target, table) as writer,
    ):
        for block, lines in blocks:
            writer.write(block)
            writer.reject(list(lines))
            valid += len(block.lines)
            rejected += len(lines)
    return ParsedChunk(valid, rejected, tuple(replayed))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Spare the collector the many small rows, none of them in a cycle: a tenth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _parsed(task: ParseTask) -> Iterator[tuple[RowBlock, list[RejectedLine]]]:
    return parse_range(task.source, task.range, task.table, task.max_line_bytes)


def _replayed(
    task: ParseTask, reject_ids: list[str]
) -> Iterator[tuple[RowBlock, list[RejectedLine]]]:
    """Parse rejects under the present contract; collects the ids of those it has read."""
    parser = RowParser(task.table)
    rejects = read_replay(task.source, task.range)
    while batch := list(islice(rejects, _REPLAY_BATCH)):
        reject_ids += [reject.reject_id for reject in batch]
        yield parser.parse(
            (reject.line, reject.byte_offset, reject.raw.encode("utf-8", "surrogatepass"))
            for reject in batch
        )


def process_pool(
    workers: int,
    functions: Sequence[Callable[..., object]] = (),
    come_up: Callable[[], object] | None = None,
) -> Executor:
    """Make a pool of spawned processes that die with this one, even by SIGKILL.

    Each process has the modules of the functions imported before its first task, and has called
    `come_up`, which must not raise.
    """
    return ProcessPoolExecutor(
        workers,
        multiprocessing.get_context("spawn"),
        initializer=partial(_begin_process, come_up),
        # Named only: to receive a function is to import its module.
        initargs=tuple(functions),
    )


def _begin_process(
    come_up: Callable[[], object] | None, *_functions: Callable[..., object]
) -> None:
    # Chunks are parsed ahead: what merges them, and whoever asks meanwhile, goes first.
    os.nice(_NICENESS)
    _die_with_parent()
    if come_up:
        come_up()


def _die_with_parent() -> None:
    # Ctrl-C reaches the whole process group; the parent decides when its children end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_exit_after, args=(parent.join,), daemon=True).start()


def _exit_after(wait: Callable[[], object]) -> None:
    wait()
    os._exit(1)


class Parsers:
    """Runs tasks on an executor, which is made anew when one of its processes died."""

    def __init__(self, make_executor: Callable[[], Executor], workers: int) -> None:
        self._make_executor = make_executor
        self._executor = make_executor()
        #: tasks worth having under way at once
        self.workers = workers

    def start(self) -> None:
        """Make the processes now, so that the first file need not wait for them."""
        for _ in range(self.workers):
            self._executor.submit(os.getpid)

    async def parse(self, task: ParseTask) -> ParsedChunk:
        """Parse one chunk. Raises BrokenProcessPool where processes die of it."""
        return await self.run(parse_chunk, task)

    async def run(self, function: Callable[[T], R], task: T) -> R:
        """Do one task, any heavy and pure work, in a process.

        Raises BrokenProcessPool where its process died twice.
        """
        try:
            return await self._run(function, task)
        except BrokenProcessPool:
            # A process was killed, perhaps with another task: the same one runs again once.
            return await self._run(function, task)

    async def _run(self, function: Callable[[T], R], task: T) -> R:
        executor = self._executor
        try:
            return await asyncio.get_running_loop().run_in_executor(executor, function, task)
        except BrokenProcessPool:
            if executor is self._executor:
                self._executor = self._make_executor()
            raise

    def close(self) -> None:
        """Stop the executor without waiting for tasks that have not begun."""
        self._executor.shutdown(wait=True, cancel_futures=True)
