import asyncio
import threading

import pytest

from headrace_server.connectors.threads import BoundedThreads


async def test_a_call_returns_and_raises() -> None:
    threads = BoundedThreads(2, 10)
    assert await threads.run(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await threads.run(lambda: 1 // 0)


async def test_no_more_run_than_may() -> None:
    threads, lock, seen = BoundedThreads(3, 10), threading.Lock(), [0, 0]

    def call() -> None:
        with lock:
            seen[0] += 1
            seen[1] = max(seen)
        threading.Event().wait(0.002)
        with lock:
            seen[0] -= 1

    await asyncio.gather(*(threads.run(call) for _ in range(20)))
    assert seen == [0, 3]


async def test_one_that_hangs_keeps_its_place_and_nobody_waiting() -> None:
    threads, hung = BoundedThreads(1, 0.05), threading.Event()
    for _ in range(2):  # the second waits for the place
        with pytest.raises(TimeoutError):
            await threads.run(hung.wait)
    hung.set()
    while threads._places.locked():
        await asyncio.sleep(0.001)
    assert await threads.run(lambda: 7) == 7


def test_the_end_of_a_loop_leaves_its_threads() -> None:
    hung, ended = threading.Event(), threading.Event()

    def call() -> None:
        hung.wait()
        ended.set()

    async def begin() -> None:
        with pytest.raises(TimeoutError):
            await BoundedThreads(1, 0.01).run(call)

    asyncio.run(begin())
    hung.set()
    assert ended.wait(10)
