import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from headrace_server.connectors.mounts.loops import LoopThread
from headrace_server.connectors.mounts.progress import Progress


@pytest.fixture
async def loop() -> AsyncIterator[LoopThread]:
    thread = LoopThread(0.1)
    yield thread
    await thread.stop()


async def seven() -> int:
    await asyncio.sleep(0)
    return 7


async def fail() -> int:
    raise ZeroDivisionError


async def wait_for_ever() -> int:
    await asyncio.Event().wait()
    return 7


async def test_a_call_returns_and_raises(loop: LoopThread) -> None:
    assert await loop.run(lambda _: seven()) == 7
    assert await asyncio.to_thread(loop.call, seven) == 7
    with pytest.raises(ZeroDivisionError):
        await loop.run(lambda _: fail())
    with pytest.raises(ZeroDivisionError):
        await asyncio.to_thread(loop.call, fail)


async def test_one_that_hangs_is_not_waited_for(loop: LoopThread) -> None:
    with pytest.raises(TimeoutError):
        await loop.run(lambda _: wait_for_ever())
    with pytest.raises(TimeoutError):
        await asyncio.to_thread(loop.call, wait_for_ever)
    assert await loop.run(lambda _: seven()) == 7


async def test_a_loop_that_hangs_holds_nobody(loop: LoopThread) -> None:
    hung = threading.Event()

    async def hang() -> None:
        hung.wait()

    with pytest.raises(TimeoutError):
        await loop.run(lambda _: hang())
    hung.set()


async def test_one_that_gets_on_is_waited_for(loop: LoopThread) -> None:
    async def get_on(progress: Progress) -> str:
        for _ in range(30):
            await asyncio.sleep(0.01)
            progress.step()
        return "done"

    assert await loop.run(get_on) == "done"


async def test_what_runs_at_the_end_is_cancelled() -> None:
    loop, begun, ended = LoopThread(10), threading.Event(), threading.Event()

    async def wait(_: Progress) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    task = asyncio.create_task(loop.run(wait))
    await asyncio.to_thread(begun.wait)
    await loop.stop()
    await loop.stop()
    await asyncio.to_thread(ended.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
