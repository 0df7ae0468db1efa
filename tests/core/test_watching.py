import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from headrace_server.app import Core, open_core
from headrace_server.config import Config
from headrace_server.core.limits import Limits
from headrace_server.core.watching import Watches
from headrace_server.db import ingestions as rows
from headrace_server.db.wakeups import ingestion_topic
from headrace_server.model.errors import (
    NotFoundError,
    QuotaExceededError,
    StorageUnavailableError,
    UnauthenticatedError,
)
from headrace_server.model.ingestion import OPEN, Ingestion, Kind, Status
from headrace_server.model.job import NewJob, Priority
from headrace_server.model.tenant import Principal, Scope

CALLER = Principal("default", frozenset({Scope.READ}), None)


@pytest.fixture
async def core(tmp_path: object, migrated_url: str) -> AsyncIterator[Core]:
    async with open_core(Config(database_url=migrated_url, parsers=1)) as opened:
        yield opened


@pytest.fixture
def config_home(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


pytestmark = pytest.mark.usefixtures("config_home")


@pytest.fixture
async def request_id(core: Core) -> str:
    now = core.services.uploads._clock()
    async with core.store.begin() as connection:
        job = await core.jobs.enqueue(connection, NewJob("none", "default", {}))
        ingestion = Ingestion(
            "r1", "default", Kind.FILES, Status.PENDING, Priority.MEDIUM,
            *(0,) * 8, None, 1, 0, now, None, None,
        )  # fmt: skip
        await rows.insert(connection, ingestion, job.job_id, [])
    return "r1"


async def change(core: Core, request_id: str, *, notify: bool = True, **values: object) -> None:
    async with core.store.begin() as connection:
        await rows.update_ingestion(connection, request_id, OPEN, **values)  # type: ignore[arg-type]
    if notify:
        core.wakeups.notify(ingestion_topic(request_id))


def watches_with(core: Core, **limits: object) -> Watches:
    return Watches(
        core.store,
        core.services.ingestions,
        core.tenants,
        core.wakeups,
        Limits(**limits),  # type: ignore[arg-type]
        core.services.uploads._clock,
    )


async def collected(watches: Watches, request_id: str, after: int = 0) -> list[Ingestion]:
    return [snapshot async for snapshot in watches.ingestion(CALLER, request_id, after)]


async def test_present_then_newer_then_terminal(core: Core, request_id: str) -> None:
    stream = core.services.watches.ingestion(CALLER, request_id, 0)
    assert (await anext(stream)).revision == 1
    await change(core, request_id, status=Status.IN_PROGRESS)
    assert (await anext(stream)).status is Status.IN_PROGRESS
    await change(core, request_id, status=Status.COMPLETED)
    assert (await anext(stream)).status is Status.COMPLETED
    assert [snapshot async for snapshot in stream] == []


async def test_resume_sends_only_what_is_newer(core: Core, request_id: str) -> None:
    stream = core.services.watches.ingestion(CALLER, request_id, 1)
    pending = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.1)
    assert not pending.done()
    await change(core, request_id, rows_loaded=5)
    assert (await pending).revision == 2
    await stream.aclose()


async def test_finished_ingestion_is_told_at_once_even_after_its_revision(
    core: Core, request_id: str
) -> None:
    await change(core, request_id, status=Status.FAILED)
    (only,) = await collected(core.services.watches, request_id, after=99)
    assert only.status is Status.FAILED


async def test_slow_reader_gets_the_newest_and_no_repeat(core: Core, request_id: str) -> None:
    stream = core.services.watches.ingestion(CALLER, request_id, 0)
    first = await anext(stream)
    for loaded in range(20):
        await change(core, request_id, rows_loaded=loaded)
    await asyncio.sleep(0.3)
    newest = await anext(stream)
    assert (first.revision, newest.revision, newest.rows_loaded) == (1, 21, 19)
    await stream.aclose()


