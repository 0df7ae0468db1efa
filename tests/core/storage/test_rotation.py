"""Credentials sealed anew with another key, on each engine."""

from datetime import UTC, datetime

import pytest

from headrace_server.core.storage.mounts import owner_of
from headrace_server.core.storage.rotation import rotate
from headrace_server.core.vault import UnknownKeyError, Vault, new_key, parse_keys
from headrace_server.db import mounts as mount_rows
from headrace_server.db import tables
from headrace_server.db.engine import ControlStore
from headrace_server.db.mounts import StoredMount
from headrace_server.model.storage import Mount, Place, StorageType

NOW = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
SECRET = b'{"password": "hush"}'


def mount(number: int) -> Mount:
    place = Place(StorageType.SMB, "//files.example.com/data")
    return Mount(f"m{number}", "acme", f"/in{number}", place, NOW)


async def fill(store: ControlStore, vault: Vault, numbers: range) -> None:
    async with store.begin() as connection:
        for number in numbers:
            each = mount(number)
            await mount_rows.put(connection, StoredMount(each, *vault.seal(SECRET, owner_of(each))))


@pytest.fixture
async def acme(store: ControlStore) -> ControlStore:
    async with store.begin() as connection:
        await connection.execute(
            tables.tenants.insert().values(
                tenant_id="acme", display_name="Acme", status="ACTIVE", created_at=NOW
            )
        )
        await mount_rows.put(connection, StoredMount(mount(9), None, None))
    return store


async def test_all_are_sealed_with_the_newest_key(acme: ControlStore) -> None:
    old, new = new_key(), new_key()
    await fill(acme, Vault(parse_keys(old)), range(2))
    both, only_new = Vault(parse_keys(f"{new},{old}")), Vault(parse_keys(new))
    assert await rotate(acme, both) == 2
    assert await rotate(acme, both) == 0
    async with acme.read() as connection:
        for stored in await mount_rows.sealed(connection):
            assert stored.key_id == new.partition(":")[0]
            opened = only_new.open(stored.key_id, stored.credentials or b"", owner_of(stored.mount))
            assert opened == SECRET


async def test_a_key_that_is_gone_is_named(acme: ControlStore) -> None:
    old, new = new_key(), new_key()
    await fill(acme, Vault(parse_keys(old)), range(1))
    with pytest.raises(UnknownKeyError, match=old.partition(":")[0]):
        await rotate(acme, Vault(parse_keys(new)))


async def test_what_was_mounted_anew_meanwhile_stays(acme: ControlStore) -> None:
    vault = Vault(parse_keys(new_key()))
    await fill(acme, vault, range(1))
    async with acme.read() as connection:
        (before,) = await mount_rows.sealed(connection)
    await fill(acme, vault, range(1))
    async with acme.begin() as connection:
        assert not await mount_rows.reseal(connection, before, before)
