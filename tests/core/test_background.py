"""Work beside the calls, for as long as a block lasts."""

import asyncio

import pytest

from headrace_server.core.background import in_background


async def test_it_runs_until_the_block_ends() -> None:
    told: list[str] = []

    async def work() -> None:
        told.append("begun")
        try:
            await asyncio.Event().wait()
        finally:
            told.append("ended")

    async with in_background(work(), "work"):
        await asyncio.sleep(0)
        assert told == ["begun"]
    assert told == ["begun", "ended"]


async def test_it_ends_with_a_block_that_fails() -> None:
    with pytest.raises(KeyError):
        async with in_background(asyncio.Event().wait(), "work"):
            raise KeyError
    assert [task for task in asyncio.all_tasks() if task.get_name() == "work"] == []
