import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import pytest

from headrace_server.core.tenants import DEFAULT_TENANT, Tenants
from headrace_server.db import tables
from headrace_server.db.engine import ControlStore
from headrace_server.db.wakeups import Wakeups, open_wakeups
from headrace_server.model.errors import (
    AlreadyExistsError,
    InvalidFieldError,
    MissingScopeError,
    NotFoundError,
    UnauthenticatedError,
)
from headrace_server.model.page import PageRequest
from headrace_server.model.tenant import ApiKey, Principal, Scope, Tenant, TenantStatus

_READ = frozenset({Scope.READ})
_ADMIN = frozenset({Scope.ADMIN})


@pytest.fixture
async def wakeups(migrated_url: str) -> AsyncIterator[Wakeups]:
    wakeups = open_wakeups(migrated_url)
    await wakeups.start()
    yield wakeups
    await wakeups.close()


@pytest.fixture
def tenants(store: ControlStore, wakeups: Wakeups) -> Tenants:
    return Tenants(store, wakeups)


@pytest.fixture
async def acme(tenants: Tenants) -> str:
    await tenants.create("acme", "Acme")
    await tenants.create("globex", "Globex")
    return "acme"


async def _eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    while not await holds():  # the other server offers no event
        await asyncio.sleep(0.01)


async def _all_keys(tenants: Tenants, tenant_id: str, size: int) -> list[ApiKey]:
    keys: list[ApiKey] = []
    token = ""
    while True:
        page = await tenants.list_keys(tenant_id, PageRequest(size, token))
        assert len(page.items) <= size
        keys.extend(page.items)
        token = page.next_token
        if not token:
            return keys


async def test_a_tenant_is_created_once(tenants: Tenants) -> None:
    created = await tenants.create("acme", "Acme Ltd")
    assert (created.tenant_id, created.display_name) == ("acme", "Acme Ltd")
    assert created.status is TenantStatus.ACTIVE
    assert await tenants.get("acme") == created
    with pytest.raises(AlreadyExistsError):
        await tenants.create("acme", "Another")
    assert await tenants.get("acme") == created


async def test_a_tenant_is_called_by_its_id_unless_named(tenants: Tenants) -> None:
    assert (await tenants.create("acme")).display_name == "acme"


async def test_one_of_many_creations_at_once_succeeds(tenants: Tenants) -> None:
    results = await asyncio.gather(
        *(tenants.create("acme", str(n)) for n in range(10)), return_exceptions=True
    )
    created = [result for result in results if isinstance(result, Tenant)]
    assert created == [await tenants.get("acme")]
    assert sum(isinstance(result, AlreadyExistsError) for result in results) == 9


async def test_the_default_tenant_is_there_however_often_it_is_ensured(tenants: Tenants) -> None:
    await asyncio.gather(*(tenants.ensure_default() for _ in range(5)))
    created = await tenants.get(DEFAULT_TENANT)
    await tenants.ensure_default()
    assert await tenants.get(DEFAULT_TENANT) == created


async def test_an_unknown_tenant_is_not_found(tenants: Tenants, acme: str) -> None:
    calls: list[Awaitable[object]] = [
        tenants.get("nobody"),
        tenants.suspend("nobody"),
        tenants.reactivate("nobody"),
        tenants.create_key("nobody", "", _READ),
        tenants.list_keys("nobody", PageRequest()),
        tenants.revoke_key("nobody", "k"),
    ]
    for call in calls:
        with pytest.raises(NotFoundError):
            await call


async def test_tenants_are_listed_by_id_page_by_page(tenants: Tenants) -> None:
    names = [f"t{n:02}" for n in range(7)]
    for name in names[::-1]:
        await tenants.create(name)
    first = await tenants.list(PageRequest(3))
    second = await tenants.list(PageRequest(3, first.next_token))
    third = await tenants.list(PageRequest(3, second.next_token))
    found = [tenant.tenant_id for page in (first, second, third) for tenant in page.items]
    assert found == names
    assert third.next_token == ""


