import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

from headrace_server.db import idempotency
from headrace_server.db.engine import ControlStore
from headrace_server.db.idempotency import KeyRow

CLAIM = timedelta(minutes=1)
LIFE = timedelta(hours=24)


def _row(claim_id: str, now: datetime, fingerprint: str = "f") -> KeyRow:
    return KeyRow("acme", "m", "k", fingerprint, None, claim_id, now + CLAIM, now + LIFE)


async def test_a_key_is_claimed_once_by_tenant_and_method(
    store: ControlStore, now: datetime
) -> None:
    row = _row("c1", now)
    others = [
        replace(row, claim_id="c2", tenant_id="globex"),
        replace(row, claim_id="c3", method="n"),
        replace(row, claim_id="c4", key="l"),
    ]
    async with store.begin() as connection:
        assert await idempotency.claim(connection, row, now)
        assert not await idempotency.claim(connection, _row("c5", now), now)
        for other in others:
            assert await idempotency.claim(connection, other, now)
        assert await idempotency.find(connection, "acme", "m", "k") == row
        assert await idempotency.find(connection, "acme", "m", "none") is None


async def test_a_claim_that_ran_out_is_taken_over_by_the_same_request(
    store: ControlStore, now: datetime
) -> None:
    late = now + CLAIM
    async with store.begin() as connection:
        assert await idempotency.claim(connection, _row("c1", now), now)
        assert not await idempotency.claim(connection, _row("c2", late, "other"), late)
        assert await idempotency.claim(connection, _row("c3", late), late)
        # The first one can do nothing any more.
        assert not await idempotency.finish(connection, "c1", b"late")
        assert not await idempotency.renew(connection, "c1", late + CLAIM)
        assert not await idempotency.abandon(connection, "c1")
        assert await idempotency.find(connection, "acme", "m", "k") == _row("c3", late)


async def test_an_answer_stays_until_all_of_it_is_forgotten(
    store: ControlStore, now: datetime
) -> None:
    async with store.begin() as connection:
        await idempotency.claim(connection, _row("c1", now), now)
        assert await idempotency.renew(connection, "c1", now + 2 * CLAIM)
        assert await idempotency.finish(connection, "c1", b"\0answer")
        assert not await idempotency.finish(connection, "c1", b"again")
        assert not await idempotency.abandon(connection, "c1")
        assert not await idempotency.claim(connection, _row("c2", now), now + LIFE - CLAIM)
        found = await idempotency.find(connection, "acme", "m", "k")
        assert found is not None
        assert found.answer == b"\0answer"
        assert await idempotency.claim(connection, _row("c3", now, "other"), now + LIFE)


async def test_an_abandoned_key_is_free(store: ControlStore, now: datetime) -> None:
    async with store.begin() as connection:
        await idempotency.claim(connection, _row("c1", now), now)
        assert await idempotency.abandon(connection, "c1")
        assert await idempotency.claim(connection, _row("c2", now, "other"), now)


async def test_what_expired_is_deleted(store: ControlStore, now: datetime) -> None:
    async with store.begin() as connection:
        await idempotency.claim(connection, _row("c1", now), now)
        assert await idempotency.delete_expired(connection, now + LIFE - CLAIM) == 0
        assert await idempotency.delete_expired(connection, now + LIFE) == 1


async def test_one_of_fifty_claims_wins(store: ControlStore, now: datetime) -> None:
    async def claim(number: int) -> bool:
        async with store.begin() as connection:
            return await idempotency.claim(connection, _row(f"c{number}", now), now)

    assert sum(await asyncio.gather(*map(claim, range(50)))) == 1
