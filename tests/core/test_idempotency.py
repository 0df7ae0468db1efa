import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from headrace_server.core.idempotency import Answer, Claim, Idempotency
from headrace_server.db import tables
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.model.errors import (
    IdempotencyKeyInUseError,
    IdempotencyKeyReusedError,
    StaleAttemptError,
)

_CALL = ("acme", "headrace.v1.S/M", "k1", "f" * 64)


class _Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    async def __call__(self, connection: Connection) -> datetime:
        return self.now

    def advance(self, **passed: float) -> None:
        self.now += timedelta(**passed)


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def idempotency(store: ControlStore, clock: _Clock) -> Idempotency:
    return Idempotency(store, clock)


async def _claim(idempotency: Idempotency) -> Claim:
    claim = await idempotency.begin(*_CALL)
    assert isinstance(claim, Claim)
    return claim


@pytest.mark.parametrize("body", [b"answer", b"", b"\0\xff" * 1000])
async def test_the_answer_is_repeated(idempotency: Idempotency, body: bytes) -> None:
    await idempotency.finish(await _claim(idempotency), body)
    for _ in range(2):
        assert await idempotency.begin(*_CALL) == Answer(body)


async def test_the_stores_clock_is_the_default(store: ControlStore) -> None:
    idempotency = Idempotency(store)
    await idempotency.finish(await _claim(idempotency), b"answer")
    assert await idempotency.begin(*_CALL) == Answer(b"answer")
    assert await idempotency.sweep() == 0


async def test_a_key_in_use_is_refused_until_it_is_answered(idempotency: Idempotency) -> None:
    claim = await _claim(idempotency)
    with pytest.raises(IdempotencyKeyInUseError) as caught:
        await idempotency.begin(*_CALL)
    assert caught.value.metadata == {"key": "k1"}
    await idempotency.finish(claim, b"answer")
    assert await idempotency.begin(*_CALL) == Answer(b"answer")


@pytest.mark.parametrize("finished", [True, False])
async def test_a_key_of_another_request_is_refused(
    idempotency: Idempotency, clock: _Clock, finished: bool
) -> None:
    claim = await _claim(idempotency)
    if finished:
        await idempotency.finish(claim, b"answer")
    clock.advance(minutes=2)
    with pytest.raises(IdempotencyKeyReusedError) as caught:
        await idempotency.begin(*_CALL[:3], "0" * 64)
    assert caught.value.metadata == {"field": "idempotency-key", "key": "k1"}
    assert [found.field for found in caught.value.violations] == ["idempotency-key"]


async def test_an_abandoned_key_is_free_also_for_another_request(idempotency: Idempotency) -> None:
    await idempotency.abandon(await _claim(idempotency))
    assert isinstance(await idempotency.begin(*_CALL[:3], "0" * 64), Claim)


async def test_keys_are_scoped_by_tenant_and_method(idempotency: Idempotency) -> None:
    await idempotency.finish(await _claim(idempotency), b"answer")
    tenant, method, key, fingerprint = _CALL
    for call in (("globex", method, key), (tenant, "other", key), (tenant, method, "k2")):
        assert isinstance(await idempotency.begin(*call, fingerprint), Claim)


async def test_of_fifty_begins_at_once_one_claims(idempotency: Idempotency) -> None:
    results = await asyncio.gather(
        *(idempotency.begin(*_CALL) for _ in range(50)), return_exceptions=True
    )
    claims = [result for result in results if isinstance(result, Claim)]
    assert len(claims) == 1
    assert sum(isinstance(result, IdempotencyKeyInUseError) for result in results) == 49
    await idempotency.finish(claims[0], b"answer")
    answers = await asyncio.gather(*(idempotency.begin(*_CALL) for _ in range(50)))
    assert answers == [Answer(b"answer")] * 50


async def test_of_fifty_begins_after_the_holder_died_one_takes_over(
    idempotency: Idempotency, clock: _Clock
) -> None:
    dead = await _claim(idempotency)
    clock.advance(seconds=60)
    results = await asyncio.gather(
        *(idempotency.begin(*_CALL) for _ in range(50)), return_exceptions=True
    )
    (claim,) = [result for result in results if isinstance(result, Claim)]
    assert claim.claim_id != dead.claim_id
    assert sum(isinstance(result, IdempotencyKeyInUseError) for result in results) == 49


async def test_begins_and_abandons_at_once_leave_one_effect(idempotency: Idempotency) -> None:
    effects = 0

    async def call(number: int) -> bytes | None:
        nonlocal effects
        try:
            found = await idempotency.begin(*_CALL)
        except IdempotencyKeyInUseError:
            return None
        if isinstance(found, Answer):
            return found.body
        if number % 2:
            await idempotency.abandon(found)
            return None
        effects += 1
        await idempotency.finish(found, b"answer")
        return b"answer"

    answers = await asyncio.gather(*(call(number) for number in range(50)))
    assert effects <= 1
    assert set(answers) <= {None, b"answer"}


async def test_a_live_claim_is_not_taken_over(idempotency: Idempotency, clock: _Clock) -> None:
    claim = await _claim(idempotency)
    for _ in range(3):
        clock.advance(seconds=59)
        with pytest.raises(IdempotencyKeyInUseError):
            await idempotency.begin(*_CALL)
        await idempotency.renew(claim)
    await idempotency.finish(claim, b"answer")
    assert await idempotency.begin(*_CALL) == Answer(b"answer")