async def test_a_key_is_listed_without_its_secret(
    tenants: Tenants, acme: str, store: ControlStore
) -> None:
    scopes = frozenset({Scope.READ, Scope.WRITE})
    key, secret = await tenants.create_key(acme, "for the nightly load", scopes)
    assert (key.tenant_id, key.description, key.scopes) == (acme, "for the nightly load", scopes)
    assert key.revoked_at is None
    assert (await tenants.list_keys(acme, PageRequest())).items == (key,)
    async with store.read() as connection:
        row = (await connection.execute(tables.api_keys.select())).one()
    assert row.secret_hash == hashlib.sha256(secret.encode()).hexdigest()
    assert not any(secret[20:] in str(value) for value in row)


@pytest.mark.parametrize("size", [1, 3, 7, 100])
async def test_keys_are_listed_newest_first(tenants: Tenants, acme: str, size: int) -> None:
    created = [(await tenants.create_key(acme, str(n), _READ))[0] for n in range(7)]
    await tenants.create_key("globex", "another's", _READ)
    assert await _all_keys(tenants, acme, size) == created[::-1]


async def test_keys_of_one_instant_are_listed_once_each(
    store: ControlStore, wakeups: Wakeups
) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    tenants = Tenants(store, wakeups, lambda: now)
    await tenants.create("acme")
    created = {(await tenants.create_key("acme", "", _READ))[0].key_id for _ in range(7)}
    listed = [key.key_id for key in await _all_keys(tenants, "acme", 2)]
    assert sorted(listed) == sorted(created)


@pytest.mark.parametrize(
    "token", ["x", "WyJhIl0", "WyJhIiwiYiJd", "WyIyMDI2LTAxLTAxVDAwOjAwOjAwIiwiYiJd"]
)
async def test_a_made_up_page_token_is_refused(tenants: Tenants, acme: str, token: str) -> None:
    with pytest.raises(InvalidFieldError):
        await tenants.list_keys(acme, PageRequest(token=token))
    with pytest.raises(InvalidFieldError):
        await tenants.list(PageRequest(token="W10"))  # noqa: S106  # a page token


async def test_a_secret_authenticates_its_tenant(tenants: Tenants, acme: str) -> None:
    key, secret = await tenants.create_key(acme, "", _READ)
    expected = Principal(acme, _READ, key.key_id)
    assert await tenants.authenticate(secret, None) == expected
    assert await tenants.authenticate(secret, acme) == expected
    assert await tenants.revalidate(expected)


async def test_any_other_secret_does_not(tenants: Tenants, acme: str) -> None:
    key, secret = await tenants.create_key(acme, "", _READ)
    others = ["", "hr_", secret[:-1], f"{secret}x", secret.swapcase(), f" {secret}", "ü", "\0"]
    others += [f"hr_{key.key_id}_{'x' * 43}", f"hr_{'0' * 16}_{secret[-43:]}"]
    await tenants.authenticate(secret, None)
    for other in others:
        with pytest.raises(UnauthenticatedError):
            await tenants.authenticate(other, None)


async def test_a_revoked_key_does_nothing_more(tenants: Tenants, acme: str) -> None:
    key, secret = await tenants.create_key(acme, "", _READ)
    _, other_secret = await tenants.create_key(acme, "", _READ)
    principal = await tenants.authenticate(secret, None)
    revoked = await tenants.revoke_key(acme, key.key_id)
    assert revoked.revoked_at is not None
    assert await tenants.revoke_key(acme, key.key_id) == revoked
    with pytest.raises(UnauthenticatedError):
        await tenants.authenticate(secret, None)
    assert not await tenants.revalidate(principal)
    assert await tenants.authenticate(other_secret, None)


async def test_another_tenants_key_looks_like_none(tenants: Tenants, acme: str) -> None:
    key, secret = await tenants.create_key(acme, "", _READ)
    with pytest.raises(NotFoundError) as caught:
        await tenants.revoke_key("globex", key.key_id)
    with pytest.raises(NotFoundError) as unknown:
        await tenants.revoke_key("globex", "0" * 16)
    assert caught.value.message.replace(key.key_id, "0" * 16) == unknown.value.message
    assert (await tenants.list_keys("globex", PageRequest())).items == ()
    assert await tenants.authenticate(secret, None)


