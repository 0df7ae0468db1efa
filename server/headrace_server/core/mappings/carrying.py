"""Carries one mapping from its source to its target, trying again where that may help."""

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any

import msgspec
import structlog

from headrace_server.connectors.base import Call, ConnectorError, Output, TemporaryError
from headrace_server.connectors.registry import Connectors
from headrace_server.core.mappings.circuits import CircuitOpenError, Hosts
from headrace_server.core.mappings.transformation import TransformationError, transformed
from headrace_server.model.errors import StaleAttemptError
from headrace_server.model.mapping import (
    Mapping,
    MappingOutcome,
    MappingStatus,
    PendingMapping,
    Record,
)
from headrace_server.model.nesting import MAX_DEPTH, is_deeper

#: bytes of an answer that are kept
MAX_OUTPUT = 16 << 10
_MAX_ERROR = 1000
_FIRST_DELAY = 0.2
_LONGEST_DELAY = 10.0

_log = structlog.get_logger(__name__)


class Carrier:
    """Carries mappings; what goes wrong with one is its outcome, never an error."""

    def __init__(
        self, connectors: Connectors, hosts: Hosts, *, jitter: Callable[[], float] = random.random
    ) -> None:
        """`jitter`, within [0, 1), spreads the delays between tries."""
        self._connectors = connectors
        self._hosts = hosts
        self._jitter = jitter

    async def carry(
        self, tenant_id: str, request_id: str, pending: PendingMapping, fence: int = 1
    ) -> MappingOutcome:
        """Read, transform and write for an attempt of a job; returns how it ended.

        Raises StaleAttemptError where the target knows that the attempt is over.
        """
        trip = _Trip(self._connectors, self._hosts, tenant_id, request_id, pending, fence)
        attempts = pending.attempts
        while True:
            attempts += 1
            started = time.perf_counter()
            try:
                output = await trip.go(attempts)
                return _outcome(pending, attempts, started, output=output)
            except CircuitOpenError as error:
                return _outcome(pending, attempts - 1, started, error=str(error))
            except TemporaryError as error:
                trip.failures += 1
                if trip.failures >= trip.tries:
                    return _outcome(pending, attempts, started, error=str(error))
                await asyncio.sleep(self._delay(trip.failures, error.retry_after))
            except (ConnectorError, TransformationError) as error:
                return _outcome(pending, attempts, started, error=str(error))
            except StaleAttemptError:
                raise
            except Exception as error:  # noqa: BLE001  # one must not keep the others
                _log.exception("mappings.fault", request_id=request_id, position=pending.position)
                words = f"internal error ({type(error).__name__}); the server's log says more"
                return _outcome(pending, attempts, started, error=words)

    def _delay(self, failures: int, asked: float | None) -> float:
        delay = min(_FIRST_DELAY * 2.0 ** (failures - 1), _LONGEST_DELAY)
        # Never sooner than asked for; spread, so that what failed together does not meet again.
        return max(delay, asked or 0.0) * (1 + self._jitter() / 2)


class _Trip:
    """The way of one mapping; what was read is not read again."""

    def __init__(
        self,
        connectors: Connectors,
        hosts: Hosts,
        tenant_id: str,
        request_id: str,
        pending: PendingMapping,
        fence: int,
    ) -> None:
        self._connectors = connectors
        self._hosts = hosts
        self._tenant_id = tenant_id
        self._request_id = request_id
        self._pending = pending
        self._mapping = pending.mapping
        self._fence = fence
        self._records: list[Record] | None = None
        #: how often what is being done now may be tried
        self.tries = 1
        #: how often that has failed
        self.failures = 0

    async def go(self, attempt: int) -> Output:
        mapping = self._mapping
        call = Call(
            self._tenant_id,
            self._request_id,
            mapping.mapping_id,
            attempt,
            position=self._pending.position,
            tries_before=self._pending.attempts,
            fence=self._fence,
        )
        if self._records is None:
            self._records = await self._read(mapping, call)
            self.failures = 0
        target = self._connectors.of(mapping.target)
        self.tries = target.tries
        async with self._hosts.calling(self._tenant_id, target.host_of(mapping.target)):
            return await target.write(mapping.target, self._records, call)

    async def _read(self, mapping: Mapping, call: Call) -> list[Record]:
        source = self._connectors.of(mapping.source)
        self.tries = source.tries
        async with self._hosts.calling(self._tenant_id, source.host_of(mapping.source)):
            records = await source.read(mapping.source, call)
        return [transformed(mapping.transformation, record) for record in records]


def _outcome(
    pending: PendingMapping,
    attempts: int,
    started: float,
    *,
    output: Output | None = None,
    error: str | None = None,
) -> MappingOutcome:
    return MappingOutcome(
        position=pending.position,
        status=MappingStatus.COMPLETED if error is None else MappingStatus.FAILED,
        attempts=attempts,
        latency_ms=round((time.perf_counter() - started) * 1000),
        error=None if error is None else _storable(error),
        output=None if output is None else _kept(output),
    )


def _kept(output: Output) -> Output:
    """Return an answer in the forms of JSON; of a long or deep one, only how long it was."""
    data = msgspec.json.encode(output, enc_hook=str)  # numbers that no float holds
    if len(data) > MAX_OUTPUT or is_deeper(output, MAX_DEPTH):
        return {"truncated": True, "bytes": len(data)}
    plain: dict[str, Any] = msgspec.json.decode(data)
    return plain


def _storable(text: str) -> str:
    """Return a text that both databases take: others' words may hold anything."""
    return (
        text[:_MAX_ERROR]
        .encode(errors="replace")
        .decode()
        .replace("\0", "\N{REPLACEMENT CHARACTER}")
    )
