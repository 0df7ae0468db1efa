"""Sparing hosts: no more calls at once than a limit, and none for a while to one that is down."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from headrace_server.connectors.base import ConnectorError, TemporaryError

FAILURES = 5
REST_SECONDS = 10.0
#: hosts that are remembered before those that have rested are forgotten
_MOST_HOSTS = 10_000


class CircuitOpenError(ConnectorError):
    """The host was not called: the last calls all failed."""


@dataclass(slots=True)
class _Host:
    """What is known of one host."""

    slots: asyncio.Semaphore
    #: calls that hold a slot or wait for one
    users: int = 0
    #: temporary failures in a row
    failures: int = 0
    #: when the next call may be tried; while that runs, no other may
    rests_until: float = field(default=0.0)


class Hosts:
    """The limits and circuits of all hosts that this process calls, for each tenant by itself.

    What one tenant met, such as the end of his own quota there, does not hold up another.
    """

    def __init__(
        self,
        limit: int,
        *,
        failures: int = FAILURES,
        rest_seconds: float = REST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open a circuit after so many temporary failures in a row; try again after a rest."""
        self._limit = limit
        self._failures = failures
        self._rest_seconds = rest_seconds
        self._clock = clock
        self._hosts: dict[tuple[str, str], _Host] = {}

    @asynccontextmanager
    async def calling(self, tenant_id: str, name: str | None) -> AsyncIterator[None]:
        """Hold a slot of the host; the block calls it. None is no host: nothing is limited.

        Raises CircuitOpenError while the host rests.
        """
        if name is None:
            yield
            return
        key = (tenant_id, name)
        host = self._host(key)
        host.users += 1
        try:
            async with host.slots:
                self._refuse_while_open(name, host)
                with_failures = host.failures
                try:
                    yield
                except TemporaryError:
                    host.failures += 1
                    host.rests_until = self._clock() + self._rest_seconds
                    raise
                except ConnectorError:
                    host.failures = 0  # it answered
                    raise
                except BaseException:
                    # Cancelled: nothing was learnt; another may try at once.
                    if with_failures >= self._failures:
                        host.rests_until = self._clock()
                    raise
                host.failures = 0
        finally:
            host.users -= 1
            if not host.users and not host.failures:
                self._hosts.pop(key, None)

    def _host(self, key: tuple[str, str]) -> _Host:
        if key not in self._hosts:
            if len(self._hosts) >= _MOST_HOSTS:
                self._forget_rested()
            self._hosts[key] = _Host(asyncio.Semaphore(self._limit))
        return self._hosts[key]

    def _forget_rested(self) -> None:
        """Drop hosts that failed once and were not called since: names may be made up for ever."""
        now = self._clock()
        self._hosts = {
            key: host for key, host in self._hosts.items() if host.users or host.rests_until > now
        }

    def _refuse_while_open(self, name: str, host: _Host) -> None:
        if host.failures < self._failures:
            return
        if self._clock() < host.rests_until:
            raise CircuitOpenError(
                f"{name} was not called: its last {host.failures} calls failed; retry it later"
            )
        # Half open: this call is the one that tries.
        host.rests_until = self._clock() + self._rest_seconds