async def test_a_suspended_tenant_calls_no_more_until_reactivated(
    tenants: Tenants, acme: str
) -> None:
    _, secret = await tenants.create_key(acme, "", _READ)
    principal = await tenants.authenticate(secret, None)
    for _ in range(2):
        assert (await tenants.suspend(acme)).status is TenantStatus.SUSPENDED
    with pytest.raises(UnauthenticatedError):
        await tenants.authenticate(secret, None)
    assert not await tenants.revalidate(principal)
    assert (await tenants.reactivate(acme)).status is TenantStatus.ACTIVE
    assert await tenants.authenticate(secret, None) == principal
    assert await tenants.revalidate(principal)


async def test_an_admin_acts_for_any_tenant(tenants: Tenants, acme: str) -> None:
    key, secret = await tenants.create_key(acme, "", _ADMIN)
    principal = await tenants.authenticate(secret, "globex")
    assert principal == Principal("globex", _ADMIN, key.key_id)
    assert await tenants.revalidate(principal)
    await tenants.suspend(acme)
    assert not await tenants.revalidate(principal)


@pytest.mark.parametrize("name", ["nobody", "../acme", "acme\0", "x" * 1000])
async def test_an_admin_cannot_act_for_nobody(tenants: Tenants, acme: str, name: str) -> None:
    key, secret = await tenants.create_key(acme, "", _ADMIN)
    with pytest.raises(NotFoundError):
        await tenants.authenticate(secret, name)
    assert not await tenants.revalidate(Principal(name, _ADMIN, key.key_id))


@pytest.mark.parametrize("name", ["globex", "nobody"])
async def test_acting_for_another_needs_admin_and_tells_nothing(
    tenants: Tenants, acme: str, name: str
) -> None:
    key, secret = await tenants.create_key(acme, "", frozenset(Scope) - _ADMIN)
    with pytest.raises(MissingScopeError) as caught:
        await tenants.authenticate(secret, name)
    assert caught.value.metadata == {"scope": "admin"}
    assert name not in caught.value.message
    assert not await tenants.revalidate(Principal(name, _READ, key.key_id))


async def test_anonymous_callers_are_let_in_until_there_is_a_key(
    tenants: Tenants, acme: str
) -> None:
    anonymous = Principal(DEFAULT_TENANT, _READ, None)
    assert await tenants.anonymous_allowed()
    assert await tenants.revalidate(anonymous)
    assert not await tenants.revalidate(Principal(acme, _READ, None))
    key, _ = await tenants.create_key(acme, "", _READ)
    assert not await tenants.anonymous_allowed()
    assert not await tenants.revalidate(anonymous)
    await tenants.revoke_key(acme, key.key_id)
    assert not await tenants.anonymous_allowed()


async def test_changes_reach_the_other_servers(
    tenants: Tenants, acme: str, store: ControlStore, migrated_url: str
) -> None:
    # Both servers of a SQLite store are in this process and share its wake-ups.
    other_wakeups = open_wakeups(migrated_url)
    await other_wakeups.start()
    shared = tenants._wakeups if store.dialect == "sqlite" else other_wakeups
    other = Tenants(store, shared)
    try:
        assert await other.anonymous_allowed()
        key, secret = await tenants.create_key(acme, "", _READ)

        async def anonymous_refused() -> bool:
            return not await other.anonymous_allowed()

        await _eventually(anonymous_refused)
        principal = await other.authenticate(secret, None)
        await tenants.revoke_key(acme, key.key_id)

        async def revoked() -> bool:
            return not await other.revalidate(principal)

        await _eventually(revoked)
        with pytest.raises(UnauthenticatedError):
            await other.authenticate(secret, None)
    finally:
        await other_wakeups.close()


async def test_the_first_key_holds_at_once_wherever_it_was_made(
    tenants: Tenants, acme: str, store: ControlStore
) -> None:
    deaf = Tenants(store, Wakeups())
    assert await deaf.anonymous_allowed()
    await tenants.create_key(acme, "", _READ)
    assert not await deaf.anonymous_allowed()


async def test_a_lost_wakeup_costs_seconds_never_the_truth(
    tenants: Tenants, acme: str, store: ControlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaf = Tenants(store, Wakeups())
    now = 0.0
    for kept in (deaf._keys, deaf._tenants):
        monkeypatch.setattr(kept, "_monotonic", lambda: now)
    key, secret = await tenants.create_key(acme, "", _READ)
    await deaf.authenticate(secret, None)
    await tenants.revoke_key(acme, key.key_id)
    now = 5.0
    with pytest.raises(UnauthenticatedError):
        await deaf.authenticate(secret, None)
