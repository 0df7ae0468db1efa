import pytest

from headrace_server.core.triggers.rotation import rotate
from headrace_server.core.triggers.secrets import WebhookSecrets
from headrace_server.core.vault import UnknownKeyError, Vault, new_key, parse_keys
from headrace_server.db import trigger_secrets as secret_rows
from headrace_server.model.errors import WrongStateError
from headrace_server.model.trigger import NewTrigger, TriggerSettings, TriggerType, WebhookAuth

from .conftest import CALLER, PIPELINE, Site

BEFORE = "k1:" + "A" * 43 + "="


async def test_secrets_are_sealed_anew(site: Site) -> None:
    triggers = site.core.triggers.triggers
    new = NewTrigger(PIPELINE, TriggerType.WEBHOOK, TriggerSettings("t"))
    made = await triggers.create(CALLER, new)
    await site.create(TriggerType.MANUAL)
    of = ("default", made.trigger.trigger_id)
    after = Vault(parse_keys(f"{new_key()},{BEFORE}"))
    assert await rotate(site.core.store, after) == 1
    assert await rotate(site.core.store, after) == 0
    async with site.core.store.read() as connection:
        stored = await secret_rows.secrets_of(connection, made.trigger.trigger_id)
    opened = WebhookSecrets(lambda: after).live(*of, stored, made.trigger.created_at)
    assert opened == [made.secret]
    with pytest.raises(UnknownKeyError):
        await rotate(site.core.store, Vault(parse_keys(new_key())))


def test_without_a_key_no_secret_is_made() -> None:
    with pytest.raises(WrongStateError, match="secret of a webhook cannot be kept"):
        WebhookSecrets(lambda: Vault({})).make("acme", "trigger_1", WebhookAuth.TOKEN)