async def test_a_held_claim_outlives_its_life(store: ControlStore, clock: _Clock) -> None:
    life = timedelta(milliseconds=30)
    idempotency = Idempotency(store, clock, claim_life=life)
    claim = await _claim(idempotency)
    async with idempotency.held(claim):
        clock.now += life
        await _until_renewed(store, clock)
    with pytest.raises(IdempotencyKeyInUseError):
        await idempotency.begin(*_CALL)
    await idempotency.finish(claim, b"answer")


async def test_nothing_renews_a_claim_that_was_lost(store: ControlStore, clock: _Clock) -> None:
    idempotency = Idempotency(store, clock, claim_life=timedelta(milliseconds=3))
    claim = await _claim(idempotency)
    clock.advance(seconds=1)
    successor = await _claim(idempotency)
    async with idempotency.held(claim):
        await asyncio.sleep(0.02)
    await idempotency.finish(successor, b"answer")
    with pytest.raises(StaleAttemptError):
        await idempotency.finish(claim, b"late")


async def _until_renewed(store: ControlStore, clock: _Clock) -> None:
    """Return once the claim holds beyond the clock's time."""
    expires_at = tables.idempotency_keys.c.claim_expires_at
    async with asyncio.timeout(10), store.read() as connection:
        while (await connection.execute(select(expires_at))).scalar_one() <= clock.now:
            await asyncio.sleep(0.001)


async def test_a_claim_that_was_taken_over_changes_nothing(
    idempotency: Idempotency, clock: _Clock
) -> None:
    old = await _claim(idempotency)
    clock.advance(seconds=60)
    new = await _claim(idempotency)
    with pytest.raises(StaleAttemptError):
        await idempotency.finish(old, b"old")
    with pytest.raises(StaleAttemptError):
        await idempotency.renew(old)
    await idempotency.abandon(old)
    with pytest.raises(IdempotencyKeyInUseError):
        await idempotency.begin(*_CALL)
    await idempotency.finish(new, b"new")
    with pytest.raises(StaleAttemptError):
        await idempotency.finish(old, b"old")
    await idempotency.abandon(old)
    assert await idempotency.begin(*_CALL) == Answer(b"new")


async def test_a_late_claim_that_nobody_took_over_still_finishes(
    idempotency: Idempotency, clock: _Clock
) -> None:
    claim = await _claim(idempotency)
    clock.advance(hours=1)
    await idempotency.finish(claim, b"answer")
    assert await idempotency.begin(*_CALL) == Answer(b"answer")


async def test_a_finished_claim_stays_as_it_is(idempotency: Idempotency) -> None:
    claim = await _claim(idempotency)
    await idempotency.finish(claim, b"answer")
    await idempotency.abandon(claim)
    with pytest.raises(StaleAttemptError):
        await idempotency.finish(claim, b"another")
    with pytest.raises(StaleAttemptError):
        await idempotency.renew(claim)
    assert await idempotency.begin(*_CALL) == Answer(b"answer")


async def test_work_and_answer_commit_together(
    idempotency: Idempotency, store: ControlStore, clock: _Clock
) -> None:
    claim = await _claim(idempotency)

    async def work(answer: bytes, *, fails: bool) -> None:
        async with store.begin() as connection:
            await _insert_tenant(connection, answer.decode())
            await idempotency.finish_in(connection, claim, answer)
            if fails:
                raise RuntimeError("the work failed")

    with pytest.raises(RuntimeError):
        await work(b"first", fails=True)
    await work(b"second", fails=False)
    assert await idempotency.begin(*_CALL) == Answer(b"second")
    with pytest.raises(StaleAttemptError):
        await work(b"third", fails=False)
    async with store.read() as connection:
        names = set((await connection.execute(tables.tenants.select())).scalars())
    assert "second" in names
    assert not {"first", "third"} & names


async def _insert_tenant(connection: Connection, name: str) -> None:
    values = {"display_name": name, "status": "ACTIVE", "created_at": datetime.now(UTC)}
    await connection.execute(tables.tenants.insert().values(tenant_id=name, **values))


async def test_keys_live_24_hours(idempotency: Idempotency, clock: _Clock) -> None:
    await idempotency.finish(await _claim(idempotency), b"answer")
    clock.advance(hours=23, minutes=59)
    assert await idempotency.begin(*_CALL) == Answer(b"answer")
    assert await idempotency.sweep() == 0
    clock.advance(minutes=1)
    # Also before it was swept, and for another request.
    claim = await idempotency.begin(*_CALL[:3], "0" * 64)
    assert isinstance(claim, Claim)
    await idempotency.finish(claim, b"new")
    assert await idempotency.begin(*_CALL[:3], "0" * 64) == Answer(b"new")


async def test_a_sweep_drops_what_is_over(idempotency: Idempotency, clock: _Clock) -> None:
    await idempotency.finish(await _claim(idempotency), b"answer")
    clock.advance(hours=12)
    await idempotency.begin("acme", "m", "younger", "f")
    clock.advance(hours=12)
    assert await idempotency.sweep() == 1
    assert await idempotency.sweep() == 0


async def test_of_a_request_only_its_fingerprint_is_stored(
    idempotency: Idempotency, store: ControlStore
) -> None:
    await _claim(idempotency)
    async with store.read() as connection:
        row = (await connection.execute(tables.idempotency_keys.select())).one()
    assert (row.fingerprint, row.answer) == (_CALL[3], None)
