from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from client.fake.triggers import SIGNING
from headrace.v1.pipeline_pb2 import Pipeline
from headrace.v1.run_pb2 import Run
from headrace.v1.trigger_pb2 import Trigger, TriggerExecution

from headrace_client import AccessDeniedError, Client, InvalidRequestError, NotFoundError

if TYPE_CHECKING:
    from client.fake.server import FakeServer
    from client.fake.state import State

MOMENT = datetime(2026, 3, 2, tzinfo=UTC)


async def test_a_trigger_is_made_changed_and_deleted(server: "FakeServer") -> None:
    async with Client(server.address) as client:
        created = await client.create_trigger(
            "nightly", "stock", Trigger.CRON, cron_schedule="@daily", parameters={"n": 1}
        )
        assert (created.status, created.parameters["n"]) == (Trigger.ACTIVE, 1)
        trigger_id = created.trigger_id
        assert (await client.pause_trigger(trigger_id)).status == Trigger.PAUSED
        resumed = await client.resume_trigger(trigger_id, on_resume=Trigger.MAKE_UP)
        assert (resumed.status, resumed.on_resume) == (Trigger.ACTIVE, Trigger.MAKE_UP)
        updated = await client.update_trigger(
            trigger_id, "nightly", cron_schedule="0 2 * * *", overlap=Trigger.ALLOW
        )
        assert (updated.overlap, updated.trigger_type) == (Trigger.ALLOW, Trigger.CRON)
        assert (await client.get_trigger(trigger_id)).cron_schedule == "0 2 * * *"
        with pytest.raises(InvalidRequestError):
            await client.create_trigger("w", "stock", Trigger.CRON, cron_schedule="wrong")
        await client.delete_trigger(trigger_id)
        with pytest.raises(NotFoundError):
            await client.get_trigger(trigger_id)


async def test_lists_and_times(server: "FakeServer", state: "State") -> None:
    state.executions = [TriggerExecution(execution_id=str(number)) for number in range(5)]
    async with Client(server.address) as client:
        for name in "abc":
            await client.create_trigger(name, "stock", Trigger.MANUAL, enabled=False)
        await client.create_trigger("d", "other", Trigger.MANUAL)
        listed = [trigger.name async for trigger in client.list_triggers("stock")]
        history = [each async for each in client.list_trigger_history("trigger_0")]
        times = await client.preview_trigger("trigger_0", limit=3)
        filled = await client.backfill_trigger("trigger_0", MOMENT, every_time=True, dry_run=True)
    assert listed == ["c", "b", "a"]
    assert len(history) == 5
    assert len(times.times) == 3
    assert filled.times_left_out == 1
    asked = state.backfills[0]
    assert (asked.all, asked.dry_run, asked.HasField("until")) == (True, True, False)
    assert getattr(asked, "from").ToDatetime(UTC) == MOMENT


async def test_a_run_is_asked_for_once(server: "FakeServer", state: "State") -> None:
    state.pipelines["stock"] = [Pipeline(pipeline_id="stock", version=1)]
    state.next_run = Run(status=Run.RUNNING)
    async with Client(server.address) as client:
        runs = [
            await client.run_pipeline(
                "stock", parameters={"day": "x"}, nominal_time=MOMENT, idempotency_key="k"
            )
            for _ in range(2)
        ]
        with pytest.raises(NotFoundError):
            await client.run_pipeline("none", wait_seconds=0)
    assert runs[0] == runs[1]
    assert runs[0].parameters["day"] == "x"
    assert list(state.runs) == ["run_0"]


async def test_webhooks_are_signed_or_hold_a_token(server: "FakeServer") -> None:
    async with Client(server.address) as client:
        signed = await client.create_trigger("s", "stock", Trigger.WEBHOOK)
        token = await client.create_trigger(
            "t", "stock", Trigger.WEBHOOK, webhook_auth=Trigger.TOKEN
        )
        for made in (signed, token):
            answer = await client.fire_webhook(made.trigger_id, b"{}", made.secret)
            assert answer.status == TriggerExecution.RUNNING
        first = await client.fire_webhook("trigger_0", b"{}", SIGNING, message_id="m1")
        again = await client.fire_webhook("trigger_0", b"{}", SIGNING, message_id="m1")
        assert (first.duplicate, again.duplicate) == (False, True)
        for wrong in ("trigger_1", "trigger_9"):
            with pytest.raises(AccessDeniedError):
                await client.fire_webhook(wrong, b"{}", SIGNING)
        with pytest.raises(ValueError, match="secret"):
            await client.fire_webhook("trigger_0", b"{}", "")
        rotated = await client.rotate_trigger_secret("trigger_0")
        assert (rotated.secret, rotated.live_secrets) == (SIGNING, 2)
