"""Queries that run at the same time, a few of them, so that a database uses more than one core."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

#: fewer than a warehouse has connections
_AT_ONCE = 2


async def side_by_side(work: Callable[[T], Awaitable[R]], items: Iterable[T]) -> list[R]:
    """Do the same with each item; returns what comes of them, in their order.

    The first that fails ends the others, and its error is raised.
    """
    gate = asyncio.Semaphore(_AT_ONCE)

    async def admitted(item: T) -> R:
        async with gate:
            return await work(item)

    tasks = [asyncio.create_task(admitted(item)) for item in items]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
