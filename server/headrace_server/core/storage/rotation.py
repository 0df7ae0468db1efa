"""Secrets that are at rest sealed anew, with the key that seals now."""

from dataclasses import replace

from headrace_server.core.storage.mounts import owner_of
from headrace_server.core.vault import Vault
from headrace_server.db import mounts as mount_rows
from headrace_server.db.engine import ControlStore
from headrace_server.db.mounts import StoredMount


async def rotate(store: ControlStore, vault: Vault) -> int:
    """Seal the credentials of all mounts with the newest key; returns how many had another.

    Servers that run may go on meanwhile. Raises UnknownKeyError where the key of some is not there:
    those before them are done.
    """
    async with store.read() as connection:
        found = await mount_rows.sealed(connection)
    rotated = 0
    for stored in found:
        if stored.key_id is not None and vault.needs_rotation(stored.key_id):
            rotated += await _rotate(store, vault, stored, stored.key_id)
    return rotated


async def _rotate(store: ControlStore, vault: Vault, stored: StoredMount, key_id: str) -> bool:
    owner = owner_of(stored.mount)
    secret = vault.open(key_id, stored.credentials or b"", owner)
    newest, sealed = vault.seal(secret, owner)
    async with store.begin() as connection:
        after = replace(stored, key_id=newest, credentials=sealed)
        return await mount_rows.reseal(connection, stored, after)
