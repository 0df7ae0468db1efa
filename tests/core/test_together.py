import asyncio
from collections.abc import Sequence

import pytest

from headrace_server.core.together import Together
from headrace_server.model.errors import StorageUnavailableError


class Runs:
    """Doubles numbers, refuses negative ones, and remembers what came together."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    async def __call__(self, key: str, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        await asyncio.sleep(0.01)
        if min(items) < 0:
            raise ValueError(key)
        return [2 * item for item in items]


async def test_what_comes_during_a_run_goes_into_the_next() -> None:
    runs = Runs()
    together = Together(runs, 3)
    first = asyncio.create_task(together.do("k", 0))
    await asyncio.sleep(0.005)
    rest = [asyncio.create_task(together.do("k", n)) for n in range(1, 6)]
    assert await asyncio.gather(first, *rest) == [0, 2, 4, 6, 8, 10]
    assert runs.batches == [[0], [1, 2, 3], [4, 5]]


async def test_keys_do_not_mix() -> None:
    runs = Runs()
    together = Together(runs, 3)
    await asyncio.gather(together.do("a", 1), together.do("b", 2))
    assert sorted(runs.batches) == [[1], [2]]


async def test_a_bad_item_does_not_sink_its_neighbours() -> None:
    together = Together(Runs(), 3)
    calls = (together.do("k", n) for n in (1, -1, 2))
    one, bad, two = await asyncio.gather(*calls, return_exceptions=True)
    assert (one, two) == (2, 4)
    assert isinstance(bad, ValueError)
    assert await together.do("k", 3) == 6


async def test_nothing_is_done_twice_where_the_store_was_away() -> None:
    runs: list[int] = []

    async def run(_key: str, items: Sequence[int]) -> list[int]:
        runs.append(len(items))
        await asyncio.sleep(0.01)
        raise StorageUnavailableError("away")

    together = Together(run, 3)
    answers = await asyncio.gather(*(together.do("k", n) for n in range(3)), return_exceptions=True)
    assert [type(each) for each in answers] == [StorageUnavailableError] * 3
    assert runs == [3]


async def test_what_nobody_waits_for_any_more_is_not_begun() -> None:
    runs = Runs()
    together = Together(runs, 3)
    first = asyncio.create_task(together.do("k", 0))
    await asyncio.sleep(0.005)
    gone, kept = (asyncio.create_task(together.do("k", n)) for n in (1, 2))
    await asyncio.sleep(0)
    gone.cancel()
    assert (await first, await kept) == (0, 4)
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert runs.batches == [[0], [2]]
