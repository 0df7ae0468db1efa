import asyncio

import pytest

from headrace_server.core.recent import RecentlyRead


class _Source:
    """Values that are read; counts the reads, and holds them up until released."""

    def __init__(self) -> None:
        self.now = 0.0
        self.values: dict[str, str] = {}
        self.reads: list[str] = []
        self.reading = asyncio.Event()
        self.released = asyncio.Event()
        self.released.set()
        self.kept = RecentlyRead[str](5.0, 2, lambda: self.now)

    async def get(self, key: str) -> str | None:
        async def read() -> str | None:
            self.reads.append(key)
            self.reading.set()
            value = self.values.get(key)
            await self.released.wait()
            return value

        return await self.kept.get(key, read)


@pytest.fixture
def source() -> _Source:
    return _Source()


async def test_a_value_is_read_once_while_it_is_recent(source: _Source) -> None:
    source.values["a"] = "1"
    assert await source.get("a") == "1"
    source.values["a"] = "2"
    source.now = 4.9
    assert await source.get("a") == "1"
    source.now = 5.0
    assert await source.get("a") == "2"
    assert source.reads == ["a", "a"]


async def test_what_is_not_there_is_not_kept(source: _Source) -> None:
    assert await source.get("a") is None
    source.values["a"] = "1"
    assert await source.get("a") == "1"


async def test_what_is_forgotten_is_read_again(source: _Source) -> None:
    source.values["a"] = "1"
    await source.get("a")
    source.values["a"] = "2"
    source.kept.forget()
    assert await source.get("a") == "2"


async def test_a_read_that_began_before_forgetting_is_not_kept(source: _Source) -> None:
    source.values["a"] = "1"
    source.released.clear()
    reading = asyncio.create_task(source.get("a"))
    await source.reading.wait()
    source.values["a"] = "2"
    source.kept.forget()
    source.released.set()
    assert await reading == "1"
    assert await source.get("a") == "2"


async def test_age_counts_from_the_beginning_of_the_read(source: _Source) -> None:
    source.values["a"] = "1"
    source.released.clear()
    reading = asyncio.create_task(source.get("a"))
    await source.reading.wait()
    source.now = 5.0
    source.released.set()
    await reading
    await source.get("a")
    assert source.reads == ["a", "a"]


async def test_the_oldest_makes_room(source: _Source) -> None:
    source.values.update(a="1", b="2", c="3")
    for key in ("a", "b", "c", "b", "c", "a"):
        await source.get(key)
    assert source.reads == ["a", "b", "c", "a"]


async def test_a_value_read_again_is_the_newest(source: _Source) -> None:
    source.values.update(a="1", b="2", c="3")
    await source.get("a")
    source.now = 3.0
    await source.get("b")
    source.now = 6.0
    await source.get("a")
    await source.get("c")
    await source.get("a")
    assert source.reads == ["a", "b", "a", "c"]
