import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from headrace_server.core.housekeeping import Housekeeping
from headrace_server.core.triggers.webhooks import Delivery, WebhookCall
from headrace_server.db import trigger_tables
from headrace_server.model.errors import UnauthenticatedError
from headrace_server.model.page import PageRequest
from headrace_server.model.trigger import (
    ExecutionStatus,
    NewTrigger,
    Overlap,
    TriggerSettings,
    TriggerType,
    WebhookAuth,
)

from .conftest import CALLER, PIPELINE, Site


class Hook:
    """A webhook and who calls it."""

    def __init__(self, site: Site, trigger_id: str, secret: str) -> None:
        self.site = site
        self.trigger_id = trigger_id
        self.secret = secret

    async def fire(self, body: bytes, message_id: str = "m1", **more: str) -> Delivery:
        now = datetime.now(UTC)
        headers = {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(self.secret).sign(message_id, now, body.decode()),
            **{name.replace("_", "-"): value for name, value in more.items()},
        }
        call = WebhookCall(headers, "application/json", body)
        return await self.site.core.triggers.webhooks.fire(self.trigger_id, call)


@pytest.fixture
async def hook(site: Site) -> Hook:
    settings = TriggerSettings("t", overlap=Overlap.ALLOW)
    new = NewTrigger(PIPELINE, TriggerType.WEBHOOK, settings)
    made = await site.core.triggers.triggers.create(CALLER, new)
    return Hook(site, made.trigger.trigger_id, str(made.secret))


BODIES: list[tuple[bytes, Any]] = [
    (b'{"a": [1, null, "x"]}', {"a": [1, None, "x"]}),
    (b"[]", []),
    (b"12.5", 12.5),
    (b"", ""),
    (b"a=b&c=d", "a=b&c=d"),
    ("gr\u00fc\u00df".encode(), "gr\u00fc\u00df"),
    (b'{"a": NaN}', '{"a": NaN}'),
    (b'{"a": "\\u0000"}', '{"a": "\\u0000"}'),
    (b'{"a": 1e999}', '{"a": 1e999}'),
    (b'{"a": %s}' % (b"9" * 400), '{"a": %s}' % ("9" * 400)),
    (b'{"a": "\\ud800"}', '{"a": "\\ud800"}'),
    (b'{"\\ud800": 1}', '{"\\ud800": 1}'),
    (b'{"a": "\\ud83d\\ude00"}', {"a": "\U0001f600"}),
    (b"[" * 40 + b"]" * 40, "[" * 40 + "]" * 40),
]


async def test_a_body_is_read_as_what_it_is(hook: Hook) -> None:
    for number, (body, value) in enumerate(BODIES):
        delivery = await hook.fire(body, f"m{number}")
        assert delivery.execution is not None
        run = await hook.site.run(delivery.execution.run_id)
        assert run.event["body"] == value
        assert run.event["content_type"] == "application/json"


async def test_of_many_that_come_at_once_one_fires(hook: Hook) -> None:
    deliveries = await asyncio.gather(*(hook.fire(b"{}") for _ in range(10)))
    assert [each.duplicate for each in deliveries].count(False) == 1
    assert len({each.execution_id for each in deliveries}) == 1
    assert len(await hook.site.history(hook.trigger_id)) == 1


async def test_a_message_whose_execution_is_forgotten_fires_no_more(hook: Hook) -> None:
    first = await hook.fire(b"{}")
    async with hook.site.core.store.begin() as connection:
        await connection.execute(trigger_tables.trigger_executions.delete())
    again = await hook.fire(b"{}")
    assert (again.execution_id, again.execution, again.duplicate) == (
        first.execution_id,
        None,
        True,
    )


async def test_old_messages_are_forgotten(hook: Hook) -> None:
    await hook.fire(b"{}")
    housekeeping: Housekeeping = hook.site.core.housekeeping
    housekeeping._clock = lambda: datetime.now(UTC) + timedelta(days=1, minutes=1)
    await housekeeping.sweep()
    assert not (await hook.fire(b"{}")).duplicate


async def test_lists_hold_no_bodies(hook: Hook) -> None:
    await hook.fire(json.dumps("x" * 1_000_000).encode())
    (entry,) = await hook.site.history(hook.trigger_id)
    assert (entry.event, entry.parameters) == ({}, {})
    runs = hook.site.core.services.runs
    (listed,) = (await runs.list(CALLER, PageRequest())).items
    assert listed.event == {}
    assert "body" in (await runs.get(CALLER, listed.run_id)).event


async def test_an_id_of_any_length_tells_messages_apart(site: Site) -> None:
    settings = TriggerSettings("t", overlap=Overlap.ALLOW)
    new = NewTrigger(PIPELINE, TriggerType.WEBHOOK, settings, webhook_auth=WebhookAuth.TOKEN)
    made = await site.core.triggers.triggers.create(CALLER, new)
    fired = []
    for key in ("k" * 3000, "k" * 3001, "k" * 3000):
        headers = {"x-webhook-token": str(made.secret), "idempotency-key": key}
        call = WebhookCall(headers, "application/json", b"{}")
        fired.append(await site.core.triggers.webhooks.fire(made.trigger.trigger_id, call))
    assert [each.duplicate for each in fired] == [False, False, True]
    assert fired[0].execution_id == fired[2].execution_id != fired[1].execution_id


async def test_what_led_to_a_message_is_handed_on(hook: Hook) -> None:
    delivery = await hook.fire(b"{}", x_headrace_chain="trigger_a,trigger_b")
    assert delivery.execution is not None
    run = await hook.site.run(delivery.execution.run_id)
    assert run.event["chain"] == ["trigger_a", "trigger_b", hook.trigger_id]
    loop = await hook.fire(b"{}", "m2", x_headrace_chain=f"trigger_a,{hook.trigger_id}")
    assert loop.execution is not None
    assert loop.execution.status is ExecutionStatus.SKIPPED
    assert "this is a loop" in str(loop.execution.reason)


async def test_a_paused_webhook_says_so(hook: Hook) -> None:
    await hook.site.core.triggers.triggers.pause(CALLER, hook.trigger_id)
    delivery = await hook.fire(json.dumps({}).encode())
    assert delivery.execution is not None
    assert delivery.execution.status is ExecutionStatus.SKIPPED
    assert delivery.execution.reason == "the trigger is paused"


async def test_a_suspended_tenants_webhook_is_none(hook: Hook) -> None:
    await hook.site.core.tenants.suspend("default")
    with pytest.raises(UnauthenticatedError):
        await hook.fire(b"{}")


async def test_secrets_are_sealed_for_their_trigger(hook: Hook, site: Site) -> None:
    columns = trigger_tables.triggers.c
    other = NewTrigger(PIPELINE, TriggerType.WEBHOOK, TriggerSettings("u"))
    async with site.core.store.begin() as connection:
        rows = (await connection.execute(trigger_tables.triggers.select())).all()
        assert hook.secret not in str(rows)
        assert rows[0].secrets[0]["key_id"] == "k1"
    made = await site.core.triggers.triggers.create(CALLER, other)
    async with site.core.store.begin() as connection:
        # Whoever may write the database puts his own secret in place of another's.
        await connection.execute(
            trigger_tables.triggers.update()
            .where(columns.trigger_id == made.trigger.trigger_id)
            .values(secrets=rows[0].secrets)
        )
    stranger = Hook(site, made.trigger.trigger_id, hook.secret)
    with pytest.raises(UnauthenticatedError):
        await stranger.fire(b"{}")
