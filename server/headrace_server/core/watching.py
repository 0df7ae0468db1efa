"""Watches: one read of the store for each change, fanned out to every watcher."""

import asyncio
import hashlib
import secrets
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

from headrace_server.core.ingestion.ingestions import Ingestions
from headrace_server.core.limits import Limits
from headrace_server.core.tenants import Tenants
from headrace_server.db import watch_tokens as token_rows
from headrace_server.db.engine import ControlStore
from headrace_server.db.wakeups import Wakeups, ingestion_topic
from headrace_server.model.errors import (
    QuotaExceededError,
    StorageUnavailableError,
    UnauthenticatedError,
)
from headrace_server.model.ingestion import Ingestion
from headrace_server.model.tenant import Principal, Scope

_TOKEN_LIFE = timedelta(minutes=10)
_SLOW_POLL = 2.0
_RETRY_AFTER = 5.0


class Snapshot(Protocol):
    """What is watched, as it stood."""

    @property
    def revision(self) -> int: ...

    @property
    def terminal(self) -> bool: ...


S = TypeVar("S", bound=Snapshot)


@dataclass(slots=True)
class _Feed(Generic[S]):
    """The newest snapshot of one thing, shared by its watchers."""

    newest: S
    watchers: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    reader: "asyncio.Task[None] | None" = None

    def publish(self, snapshot: S) -> None:
        """Wake the watchers; one that is slow finds the newest, whatever it missed."""
        if snapshot.revision > self.newest.revision:
            self.newest = snapshot
            self.changed.set()
            self.changed = asyncio.Event()


class Watches:
    """Streams of snapshots: the present one, each newer one, a heartbeat, a terminal one."""

    def __init__(
        self,
        store: ControlStore,
        ingestions: Ingestions,
        tenants: Tenants,
        wakeups: Wakeups,
        limits: Limits,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._ingestions = ingestions
        self._tenants = tenants
        self._wakeups = wakeups
        self._limits = limits
        self._clock = clock
        self._feeds: dict[tuple[str, str], _Feed[Any]] = {}
        self._open: Counter[str] = Counter()

    def ingestion(
        self, caller: Principal, request_id: str, after_revision: int
    ) -> AsyncGenerator[Ingestion, None]:
        """Yield snapshots of an ingestion as `stream` does; it raises NotFoundError."""
        return self.stream(
            caller.tenant_id,
            ingestion_topic(request_id),
            lambda: self._ingestions.get(caller, request_id),
            after_revision,
        )

    async def stream(
        self,
        tenant_id: str,
        topic: str,
        read: Callable[[], Awaitable[S]],
        after_revision: int,
    ) -> AsyncGenerator[S, None]:
        """Yield snapshots newer than the revision until a terminal one, and heartbeats between.

        `topic` names the thing and its wake-ups; what `read` raises comes before the first.
        Raises QuotaExceededError for one stream too many.
        """
        async with self._place(tenant_id), self._feed(tenant_id, topic, read) as feed:
            seen = after_revision
            while True:
                changed, snapshot = feed.changed, feed.newest
                if snapshot.terminal:
                    yield snapshot
                    return
                if snapshot.revision > seen:
                    seen = snapshot.revision
                    yield snapshot
                    continue
                try:
                    async with asyncio.timeout(self._limits.heartbeat.total_seconds()):
                        await changed.wait()
                except TimeoutError:
                    yield feed.newest

    @asynccontextmanager
    async def _place(self, tenant_id: str) -> AsyncIterator[None]:
        if self._open[tenant_id] >= self._limits.watches:
            raise QuotaExceededError(
                f"{self._limits.watches} streams are open for this tenant; close some",
                limit="watches",
                retry_after=_RETRY_AFTER,
            )
        self._open[tenant_id] += 1
        try:
            yield
        finally:
            self._open[tenant_id] -= 1

    @asynccontextmanager
    async def _feed(
        self, tenant_id: str, topic: str, read: Callable[[], Awaitable[S]]
    ) -> AsyncIterator[_Feed[S]]:
        key = (tenant_id, topic)
        snapshot = await read()
        feed = self._feeds.get(key)
        if feed is None:
            feed = self._feeds[key] = _Feed(snapshot)
        feed.publish(snapshot)
        # It ends with the thing, which a retry may have reopened since.
        if feed.reader is None or feed.reader.done():
            feed.reader = asyncio.create_task(self._read(topic, read, feed))
        feed.watchers += 1
        try:
            yield feed
        finally:
            feed.watchers -= 1
            if not feed.watchers and feed.reader:
                del self._feeds[key]
                feed.reader.cancel()

    async def _read(self, topic: str, read: Callable[[], Awaitable[S]], feed: _Feed[S]) -> None:
        """Read once for each wake-up, or on the slow poll when a wake-up was lost."""
        async with self._wakeups.subscribe(topic) as subscription:
            while not feed.newest.terminal:
                # A store that is away costs latency; the next poll asks again.
                with suppress(StorageUnavailableError):
                    feed.publish(await read())
                await subscription.wait(_SLOW_POLL)

    async def create_token(self, caller: Principal, request_id: str) -> tuple[str, datetime]:
        """Make a token that opens the ingestion's watch without a key; it lives ten minutes."""
        await self._ingestions.get(caller, request_id)
        token = secrets.token_urlsafe(32)
        expires_at = self._clock() + _TOKEN_LIFE
        async with self._store.begin() as connection:
            await token_rows.insert(
                connection,
                token_hash=_hash(token),
                tenant_id=caller.tenant_id,
                key_id=caller.key_id,
                topic=ingestion_topic(request_id),
                expires_at=expires_at,
            )
        return token, expires_at

    async def principal_of(self, token: str, request_id: str) -> Principal:
        """Return who a token speaks for. Raises UnauthenticatedError for any but a valid one."""
        async with self._store.read() as connection:
            found = await token_rows.find(
                connection, _hash(token), ingestion_topic(request_id), self._clock()
            )
        if found is not None:
            principal = Principal(found.tenant_id, frozenset({Scope.READ}), found.key_id)
            if await self._tenants.revalidate(principal):
                return principal
        raise UnauthenticatedError("the watch token is unknown or expired; create a new one")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
