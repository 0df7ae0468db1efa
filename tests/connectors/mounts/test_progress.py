import asyncio
import threading
from typing import Literal

import pytest

from headrace_server.connectors.mounts.progress import GivenUpError, Progress, WatchedThreads

SHORT = 0.05


def steps(progress: Progress, seconds: float) -> str:
    for _ in range(int(seconds / 0.01)):
        threading.Event().wait(0.01)
        progress.step()
    return "done"


class _LatePlaces(asyncio.Semaphore):
    """One place, which the first to ask for is given when it has waited for too long."""

    def __init__(self, seconds: float) -> None:
        super().__init__(1)
        self._late = seconds

    async def acquire(self) -> Literal[True]:
        late, self._late = self._late, 0
        await asyncio.sleep(late)
        return await super().acquire()


async def test_a_call_returns_and_raises() -> None:
    threads = WatchedThreads(2, 10)
    assert await threads.run(lambda _: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await threads.run(lambda _: 1 // 0)


async def test_a_call_that_gets_on_is_waited_for() -> None:
    threads = WatchedThreads(1, SHORT * 6)
    assert await threads.run(lambda each: steps(each, SHORT * 8)) == "done"


async def test_a_place_is_waited_for_while_its_holder_gets_on() -> None:
    threads = WatchedThreads(1, SHORT * 8)
    long = [threads.run(lambda each: steps(each, SHORT * 6)) for _ in range(3)]
    assert await asyncio.gather(*long) == ["done"] * 3


async def test_a_place_that_is_free_for_a_moment_is_no_hung_one() -> None:
    threads = WatchedThreads(1, SHORT)
    threads._places = _LatePlaces(threads._seconds * 2)
    assert await threads.run(lambda _: 7) == 7


async def test_one_that_hangs_keeps_its_place_and_nobody_waiting() -> None:
    threads, hung = WatchedThreads(1, SHORT), threading.Event()
    for _ in range(2):  # the second waits for the place
        with pytest.raises(TimeoutError):
            await threads.run(lambda _: hung.wait())
    hung.set()
    assert await threads.run(lambda _: 7) == 7


async def test_one_that_nobody_waits_for_ends_at_its_next_step() -> None:
    threads, begun, ended = WatchedThreads(1, 10), threading.Event(), threading.Event()

    def call(progress: Progress) -> None:
        begun.set()
        try:
            while True:
                progress.step()
        except GivenUpError:
            ended.set()
            raise

    task = asyncio.create_task(threads.run(call))
    await asyncio.to_thread(begun.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(ended.wait)
    assert await threads.run(lambda _: 7) == 7
