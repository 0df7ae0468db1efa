"""Waiting for the end of what others do."""

import pytest

from headrace_server.core.waiting import wait_for_end
from headrace_server.db.wakeups import Wakeups, open_wakeups


@pytest.fixture
def wakeups(sqlite_url: str) -> Wakeups:
    return open_wakeups(sqlite_url)


async def test_it_returns_what_has_ended(wakeups: Wakeups) -> None:
    values = iter([1, 2, 3])

    async def read() -> int:
        wakeups.notify("it")
        return next(values)

    assert await wait_for_end(wakeups, "it", read, lambda value: value == 3, 60) == 3


async def test_it_returns_how_things_stand_when_the_time_is_up(wakeups: Wakeups) -> None:
    async def read() -> str:
        return "running"

    assert await wait_for_end(wakeups, "it", read, lambda _: False, 0.01) == "running"


async def test_a_lost_wake_up_costs_a_second(wakeups: Wakeups) -> None:
    values = iter([False, True])

    async def read() -> bool:
        return next(values)

    assert await wait_for_end(wakeups, "it", read, bool, 60)
