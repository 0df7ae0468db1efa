import asyncio

import pytest

from headrace_server.core.relationships.side_by_side import side_by_side


async def test_a_few_at_a_time_in_their_order() -> None:
    running = most = 0

    async def work(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return number * 2

    assert await side_by_side(work, range(6)) == [0, 2, 4, 6, 8, 10]
    assert most == 2


async def test_the_first_error_ends_the_others() -> None:
    ended = []

    async def work(number: int) -> None:
        if number == 1:
            raise ValueError("one")
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(number)

    with pytest.raises(ValueError, match="one"):
        await side_by_side(work, range(5))
    assert ended == [0, 2]
