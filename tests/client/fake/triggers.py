"""Triggers that fire when they are told to."""

from typing import Any

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from headrace.v1 import trigger_service_pb2 as pb
from headrace.v1 import trigger_service_pb2_grpc
from standardwebhooks import Webhook, WebhookVerificationError

from .refusals import Context, fail, not_found
from .room import NOW, Room
from .state import Run, Trigger, TriggerExecution

SIGNING = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TOKEN = "whtok_abc"  # noqa: S105  # of the fake


class Triggers(Room, trigger_service_pb2_grpc.TriggerServiceServicer):
    """A schedule of `wrong` is refused, and so are calls without the right proof."""

    def find(self, request: Any, context: Context) -> Trigger:
        if request.trigger_id not in self.state.triggers:
            not_found(context, "trigger", request.trigger_id)
        return self.state.triggers[request.trigger_id]

    def CreateTrigger(self, request: Any, context: Context) -> Any:  # noqa: N802
        def create() -> Trigger:
            self.check(request, context)
            if request.validate_only:
                return Trigger(name=request.name)
            trigger_id = f"trigger_{len(self.state.triggers)}"
            made = Trigger(
                trigger_id=trigger_id, pipeline_id=request.pipeline_id, created_at=NOW,
                trigger_type=request.trigger_type, **self.settings(request),
                status=Trigger.ACTIVE if request.enabled else Trigger.PAUSED,
            )  # fmt: skip
            if request.trigger_type == Trigger.WEBHOOK:
                made.webhook_auth = request.webhook_auth or Trigger.SIGNATURE
                made.webhook_path = f"/api/v1/mvp/triggers/{trigger_id}/webhook"
            self.state.triggers[trigger_id] = made
            answer = Trigger()
            answer.CopyFrom(made)
            if made.webhook_auth:
                answer.secret = TOKEN if made.webhook_auth == Trigger.TOKEN else SIGNING
            return answer

        return self.once(context, "CreateTrigger", create)

    def UpdateTrigger(self, request: Any, context: Context) -> Any:  # noqa: N802
        self.check(request, context)
        present = self.find(request, context)
        kept = ("trigger_id", "pipeline_id", "trigger_type", "status", "webhook_auth")
        made = Trigger(**{name: getattr(present, name) for name in kept}, **self.settings(request))
        self.state.triggers[request.trigger_id] = made
        return made

    def check(self, request: Any, context: Context) -> None:
        if request.cron_schedule == "wrong":
            code, field = grpc.StatusCode.INVALID_ARGUMENT, "cron_schedule"
            fail(context, code, "INVALID_FIELD", f"{field}: must have five fields", field=field)

    def settings(self, request: Any) -> dict[str, Any]:
        window = request.catch_up_window_seconds
        return {
            "name": request.name,
            "cron_schedule": request.cron_schedule,
            "time_zone": request.time_zone or ("UTC" if request.cron_schedule else ""),
            "parameters": request.parameters,
            "overlap": request.overlap or Trigger.SKIP,
            "catch_up": request.catch_up or Trigger.LATEST,
            "catch_up_window_seconds": (
                window if request.HasField("catch_up_window_seconds") else 86_400
            ),
            "jitter_seconds": request.jitter_seconds,
            "on_resume": request.on_resume or Trigger.CONTINUE,
            "pause_after_failures": request.pause_after_failures,
            "folder_path": request.folder_path,
            "file_pattern": request.file_pattern,
        }

    def PauseTrigger(self, request: Any, context: Context) -> Any:  # noqa: N802
        trigger = self.find(request, context)
        trigger.MergeFrom(
            Trigger(status=Trigger.PAUSED, paused_at=NOW, pause_reason="paused by a request")
        )
        return trigger

    def ResumeTrigger(self, request: Any, context: Context) -> Any:  # noqa: N802
        trigger = self.find(request, context)
        trigger.status = Trigger.ACTIVE
        trigger.on_resume = request.on_resume or trigger.on_resume
        trigger.ClearField("paused_at")
        trigger.ClearField("pause_reason")
        return trigger

    def DeleteTrigger(self, request: Any, context: Context) -> Any:  # noqa: N802
        self.find(request, context)
        del self.state.triggers[request.trigger_id]
        return pb.DeleteTriggerResponse()

    def GetTrigger(self, request: Any, context: Context) -> Any:  # noqa: N802
        return self.find(request, context)

    def ListTriggers(self, request: Any, context: Context) -> Any:  # noqa: N802
        chosen = [
            trigger
            for trigger in reversed(self.state.triggers.values())
            if request.pipeline_id in {"", trigger.pipeline_id}
        ]
        triggers, token = self.page(chosen, request)
        return pb.ListTriggersResponse(triggers=triggers, total=len(chosen), next_page_token=token)

    def GetTriggerHistory(self, request: Any, context: Context) -> Any:  # noqa: N802
        self.find(request, context)
        start, size = int(request.page_token or 0), request.limit or 2
        rest = start + size < len(self.state.executions)
        return pb.GetTriggerHistoryResponse(
            trigger_id=request.trigger_id,
            history=self.state.executions[start : start + size],
            next_page_token=str(start + size) if rest else "",
        )

    def PreviewTrigger(self, request: Any, context: Context) -> Any:  # noqa: N802
        self.find(request, context)
        days = [Timestamp(seconds=NOW.seconds + 86_400 * n) for n in range(request.limit or 5)]
        return pb.PreviewTriggerResponse(
            trigger_id=request.trigger_id,
            times=[
                pb.PreviewTriggerResponse.Time(
                    nominal_time=day, fires_at=day, local_time=day.ToJsonString()
                )
                for day in days
            ],
        )

    def BackfillTrigger(self, request: Any, context: Context) -> Any:  # noqa: N802
        self.find(request, context)
        self.state.backfills.append(request)
        return self.once(
            context,
            "BackfillTrigger",
            lambda: pb.BackfillTriggerResponse(
                trigger_id=request.trigger_id, times_left_out=1, executions=self.state.executions
            ),
        )

    def RunPipeline(self, request: Any, context: Context) -> Any:  # noqa: N802
        def start() -> Run:
            if request.pipeline_id not in self.state.pipelines:
                not_found(context, "pipeline", request.pipeline_id)
            run = Run(run_id=f"run_{len(self.state.runs)}", pipeline_id=request.pipeline_id)
            run.MergeFrom(self.state.next_run)
            run.MergeFrom(
                Run(
                    parameters=request.parameters,
                    trigger_id=request.trigger_id,
                    nominal_time=request.nominal_time,
                )
            )
            self.state.runs[run.run_id] = run
            return run

        return self.once(context, "RunPipeline", start)

    def FireWebhook(self, request: Any, context: Context) -> Any:  # noqa: N802
        headers = {str(k): str(v) for k, v in context.invocation_metadata()}
        trigger = self.state.triggers.get(request.trigger_id)
        if trigger is None or not self.proves(trigger, request.body.data, headers):
            code = grpc.StatusCode.UNAUTHENTICATED
            fail(context, code, "UNAUTHENTICATED", "the signature is wrong")
        key = ("FireWebhook", headers["webhook-id"])
        duplicate = key in self.state.answers
        self.state.answers.setdefault(key, request.body.data)
        if trigger.status == Trigger.PAUSED:
            return pb.FireWebhookResponse(
                execution_id="exec_1", status=TriggerExecution.SKIPPED, reason="it is [paused]"
            )
        return pb.FireWebhookResponse(
            execution_id="exec_1", status=TriggerExecution.RUNNING, run_id="run_1",
            duplicate=duplicate,
        )  # fmt: skip

    def proves(self, trigger: Trigger, body: bytes, headers: dict[str, str]) -> bool:
        if trigger.webhook_auth == Trigger.TOKEN:
            return headers.get("x-webhook-token") == TOKEN
        try:
            Webhook(SIGNING).verify(body, headers, json_parse=False)
        except WebhookVerificationError:
            return False
        return True

    def RotateTriggerSecret(self, request: Any, context: Context) -> Any:  # noqa: N802
        def rotate() -> Trigger:
            answer = Trigger()
            answer.CopyFrom(self.find(request, context))
            answer.secret = SIGNING
            answer.live_secrets = 1 if request.HasField("keep_seconds") else 2
            return answer

        return self.once(context, "RotateTriggerSecret", rotate)
