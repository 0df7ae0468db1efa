"""Idempotency keys: one effect and one answer, however often a request is sent."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from headrace_server.db import idempotency as key_rows
from headrace_server.db.engine import Connection, ControlStore, current_time
from headrace_server.db.idempotency import KeyRow
from headrace_server.model.errors import (
    FieldViolation,
    IdempotencyKeyInUseError,
    IdempotencyKeyReusedError,
    StaleAttemptError,
    StorageUnavailableError,
)

Clock = Callable[[Connection], Awaitable[datetime]]
"""Tells the time; by default the store's, which all servers share."""

#: how long an answer is repeated
KEY_LIFE = timedelta(hours=24)
#: how long a claim lasts whose holder died
CLAIM_LIFE = timedelta(seconds=60)

#: renewals in the life of a claim, so that one or two may be lost
_RENEWALS = 3
_FIELD = "idempotency-key"


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to do a request's work; `finish` or `abandon` it."""

    #: random; tells this claim from those before and after it
    claim_id: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer that the first request got."""

    #: as it was given to `finish`
    body: bytes


class Idempotency:
    """Claims of idempotency keys, scoped by tenant and method."""

    def __init__(
        self,
        store: ControlStore,
        clock: Clock = current_time,
        claim_life: timedelta = CLAIM_LIFE,
    ) -> None:
        self._store = store
        self._clock = clock
        self._claim_life = claim_life

    async def begin(
        self, tenant_id: str, method: str, key: str, fingerprint: str
    ) -> Claim | Answer:
        """Claim the key before the work, or return the answer that it has.

        `fingerprint` tells requests apart, and is all that is stored of one. Raises
        IdempotencyKeyReusedError where the key came with another request, IdempotencyKeyInUseError
        while the first one is still being answered.
        """
        claim = Claim(secrets.token_hex(16))
        while True:
            async with self._store.begin() as connection:
                now = await self._clock(connection)
                ends = {"claim_expires_at": now + self._claim_life, "expires_at": now + KEY_LIFE}
                row = KeyRow(tenant_id, method, key, fingerprint, None, claim.claim_id, **ends)
                if await key_rows.claim(connection, row, now):
                    return claim
                held = await key_rows.find(connection, tenant_id, method, key)
            if held is not None:
                return _answer_of(held, fingerprint)
            # Abandoned between the two statements: the key is free.

    async def renew(self, claim: Claim) -> None:
        """Hold a claim for longer, for work that takes long. Raises StaleAttemptError."""
        async with self._store.begin() as connection:
            expires_at = await self._clock(connection) + self._claim_life
            if not await key_rows.renew(connection, claim.claim_id, expires_at):
                raise _lost()

    @asynccontextmanager
    async def held(self, claim: Claim) -> AsyncIterator[None]:
        """Renew a claim until the block ends, since the work in it may outlive one."""
        renewing = asyncio.create_task(self._keep_renewing(claim))
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)

    async def _keep_renewing(self, claim: Claim) -> None:
        # A claim that is lost shows when the work finishes.
        with suppress(StaleAttemptError):
            while True:
                await asyncio.sleep(self._claim_life.total_seconds() / _RENEWALS)
                with suppress(StorageUnavailableError):
                    await self.renew(claim)

    async def finish(self, claim: Claim, answer: bytes) -> None:
        """Keep the answer for later requests. Raises StaleAttemptError where the claim is lost."""
        async with self._store.begin() as connection:
            await self.finish_in(connection, claim, answer)

    async def finish_in(self, connection: Connection, claim: Claim, answer: bytes) -> None:
        """Do the same in the transaction of the work, which a lost claim then rolls back."""
        if not await key_rows.finish(connection, claim.claim_id, answer):
            raise _lost()

    async def abandon(self, claim: Claim) -> None:
        """Free the key without an answer; a claim that is lost or finished stays as it is."""
        async with self._store.begin() as connection:
            await key_rows.abandon(connection, claim.claim_id)

    async def sweep(self) -> int:
        """Drop the keys whose time is over; return how many."""
        async with self._store.begin() as connection:
            return await key_rows.delete_expired(connection, await self._clock(connection))


def _answer_of(held: KeyRow, fingerprint: str) -> Answer:
    if held.fingerprint != fingerprint:
        words = f"{held.key!r} came with another request before: make a new key for each request"
        raise IdempotencyKeyReusedError(
            f"{_FIELD}: {words}", FieldViolation(_FIELD, words), field=_FIELD, key=held.key
        )
    if held.answer is None:
        raise IdempotencyKeyInUseError(
            "the first request with this idempotency key is still being answered; "
            "send it again in a moment",
            key=held.key,
        )
    return Answer(held.answer)


def _lost() -> StaleAttemptError:
    return StaleAttemptError(
        "another call with this idempotency key took over: send the request again"
    )
