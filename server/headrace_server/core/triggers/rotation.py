"""Secrets of webhooks sealed anew, with the key that seals now."""

from dataclasses import replace

from headrace_server.core.triggers.secrets import owner_of
from headrace_server.core.vault import Vault
from headrace_server.db import trigger_secrets as secret_rows
from headrace_server.db import triggers as trigger_rows
from headrace_server.db.engine import ControlStore
from headrace_server.db.trigger_secrets import SealedSecret


async def rotate(store: ControlStore, vault: Vault) -> int:
    """Seal the secrets of all triggers with the newest key; returns how many had another.

    Servers that run may go on meanwhile. Raises UnknownKeyError where the key of some is not there:
    those before them are done.
    """
    async with store.read() as connection:
        found = await secret_rows.all_secrets(connection)
    rotated = 0
    for tenant_id, trigger_id, secrets in found:
        if any(vault.needs_rotation(each.key_id) for each in secrets):
            rotated += await _rotate(store, vault, tenant_id, trigger_id)
    return rotated


async def _rotate(store: ControlStore, vault: Vault, tenant_id: str, trigger_id: str) -> int:
    async with store.begin() as connection:
        if await trigger_rows.lock(connection, tenant_id, trigger_id) is None:
            return 0
        before = await secret_rows.secrets_of(connection, trigger_id)
        after = [_resealed(vault, each, owner_of(tenant_id, trigger_id)) for each in before]
        await secret_rows.set_secrets(connection, trigger_id, after)
    return sum(one is not other for one, other in zip(before, after, strict=True))


def _resealed(vault: Vault, secret: SealedSecret, owner: str) -> SealedSecret:
    if not vault.needs_rotation(secret.key_id):
        return secret
    opened = vault.open(secret.key_id, secret.sealed, owner)
    key_id, sealed = vault.seal(opened, owner)
    return replace(secret, key_id=key_id, sealed=sealed)