async def test_silence_is_broken_by_a_heartbeat(core: Core, request_id: str) -> None:
    watches = watches_with(core, heartbeat=timedelta(milliseconds=50))
    stream = watches.ingestion(CALLER, request_id, 0)
    assert [(await anext(stream)).revision for _ in range(3)] == [1, 1, 1]
    await stream.aclose()


async def test_lost_wakeup_costs_latency_only(core: Core, request_id: str) -> None:
    stream = core.services.watches.ingestion(CALLER, request_id, 0)
    await anext(stream)
    await change(core, request_id, notify=False, status=Status.COMPLETED)
    assert (await anext(stream)).status is Status.COMPLETED
    await stream.aclose()


async def test_many_watchers_share_one_feed_and_all_see_the_end(
    core: Core, request_id: str
) -> None:
    watches = core.services.watches
    tasks = [asyncio.create_task(collected(watches, request_id)) for _ in range(200)]
    while watches._open["default"] < 200 or not watches._feeds:
        await asyncio.sleep(0.01)
    assert len(watches._feeds) == 1
    await change(core, request_id, status=Status.COMPLETED)
    ends = [snapshots[-1].status for snapshots in await asyncio.gather(*tasks)]
    assert set(ends) == {Status.COMPLETED}
    assert not watches._feeds


async def test_one_stream_too_many_is_refused_with_a_way_out(core: Core, request_id: str) -> None:
    watches = watches_with(core, watches=1)
    stream = watches.ingestion(CALLER, request_id, 0)
    await anext(stream)
    with pytest.raises(QuotaExceededError) as caught:
        await anext(watches.ingestion(CALLER, request_id, 0))
    assert caught.value.retry_after > 0
    await stream.aclose()
    again = watches.ingestion(CALLER, request_id, 0)
    assert (await anext(again)).revision == 1
    await again.aclose()


async def test_store_that_is_away_for_a_while_ends_no_stream(
    core: Core, request_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = core.services.watches.ingestion(CALLER, request_id, 0)
    await anext(stream)
    read, failures = core.services.ingestions.get, 0

    async def away(caller: Principal, request_id: str) -> Ingestion:
        nonlocal failures
        failures += 1
        raise StorageUnavailableError("away")

    monkeypatch.setattr(core.services.ingestions, "get", away)
    await change(core, request_id, status=Status.COMPLETED)
    while not failures:
        await asyncio.sleep(0.01)
    monkeypatch.setattr(core.services.ingestions, "get", read)
    assert (await anext(stream)).status is Status.COMPLETED
    await stream.aclose()


async def test_unknown_ingestion_is_not_found(core: Core) -> None:
    with pytest.raises(NotFoundError):
        await collected(core.services.watches, "nothing")


async def test_token_opens_its_ingestion_only(core: Core, request_id: str) -> None:
    watches = core.services.watches
    token, _ = await watches.create_token(CALLER, request_id)
    principal = await watches.principal_of(token, request_id)
    assert (principal.tenant_id, principal.scopes) == ("default", frozenset({Scope.READ}))
    for wrong in ((token, "other"), (token[:-1], request_id)):
        with pytest.raises(UnauthenticatedError, match="watch token"):
            await watches.principal_of(*wrong)


async def test_token_dies_with_its_key(core: Core, request_id: str) -> None:
    key, _ = await core.tenants.create_key("default", "browser", frozenset({Scope.READ}))
    holder = Principal("default", frozenset({Scope.READ}), key.key_id)
    token, _ = await core.services.watches.create_token(holder, request_id)
    await core.services.watches.principal_of(token, request_id)
    await core.tenants.revoke_key("default", key.key_id)
    with pytest.raises(UnauthenticatedError):
        await core.services.watches.principal_of(token, request_id)


async def test_token_expires(core: Core, request_id: str) -> None:
    watches = core.services.watches
    token, expires_at = await watches.create_token(CALLER, request_id)
    watches._clock = lambda: expires_at
    with pytest.raises(UnauthenticatedError):
        await watches.principal_of(token, request_id)
