import asyncio

import pytest

from headrace_server.connectors.base import ConnectorError, TemporaryError
from headrace_server.core.mappings.circuits import CircuitOpenError, Hosts


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hosts(clock: Clock) -> Hosts:
    return Hosts(2, failures=3, rest_seconds=10, clock=clock)


async def fail(hosts: Hosts, error: Exception | None = None, name: str = "a:80") -> None:
    error = error or TemporaryError("down")
    with pytest.raises(type(error)):
        async with hosts.calling("acme", name):
            raise error


async def succeed(hosts: Hosts, name: str = "a:80") -> None:
    async with hosts.calling("acme", name):
        pass


async def test_a_host_that_fails_in_a_row_is_left_alone(hosts: Hosts) -> None:
    for _ in range(3):
        await fail(hosts)
    with pytest.raises(CircuitOpenError, match="a:80 was not called: its last 3 calls failed"):
        await succeed(hosts)
    await succeed(hosts, "b:80")


@pytest.mark.parametrize("between", [None, ConnectorError("404")])
async def test_an_answer_between_failures_ends_the_row(
    hosts: Hosts, between: Exception | None
) -> None:
    for _ in range(2):
        await fail(hosts)
        await fail(hosts)
        await (fail(hosts, between) if between else succeed(hosts))
    await succeed(hosts)


async def test_after_a_rest_one_call_tries(hosts: Hosts, clock: Clock) -> None:
    for _ in range(3):
        await fail(hosts)
    clock.now = 10
    async with hosts.calling("acme", "a:80"):
        with pytest.raises(CircuitOpenError):
            await succeed(hosts)
    await succeed(hosts)


async def test_a_try_that_fails_opens_it_again(hosts: Hosts, clock: Clock) -> None:
    for _ in range(3):
        await fail(hosts)
    clock.now = 10
    await fail(hosts)
    clock.now = 19
    with pytest.raises(CircuitOpenError):
        await succeed(hosts)
    clock.now = 20
    await succeed(hosts)


async def test_a_try_that_was_cancelled_lets_another_try(hosts: Hosts, clock: Clock) -> None:
    for _ in range(3):
        await fail(hosts)
    clock.now = 10
    with pytest.raises(asyncio.CancelledError):
        async with hosts.calling("acme", "a:80"):
            raise asyncio.CancelledError
    await succeed(hosts)


async def test_a_host_is_not_called_more_often_at_once(hosts: Hosts) -> None:
    running, most = 0, 0

    async def call() -> None:
        nonlocal running, most
        async with hosts.calling("acme", "a:80"):
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*(call() for _ in range(10)))
    assert most == 2


async def test_without_a_host_nothing_is_limited(hosts: Hosts) -> None:
    async with (
        hosts.calling("acme", None),
        hosts.calling("acme", None),
        hosts.calling("acme", None),
    ):
        pass


async def test_hosts_that_answer_are_forgotten(hosts: Hosts) -> None:
    for number in range(100):
        await succeed(hosts, str(number))
    assert hosts._hosts == {}


async def test_hosts_that_failed_long_ago_are_forgotten(
    hosts: Hosts, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace_server.core.mappings.circuits._MOST_HOSTS", 10)
    for number in range(10):
        await fail(hosts, name=f"old{number}:80")
    clock.now += 1000
    async with hosts.calling("acme", "busy:80"):
        for number in range(10):
            await fail(hosts, name=f"new{number}:80")
        assert not [name for _, name in hosts._hosts if name.startswith("old")]
        assert ("acme", "busy:80") in hosts._hosts
    assert len(hosts._hosts) == 10


async def test_a_tenant_does_not_rest_a_host_for_another(hosts: Hosts) -> None:
    for _ in range(3):
        await fail(hosts)
    async with hosts.calling("globex", "a:80"):
        pass
    with pytest.raises(CircuitOpenError):
        await succeed(hosts)
