"""TriggerService on the real core; runs begin where a test has somebody at work."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.api.httpbody_pb2 import HttpBody
from google.rpc import error_details_pb2
from headrace.v1 import pipeline_pb2, run_pb2, trigger_pb2, trigger_service_pb2_grpc
from headrace.v1 import pipeline_service_pb2 as pipelines
from headrace.v1 import pipeline_service_pb2_grpc as pipelines_grpc
from headrace.v1 import trigger_service_pb2 as pb
from standardwebhooks import Webhook

from headrace_server.model.tenant import Scope
from headrace_server.running import running_worker

from .conftest import Edge

if TYPE_CHECKING:
    from .conftest import FailureOf

Trigger, Execution = trigger_pb2.Trigger, trigger_pb2.TriggerExecution
Run = run_pb2.Run
PIPELINE = "pipe_customer_sync_001"


class Triggers:
    """A stub of the service, and a pipeline that waits for approval."""

    def __init__(self, edge: Edge) -> None:
        self.edge = edge
        self.stub: Any = trigger_service_pb2_grpc.TriggerServiceStub(edge.channel)

    async def make_pipeline(self) -> None:
        stub: Any = pipelines_grpc.PipelineServiceStub(self.edge.channel)
        await stub.CreatePipeline(
            pipelines.CreatePipelineRequest(
                pipeline_id=PIPELINE,
                name="Customer sync",
                parameters=[
                    pipeline_pb2.PipelineParameter(name="date", type="DATE"),
                    pipeline_pb2.PipelineParameter(name="full_refresh", type="BOOLEAN"),
                ],
                steps=[
                    pipeline_pb2.PipelineStep(
                        id="ask", approval=pipeline_pb2.ApprovalStep(message="Go on?")
                    )
                ],
            )
        )

    async def create(self, **asked: Any) -> trigger_pb2.Trigger:
        request = {"name": "t", "pipeline_id": PIPELINE, "trigger_type": "CRON", **asked}
        made: trigger_pb2.Trigger = await self.stub.CreateTrigger(
            pb.CreateTriggerRequest(**request)
        )
        return made

    async def history(self, trigger_id: str, **asked: Any) -> pb.GetTriggerHistoryResponse:
        request = pb.GetTriggerHistoryRequest(trigger_id=trigger_id, **asked)
        found: pb.GetTriggerHistoryResponse = await self.stub.GetTriggerHistory(request)
        return found

    async def fire(
        self, trigger_id: str, body: bytes, headers: dict[str, str]
    ) -> pb.FireWebhookResponse:
        request = pb.FireWebhookRequest(
            trigger_id=trigger_id, body=HttpBody(content_type="application/json", data=body)
        )
        metadata = tuple(headers.items())
        answer: pb.FireWebhookResponse = await self.stub.FireWebhook(request, metadata=metadata)
        return answer


@pytest.fixture
async def triggers(edge: Edge) -> Triggers:
    made = Triggers(edge)
    await made.make_pipeline()
    return made


@asynccontextmanager
async def at_work(triggers: Triggers) -> AsyncIterator[None]:
    async with running_worker(triggers.edge.core):
        yield


async def test_a_cron_trigger(triggers: Triggers) -> None:
    made = await triggers.create(
        name="daily_customer_sync",
        cron_schedule="0 2 * * *",
        enabled=True,
        parameters={"date": "{{ execution_date }}", "full_refresh": False},
    )
    assert made.trigger_id.startswith("trigger_")
    assert (made.name, made.pipeline_id) == ("daily_customer_sync", PIPELINE)
    assert (made.trigger_type, made.cron_schedule) == (Trigger.CRON, "0 2 * * *")
    assert made.status == Trigger.ACTIVE
    assert made.next_execution.ToDatetime(UTC).strftime("%H:%M") == "02:00"
    assert dict(made.parameters) == {"date": "{{ execution_date }}", "full_refresh": False}
    assert (made.overlap, made.catch_up, made.on_resume) == (
        Trigger.SKIP,
        Trigger.LATEST,
        Trigger.CONTINUE,
    )
    assert (made.time_zone, made.catch_up_window_seconds, made.jitter_seconds) == ("UTC", 86400, 0)
    assert not any(made.HasField(each) for each in ("success_rate", "paused_at", "last_execution"))
    listed = await triggers.stub.ListTriggers(pb.ListTriggersRequest(pipeline_id=PIPELINE))
    assert (list(listed.triggers), listed.total) == ([made], 1)
    none = await triggers.stub.ListTriggers(pb.ListTriggersRequest(pipeline_id="other"))
    assert (list(none.triggers), none.total) == ([], 0)


async def test_lists_come_in_pages(triggers: Triggers) -> None:
    made = [await triggers.create(name=str(n), cron_schedule="@daily") for n in range(5)]
    found: list[str] = []
    token = ""
    while True:
        page = await triggers.stub.ListTriggers(
            pb.ListTriggersRequest(page_size=2, page_token=token)
        )
        assert page.total == 5
        found += [each.trigger_id for each in page.triggers]
        token = page.next_page_token
        if not token:
            break
    assert found == [each.trigger_id for each in reversed(made)]


async def test_the_next_times_are_told(triggers: Triggers) -> None:
    made = await triggers.create(
        cron_schedule="30 2 * * *", time_zone="Europe/Berlin", jitter_seconds=60
    )
    request = pb.PreviewTriggerRequest(trigger_id=made.trigger_id, limit=3)
    times = (await triggers.stub.PreviewTrigger(request)).times
    assert len(times) == 3
    for each in times:
        assert datetime.fromisoformat(each.local_time) == each.nominal_time.ToDatetime(UTC)
        assert each.local_time[11:16] == "02:30"
        late = each.fires_at.ToDatetime() - each.nominal_time.ToDatetime()
        assert timedelta(0) <= late < timedelta(seconds=60)
    assert times[0].nominal_time == made.next_execution
    by_hand = await triggers.create(trigger_type="MANUAL")
    none = await triggers.stub.PreviewTrigger(
        pb.PreviewTriggerRequest(trigger_id=by_hand.trigger_id)
    )
    assert not none.times


async def test_pause_and_resume(triggers: Triggers) -> None:
    made = await triggers.create(cron_schedule="@hourly")
    of = {"trigger_id": made.trigger_id}
    paused = await triggers.stub.PauseTrigger(pb.PauseTriggerRequest(**of))
    assert (paused.status, paused.pause_reason) == (Trigger.PAUSED, "somebody paused it")
    assert paused.HasField("paused_at")
    assert not paused.HasField("next_execution")
    assert await triggers.stub.PauseTrigger(pb.PauseTriggerRequest(**of)) == paused
    resumed = await triggers.stub.ResumeTrigger(pb.ResumeTriggerRequest(**of))
    assert resumed == made
    assert await triggers.stub.ResumeTrigger(pb.ResumeTriggerRequest(**of)) == made
    asleep = await triggers.create(cron_schedule="@hourly", enabled=False)
    assert (asleep.status, asleep.HasField("next_execution")) == (Trigger.PAUSED, False)


async def test_settings_are_replaced(triggers: Triggers) -> None:
    made = await triggers.create(cron_schedule="@hourly", overlap="ALLOW")
    request = pb.UpdateTriggerRequest(
        trigger_id=made.trigger_id, name="renamed", cron_schedule="@daily", pause_after_failures=3
    )
    changed = await triggers.stub.UpdateTrigger(request)
    assert (changed.name, changed.cron_schedule) == ("renamed", "@daily")
    assert (changed.overlap, changed.pause_after_failures) == (Trigger.SKIP, 3)
    assert changed.next_execution.ToDatetime(UTC).hour == 0
    assert await triggers.stub.UpdateTrigger(request) == changed


async def test_deletion(triggers: Triggers, failure_of: "FailureOf") -> None:
    made = await triggers.create(cron_schedule="@hourly")
    await triggers.stub.DeleteTrigger(pb.DeleteTriggerRequest(trigger_id=made.trigger_id))
    for call in (
        triggers.stub.DeleteTrigger(pb.DeleteTriggerRequest(trigger_id=made.trigger_id)),
        triggers.stub.GetTrigger(pb.GetTriggerRequest(trigger_id=made.trigger_id)),
        triggers.stub.PauseTrigger(pb.PauseTriggerRequest(trigger_id=made.trigger_id)),
        triggers.stub.GetTriggerHistory(pb.GetTriggerHistoryRequest(trigger_id=made.trigger_id)),
    ):
        failure = await failure_of(call)
        assert (failure.code, failure.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")


async def test_a_pipeline_with_active_triggers_is_kept(
    triggers: Triggers, failure_of: "FailureOf"
) -> None:
    made = await triggers.create(cron_schedule="@hourly")
    stub: Any = pipelines_grpc.PipelineServiceStub(triggers.edge.channel)
    request = pipelines.DeletePipelineRequest(pipeline_id=PIPELINE)
    failure = await failure_of(stub.DeletePipeline(request))
    assert failure.reason == "WRONG_STATE"
    request.force = True
    await stub.DeletePipeline(request)
    failure = await failure_of(
        triggers.stub.GetTrigger(pb.GetTriggerRequest(trigger_id=made.trigger_id))
    )
    assert failure.code is grpc.StatusCode.NOT_FOUND


#: what is asked for, and the field that is wrong
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"cron_schedule": ""}, "cron_schedule"),
    ({"cron_schedule": "61 * * * *"}, "cron_schedule"),
    ({"cron_schedule": "0 2 * * *", "time_zone": "Europe/Nowhere"}, "time_zone"),
    ({"cron_schedule": "@daily", "folder_path": "/mnt/x"}, "folder_path"),
    ({"cron_schedule": "@daily", "file_pattern": "*.csv"}, "file_pattern"),
    ({"trigger_type": "MANUAL", "cron_schedule": "@daily"}, "cron_schedule"),
    ({"trigger_type": "FILE"}, "folder_path"),
    ({"trigger_type": "FILE", "folder_path": "share"}, "folder_path"),
    ({"trigger_type": 0}, "trigger_type"),
    ({"cron_schedule": "@daily", "parameters": {"dat": "x"}}, "parameters.dat"),
    ({"cron_schedule": "@daily", "parameters": {"date": "x"}}, "parameters.date"),
    ({"cron_schedule": "@daily", "parameters": {"date": "{{ day }}"}}, "parameters.date"),
    ({"cron_schedule": "@daily", "parameters": {"date": "{{ day"}}, "parameters.date"),
    ({"cron_schedule": "@daily", "jitter_seconds": 4000}, "jitter_seconds"),
    ({"cron_schedule": "@daily", "name": ""}, "name"),
]


async def test_what_is_wrong_is_named(triggers: Triggers, failure_of: "FailureOf") -> None:
    for asked, field in WRONG:
        failure = await failure_of(triggers.create(**asked))
        assert failure.reason == "INVALID_FIELD", asked
        (violation,) = failure.detail(error_details_pb2.BadRequest).field_violations
        assert violation.field == field


async def test_what_is_only_validated_is_not_there(
    triggers: Triggers, failure_of: "FailureOf"
) -> None:
    shown = await triggers.create(
        cron_schedule="@daily", pipeline_id="none", enabled=False, validate_only=True
    )
    assert (shown.trigger_id, shown.pipeline_id, shown.status) == ("", "none", Trigger.PAUSED)
    shown = await triggers.create(trigger_type="WEBHOOK", validate_only=True)
    assert (shown.secret, shown.webhook_auth) == ("", Trigger.SIGNATURE)
    failure = await failure_of(triggers.create(cron_schedule="61 * * * *", validate_only=True))
    assert failure.reason == "INVALID_FIELD"
    assert not (await triggers.stub.ListTriggers(pb.ListTriggersRequest())).total


async def test_a_trigger_of_no_pipeline(triggers: Triggers, failure_of: "FailureOf") -> None:
    failure = await failure_of(triggers.create(cron_schedule="@daily", pipeline_id="none"))
    assert failure.code is grpc.StatusCode.NOT_FOUND


async def test_a_run_by_hand_begins_while_its_caller_waits(triggers: Triggers) -> None:
    async with at_work(triggers):
        run = await triggers.stub.RunPipeline(
            pb.RunPipelineRequest(
                pipeline_id=PIPELINE,
                parameters={"date": "2024-06-30", "full_refresh": True},
                wait_seconds=30,
            )
        )
    assert (run.pipeline_id, run.trigger_id) == (PIPELINE, "")
    assert run.status in {Run.RUNNING, Run.WAITING}
    assert run.HasField("started_at")
    assert dict(run.parameters) == {"date": "2024-06-30", "full_refresh": True}


async def test_a_run_by_hand_may_count_for_a_trigger(
    triggers: Triggers, failure_of: "FailureOf"
) -> None:
    made = await triggers.create(
        trigger_type="MANUAL", parameters={"date": "{{ execution_date }}"}, enabled=False
    )
    request = pb.RunPipelineRequest(
        pipeline_id=PIPELINE,
        trigger_id=made.trigger_id,
        nominal_time=datetime(2024, 6, 30, 5, tzinfo=UTC),
        wait_seconds=0,
    )
    run = await triggers.stub.RunPipeline(request)
    assert (run.trigger_id, run.status) == (made.trigger_id, Run.PENDING)
    assert run.parameters["date"] == "2024-06-30"
    found = await triggers.stub.GetTrigger(pb.GetTriggerRequest(trigger_id=made.trigger_id))
    assert (found.execution_count, found.status) == (1, Trigger.PAUSED)
    (entry,) = (await triggers.history(made.trigger_id)).history
    assert (entry.run_id, entry.status) == (run.run_id, Execution.RUNNING)
    request.trigger_id = "trigger_none"
    assert (await failure_of(triggers.stub.RunPipeline(request))).code is grpc.StatusCode.NOT_FOUND
    request.trigger_id, request.pipeline_id = made.trigger_id, "other"
    assert (await failure_of(triggers.stub.RunPipeline(request))).reason == "INVALID_FIELD"


async def test_a_backfill_starts_what_was_missed(
    triggers: Triggers, failure_of: "FailureOf"
) -> None:
    made = await triggers.create(
        cron_schedule="0 2 * * *", parameters={"date": "{{ execution_date }}"}
    )
    request = pb.BackfillTriggerRequest(
        trigger_id=made.trigger_id,
        until=datetime(2024, 6, 3, 2, tzinfo=UTC),
        dry_run=True,
    )
    getattr(request, "from").FromDatetime(datetime(2024, 6, 1, 2, tzinfo=UTC))
    planned = await triggers.stub.BackfillTrigger(request)
    days = [each.nominal_time.ToDatetime(UTC).day for each in planned.executions]
    assert days == [1, 2, 3]
    assert not any(each.run_id for each in planned.executions)
    request.dry_run = False
    started = await triggers.stub.BackfillTrigger(request)
    assert len({each.run_id for each in started.executions}) == 3
    assert all(each.backfill and each.status == Execution.RUNNING for each in started.executions)
    again = await triggers.stub.BackfillTrigger(request)
    assert (len(again.executions), again.times_left_out) == (0, 3)
    request.all = True
    assert len((await triggers.stub.BackfillTrigger(request)).executions) == 3
    history = await triggers.history(made.trigger_id, limit=4)
    assert (len(history.history), history.total_executions) == (4, 6)
    rest = await triggers.history(made.trigger_id, limit=4, page_token=history.next_page_token)
    assert (len(rest.history), rest.next_page_token) == (2, "")
    request.ClearField("until")
    getattr(request, "from").FromDatetime(datetime(2000, 1, 1, tzinfo=UTC))
    assert (await failure_of(triggers.stub.BackfillTrigger(request))).reason == "TOO_LARGE"
    getattr(request, "from").FromDatetime(datetime(2100, 1, 1, tzinfo=UTC))
    assert (await failure_of(triggers.stub.BackfillTrigger(request))).reason == "INVALID_FIELD"
    by_hand = await triggers.create(trigger_type="MANUAL")
    request.trigger_id = by_hand.trigger_id
    assert (await failure_of(triggers.stub.BackfillTrigger(request))).reason == "INVALID_FIELD"


def signed(secret: str, body: str, message_id: str = "msg_1", **changed: Any) -> dict[str, str]:
    """The headers of Standard Webhooks."""
    sent_at = changed.pop("sent_at", datetime.now(UTC))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, sent_at, body),
        **changed,
    }


async def test_a_signed_webhook_fires_once(triggers: Triggers) -> None:
    made = await triggers.create(trigger_type="WEBHOOK")
    assert made.secret.startswith("whsec_")
    assert made.webhook_path == f"/api/v1/mvp/triggers/{made.trigger_id}/webhook"
    found = await triggers.stub.GetTrigger(pb.GetTriggerRequest(trigger_id=made.trigger_id))
    assert (found.secret, found.live_secrets) == ("", 1)
    body = json.dumps({"order": {"id": 7}})
    answer = await triggers.fire(made.trigger_id, body.encode(), signed(made.secret, body))
    assert (answer.status, answer.duplicate) == (Execution.RUNNING, False)
    assert answer.run_id
    again = await triggers.fire(made.trigger_id, body.encode(), signed(made.secret, body))
    assert (again.execution_id, again.run_id) == (answer.execution_id, answer.run_id)
    assert again.duplicate
    other = await triggers.fire(
        made.trigger_id, b"no JSON", signed(made.secret, "no JSON", "msg_2")
    )
    assert other.status == Execution.SKIPPED
    assert other.reason == "the run before it has not ended"
    entries = (await triggers.history(made.trigger_id)).history
    assert [each.webhook_id for each in entries] == ["msg_2", "msg_1"]


#: headers that are wrong beside others that are right; the first has none at all
FORGED: list[dict[str, str]] = [
    {},
    {"webhook-signature": "v1,"},
    {"webhook-signature": "v1,AAAA v1a,BBBB ,"},
    {"webhook-signature": ""},
    {"webhook-id": "msg_other"},
    {"webhook-id": ""},
    {"webhook-timestamp": "0"},
    {"webhook-timestamp": "soon"},
    {"webhook-timestamp": "9" * 12},
    {"webhook-timestamp": "9" * 40},
]


async def test_a_wrong_proof_looks_like_no_trigger(
    triggers: Triggers, failure_of: "FailureOf"
) -> None:
    made = await triggers.create(trigger_type="WEBHOOK")
    unknown = await failure_of(triggers.fire("trigger_none", b"{}", signed(made.secret, "{}")))
    assert unknown.code is grpc.StatusCode.UNAUTHENTICATED
    for headers in FORGED:
        sent = {**signed(made.secret, "{}"), **headers} if headers else {}
        wrong = await failure_of(triggers.fire(made.trigger_id, b"{}", sent))
        assert (wrong.code, wrong.reason) == (unknown.code, unknown.reason), headers
        assert wrong.status.message == unknown.status.message
    assert not (await triggers.history(made.trigger_id)).history


async def test_a_message_of_another_time_is_refused(
    triggers: Triggers, failure_of: "FailureOf"
) -> None:
    made = await triggers.create(trigger_type="WEBHOOK")
    for off in (timedelta(minutes=-5, seconds=-2), timedelta(minutes=5, seconds=2)):
        headers = signed(made.secret, "{}", sent_at=datetime.now(UTC) + off)
        failure = await failure_of(triggers.fire(made.trigger_id, b"{}", headers))
        assert failure.code is grpc.StatusCode.UNAUTHENTICATED


async def test_a_secret_is_rotated(triggers: Triggers, failure_of: "FailureOf") -> None:
    made = await triggers.create(trigger_type="WEBHOOK", overlap="ALLOW")
    second = await triggers.stub.RotateTriggerSecret(
        pb.RotateTriggerSecretRequest(trigger_id=made.trigger_id)
    )
    assert (second.live_secrets, second.secret != made.secret) == (2, True)
    for number, secret in enumerate((made.secret, second.secret)):
        headers = signed(secret, "{}", f"msg_{number}")
        answer = await triggers.fire(made.trigger_id, b"{}", headers)
        assert answer.status == Execution.RUNNING
    third = await triggers.stub.RotateTriggerSecret(
        pb.RotateTriggerSecretRequest(trigger_id=made.trigger_id)
    )
    assert third.live_secrets == 2
    failure = await failure_of(
        triggers.fire(made.trigger_id, b"{}", signed(made.secret, "{}", "3"))
    )
    assert failure.code is grpc.StatusCode.UNAUTHENTICATED
    last = await triggers.stub.RotateTriggerSecret(
        pb.RotateTriggerSecretRequest(trigger_id=made.trigger_id, keep_seconds=0)
    )
    assert last.live_secrets == 1
    by_hand = await triggers.create(trigger_type="MANUAL")
    failure = await failure_of(
        triggers.stub.RotateTriggerSecret(
            pb.RotateTriggerSecretRequest(trigger_id=by_hand.trigger_id)
        )
    )
    assert failure.reason == "INVALID_FIELD"


async def test_a_plain_token(triggers: Triggers, failure_of: "FailureOf") -> None:
    made = await triggers.create(trigger_type="WEBHOOK", webhook_auth="TOKEN", overlap="ALLOW")
    assert made.secret.startswith("whtok_")
    fired = [
        await triggers.fire(made.trigger_id, b"{}", {"x-webhook-token": made.secret})
        for _ in range(2)
    ]
    assert len({each.run_id for each in fired}) == 2
    once = {"x-webhook-token": made.secret, "webhook-id": "same"}
    same = [await triggers.fire(made.trigger_id, b"{}", once) for _ in range(2)]
    assert [each.duplicate for each in same] == [False, True]
    for wrong in ("", "whtok_", made.secret[:-1], "\u00e9".encode().hex()):
        failure = await failure_of(
            triggers.fire(made.trigger_id, b"{}", {"x-webhook-token": wrong})
        )
        assert failure.code is grpc.StatusCode.UNAUTHENTICATED


async def test_bodies_that_cannot_be(triggers: Triggers, failure_of: "FailureOf") -> None:
    made = await triggers.create(trigger_type="WEBHOOK", webhook_auth="TOKEN")
    token = {"x-webhook-token": made.secret}
    failure = await failure_of(triggers.fire(made.trigger_id, b"x" * ((1 << 20) + 1), token))
    assert failure.reason == "TOO_LARGE"
    for body in (b"\xff\xfe", b"a\0b"):
        failure = await failure_of(triggers.fire(made.trigger_id, body, token))
        assert failure.reason == "INVALID_FIELD"
    failure = await failure_of(triggers.fire("x" * 65, b"{}", token))
    assert failure.reason == "INVALID_FIELD"


async def test_a_webhook_needs_no_key_and_all_else_does(
    triggers: Triggers, failure_of: "FailureOf"
) -> None:
    made = await triggers.create(trigger_type="WEBHOOK")
    key = await triggers.edge.key(Scope.READ)
    failure = await failure_of(triggers.create(cron_schedule="@daily"))
    assert failure.code is grpc.StatusCode.UNAUTHENTICATED
    answer = await triggers.fire(made.trigger_id, b"{}", signed(made.secret, "{}"))
    assert answer.status == Execution.RUNNING
    request = pb.GetTriggerRequest(trigger_id=made.trigger_id)
    assert (await triggers.stub.GetTrigger(request, metadata=key)).execution_count == 1
    paused = pb.PauseTriggerRequest(trigger_id=made.trigger_id)
    failure = await failure_of(triggers.stub.PauseTrigger(paused, metadata=key))
    assert failure.reason == "MISSING_SCOPE"


async def test_another_tenants_trigger_is_none(triggers: Triggers, failure_of: "FailureOf") -> None:
    made = await triggers.create(trigger_type="WEBHOOK")
    await triggers.edge.core.tenants.create("globex", "Globex")
    key = await triggers.edge.key(Scope.READ, Scope.WRITE, tenant_id="globex")
    for name in ("GetTrigger", "PauseTrigger", "ResumeTrigger", "DeleteTrigger", "PreviewTrigger"):
        request = getattr(pb, f"{name}Request")(trigger_id=made.trigger_id)
        failure = await failure_of(getattr(triggers.stub, name)(request, metadata=key))
        assert failure.code is grpc.StatusCode.NOT_FOUND
    listed = await triggers.stub.ListTriggers(pb.ListTriggersRequest(), metadata=key)
    assert (list(listed.triggers), listed.total) == ([], 0)


async def test_a_secret_is_shown_once_also_by_an_idempotency_key(triggers: Triggers) -> None:
    request = pb.CreateTriggerRequest(name="t", pipeline_id=PIPELINE, trigger_type=Trigger.WEBHOOK)
    key = (("idempotency-key", "k1"),)
    first = await triggers.stub.CreateTrigger(request, metadata=key)
    again = await triggers.stub.CreateTrigger(request, metadata=key)
    assert (again.trigger_id, again.secret) == (first.trigger_id, "")
    database = Path(triggers.edge.core.config.data_dir) / "control.sqlite"
    stored = b"".join(each.read_bytes() for each in database.parent.glob("control.sqlite*"))
    assert first.trigger_id.encode() in stored
    assert first.secret.encode() not in stored
