import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import asyncpg
import pytest

from headrace_server.db import wakeups as module
from headrace_server.db.wakeups import PostgresWakeups, Wakeups, ingestion_topic, open_wakeups

LONG = 30.0
ENOUGH = 0.05


@pytest.fixture
async def wakeups(database_url: str) -> AsyncIterator[Wakeups]:
    wakeups = open_wakeups(database_url)
    await wakeups.start()
    yield wakeups
    await wakeups.close()


@pytest.fixture
async def pair(postgres_url: str) -> AsyncIterator[tuple[Wakeups, Wakeups]]:
    """The wake-ups of two processes on one PostgreSQL."""
    here, there = open_wakeups(postgres_url), open_wakeups(postgres_url)
    await here.start()
    await there.start()
    yield here, there
    await here.close()
    await there.close()


async def _execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(sql)
    await connection.close()


async def test_a_wait_ends_with_a_notification(wakeups: Wakeups) -> None:
    async with wakeups.subscribe("a") as subscription:
        waiting = asyncio.create_task(subscription.wait(LONG))
        await asyncio.sleep(0)
        wakeups.notify("a")
        assert await waiting
        assert not await subscription.wait(ENOUGH)


async def test_nothing_is_lost_between_subscribing_and_waiting(wakeups: Wakeups) -> None:
    async with wakeups.subscribe("a") as subscription:
        for _ in range(3):
            wakeups.notify("a")
        assert await subscription.wait(LONG)
        # Three hints before a wait are one: whoever waited reads everything.
        assert not await subscription.wait(ENOUGH)


async def test_only_the_topic_and_only_those_subscribed_are_woken(wakeups: Wakeups) -> None:
    async with wakeups.subscribe("a") as a, wakeups.subscribe("b") as b:
        async with wakeups.subscribe("a") as gone:
            pass
        wakeups.notify("a")
        assert await a.wait(LONG)
        assert not await b.wait(ENOUGH)
        assert not await gone.wait(0)
    assert wakeups._subscriptions == {}
    wakeups.notify("a")


async def test_ten_thousand_subscriptions_are_no_trouble(wakeups: Wakeups) -> None:
    topics = [ingestion_topic(str(number % 1000)) for number in range(10_000)]
    async with AsyncExitStack() as stack:
        waiting = [
            asyncio.create_task(
                (await stack.enter_async_context(wakeups.subscribe(topic))).wait(LONG)
            )
            for topic in topics
        ]
        await asyncio.sleep(0)
        for topic in set(topics):
            wakeups.notify(topic)
        assert all(await asyncio.gather(*waiting))


async def test_callbacks_are_called_at_each_wake_up(wakeups: Wakeups) -> None:
    calls: list[int] = []
    wakeups.call_back("a", lambda: calls.append(1))
    wakeups.notify("a")
    wakeups.notify("a")
    assert len(calls) == 2


async def test_other_processes_are_woken(pair: tuple[Wakeups, Wakeups]) -> None:
    here, there = pair
    async with there.subscribe("a") as a, there.subscribe("b") as b, there.subscribe("c") as c:
        here.notify("a")
        here.notify("b")
        assert await a.wait(LONG)
        assert await b.wait(LONG)
        assert not await c.wait(ENOUGH)


async def test_ones_own_notification_does_not_come_twice(pair: tuple[Wakeups, Wakeups]) -> None:
    here, there = pair
    async with here.subscribe("a") as own, there.subscribe("a") as other:
        await _connected(here)
        here.notify("a")
        assert await own.wait(0)
        assert await other.wait(LONG)
        assert not await own.wait(ENOUGH)


async def _connected(wakeups: Wakeups) -> None:
    """Wait until the notifying connection is there, which says which echo is our own."""
    assert isinstance(wakeups, PostgresWakeups)
    async with asyncio.timeout(LONG):
        while not wakeups._own_backend:  # a state of the code under test
            await asyncio.sleep(0.01)


async def test_many_notifications_of_one_topic_become_one(
    pair: tuple[Wakeups, Wakeups], postgres_url: str
) -> None:
    here, _ = pair
    heard: list[str] = []
    over = asyncio.Event()

    def hear(_connection: object, _backend: int, _channel: str, topic: object) -> None:
        heard.append(str(topic))
        if topic == "last":
            over.set()

    connection = await asyncpg.connect(postgres_url)
    await connection.add_listener("headrace", hear)
    await _connected(here)
    for _ in range(100):
        here.notify("a")
        here.notify("b")
    here.notify("last")
    async with asyncio.timeout(LONG):
        await over.wait()
    assert sorted(heard) == ["a", "b", "last"]
    connection.terminate()


async def test_what_was_notified_before_closing_is_sent(postgres_url: str) -> None:
    here, there = open_wakeups(postgres_url), open_wakeups(postgres_url)
    await there.start()
    await here.start()
    async with there.subscribe("a") as subscription:
        here.notify("a")
        await here.close()
        assert await subscription.wait(LONG)
    await there.close()


async def test_lost_connections_come_back_and_wake_everyone_once(
    pair: tuple[Wakeups, Wakeups], postgres_url: str
) -> None:
    here, there = pair
    async with there.subscribe("a") as a, there.subscribe("b") as b:
        await _execute(
            postgres_url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        # What was notified meanwhile is lost, so all look for themselves.
        assert await a.wait(LONG)
        assert await b.wait(LONG)
        here.notify("a")
        assert await a.wait(LONG)
        assert not await b.wait(ENOUGH)


async def test_it_starts_without_a_database_and_works_when_that_comes(
    postgres_server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CONNECT_SECONDS", 0.2)
    monkeypatch.setattr(module, "_FIRST_RETRY_SECONDS", 0.02)
    url = postgres_server_url.replace("/postgres?", "/comes_later?")
    here, there = open_wakeups(url), open_wakeups(url)
    await here.start()
    await there.start()
    async with there.subscribe("a") as subscription:
        here.notify("a")
        assert not await subscription.wait(ENOUGH)
        monkeypatch.setattr(module, "_CONNECT_SECONDS", 10)
        await _execute(postgres_server_url, "CREATE DATABASE comes_later")
        assert await subscription.wait(LONG)
    await here.close()
    await there.close()
    await _execute(postgres_server_url, "DROP DATABASE comes_later WITH (FORCE)")


async def test_closing_without_having_started_is_allowed(database_url: str) -> None:
    wakeups = open_wakeups(database_url)
    wakeups.notify("a")
    await wakeups.close()
