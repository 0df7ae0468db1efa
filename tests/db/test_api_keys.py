from datetime import datetime, timedelta

from headrace_server.db import api_keys
from headrace_server.db.api_keys import StoredKey
from headrace_server.db.engine import ControlStore
from headrace_server.model.tenant import ApiKey, Scope


def _key(number: int, now: datetime, tenant_id: str = "acme") -> StoredKey:
    created_at = now + timedelta(seconds=number // 2)
    scopes = frozenset(list(Scope)[: number % 5])
    return StoredKey(ApiKey(f"k{number}", tenant_id, "d", scopes, created_at, None), f"h{number}")


async def test_a_key_comes_back_as_it_was(store: ControlStore, now: datetime) -> None:
    keys = [_key(number, now) for number in range(5)]
    async with store.begin() as connection:
        assert not await api_keys.any_exist(connection)
        for key in keys:
            await api_keys.insert(connection, key)
        assert await api_keys.any_exist(connection)
        for key in keys:
            assert await api_keys.find(connection, key.key.key_id) == key
        assert await api_keys.find(connection, "none") is None


async def test_keys_are_listed_newest_first_page_by_page(
    store: ControlStore, now: datetime
) -> None:
    async with store.begin() as connection:
        for number in range(7):
            await api_keys.insert(connection, _key(number, now))
        await api_keys.insert(connection, _key(9, now, "globex"))
        listed: list[ApiKey] = []
        before = None
        while page := await api_keys.list_before(connection, "acme", before, 2):
            listed += page
            before = page[-1].created_at, page[-1].key_id
    assert [key.key_id for key in listed] == [f"k{number}" for number in reversed(range(7))]


async def test_a_key_is_revoked_once_and_by_its_tenant_only(
    store: ControlStore, now: datetime
) -> None:
    async with store.begin() as connection:
        await api_keys.insert(connection, _key(1, now))
        await api_keys.revoke(connection, "globex", "k1", now)
        found = await api_keys.find(connection, "k1")
        assert found is not None
        assert found.key.revoked_at is None
        await api_keys.revoke(connection, "acme", "k1", now)
        await api_keys.revoke(connection, "acme", "k1", now + timedelta(days=1))
        found = await api_keys.find(connection, "k1")
        assert found is not None
        assert found.key.revoked_at == now
        assert await api_keys.any_exist(connection)
