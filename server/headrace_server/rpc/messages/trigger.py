"""Triggers and what they started."""

from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp
from headrace.v1 import trigger_pb2 as pb
from headrace.v1 import trigger_service_pb2 as service

from headrace_server.core.triggers.backfill import Range
from headrace_server.core.triggers.times import NextTime
from headrace_server.core.triggers.triggers import ShownTrigger
from headrace_server.core.triggers.webhooks import Delivery, WebhookCall
from headrace_server.model.schedule import CatchUp, Schedule, TickPolicy
from headrace_server.model.trigger import (
    Execution,
    NewTrigger,
    OnResume,
    Overlap,
    TriggerSettings,
    TriggerType,
    WebhookAuth,
)
from headrace_server.rpc.call import Call
from headrace_server.rpc.messages.instant import timestamp_of
from headrace_server.rpc.messages.structs import object_of, struct_of

_WINDOW = timedelta(days=1)
_KEEP = timedelta(days=1)
_BEGUN_SECONDS = 2.0
_HISTORY, _TIMES = 50, 5


def new_trigger(request: service.CreateTriggerRequest) -> NewTrigger:
    """Read which trigger is asked for. Raises InvalidFieldError."""
    auth = request.webhook_auth or pb.Trigger.SIGNATURE
    return NewTrigger(
        pipeline_id=request.pipeline_id,
        type=TriggerType[pb.Trigger.Type.Name(request.trigger_type)],
        settings=settings_of(request),
        enabled=request.enabled if request.HasField("enabled") else True,
        webhook_auth=WebhookAuth[pb.Trigger.WebhookAuth.Name(auth)],
    )


def settings_of(
    request: service.CreateTriggerRequest | service.UpdateTriggerRequest,
) -> TriggerSettings:
    """Read what of a trigger can be changed. Raises InvalidFieldError."""
    catch_up = request.catch_up or pb.Trigger.LATEST
    window = _seconds(request, "catch_up_window_seconds", _WINDOW)
    schedule = Schedule(request.cron_schedule, request.time_zone or "UTC")
    return TriggerSettings(
        name=request.name,
        parameters=object_of(request.parameters, "parameters"),
        schedule=schedule if request.cron_schedule else None,
        policy=TickPolicy(
            CatchUp[pb.Trigger.CatchUp.Name(catch_up)],
            window,
            timedelta(seconds=request.jitter_seconds),
        ),
        overlap=Overlap[pb.Trigger.Overlap.Name(request.overlap or pb.Trigger.SKIP)],
        on_resume=OnResume[pb.Trigger.OnResume.Name(request.on_resume or pb.Trigger.CONTINUE)],
        pause_after_failures=request.pause_after_failures,
        folder_path=request.folder_path,
        file_pattern=request.file_pattern,
    )


def _seconds(
    request: service.CreateTriggerRequest
    | service.UpdateTriggerRequest
    | service.RotateTriggerSecretRequest,
    field: str,
    default: timedelta,
) -> timedelta:
    return timedelta(seconds=getattr(request, field)) if request.HasField(field) else default


def on_resume_of(request: service.ResumeTriggerRequest) -> OnResume | None:
    """Read what becomes of the time between; None as the trigger says."""
    asked = request.on_resume
    return OnResume[pb.Trigger.OnResume.Name(asked)] if asked else None


def kept_for(request: service.RotateTriggerSecretRequest) -> timedelta:
    """Read how long the secret before is taken."""
    return _seconds(request, "keep_seconds", _KEEP)


def begun_seconds(request: service.RunPipelineRequest) -> float:
    """Read how long to wait until a run has begun."""
    return request.wait_seconds if request.HasField("wait_seconds") else _BEGUN_SECONDS


def moment_of(request: service.RunPipelineRequest) -> datetime | None:
    """Read what a run stands for; None for now."""
    return _instant(request.nominal_time) if request.HasField("nominal_time") else None


def range_of(request: service.BackfillTriggerRequest) -> Range:
    """Read which times are asked for."""
    last = _instant(request.until) if request.HasField("until") else None
    return Range(_instant(getattr(request, "from")), last, request.all)


def history_limit(request: service.GetTriggerHistoryRequest) -> int:
    """Read how many entries a page may have."""
    return request.limit if request.HasField("limit") else _HISTORY


def times_limit(request: service.PreviewTriggerRequest) -> int:
    """Read how many times are asked for."""
    return request.limit if request.HasField("limit") else _TIMES


def webhook_call(request: service.FireWebhookRequest, call: Call) -> WebhookCall:
    """Read a call to a webhook as it came in."""
    headers = {name: value for name, value in call.metadata.items() if isinstance(value, str)}
    return WebhookCall(headers, request.body.content_type, request.body.data)


def _instant(timestamp: Timestamp) -> datetime:
    return timestamp.ToDatetime(UTC)


def trigger_message(shown: ShownTrigger) -> pb.Trigger:
    """Show a trigger; its secret only where it was just made."""
    trigger = shown.trigger
    settings, policy = trigger.settings, trigger.settings.policy
    schedule = settings.schedule
    of_webhook = trigger.webhook_auth is not None
    return pb.Trigger(
        trigger_id=trigger.trigger_id,
        name=settings.name,
        pipeline_id=trigger.pipeline_id,
        trigger_type=trigger.type.name,
        cron_schedule=schedule.cron if schedule else "",
        time_zone=schedule.time_zone if schedule else "",
        next_execution=timestamp_of(trigger.next_at),
        status=trigger.status.name,
        created_at=timestamp_of(trigger.created_at),
        last_execution=timestamp_of(trigger.last_execution_at),
        execution_count=trigger.executions,
        success_rate=trigger.success_rate,
        paused_at=timestamp_of(trigger.paused_at),
        pause_reason=trigger.pause_reason,
        parameters=struct_of(settings.parameters),
        overlap=settings.overlap.name,
        catch_up=policy.catch_up.name,
        catch_up_window_seconds=policy.window.total_seconds(),
        jitter_seconds=policy.jitter.total_seconds(),
        on_resume=settings.on_resume.name,
        pause_after_failures=settings.pause_after_failures,
        consecutive_failures=trigger.consecutive_failures,
        folder_path=settings.folder_path,
        file_pattern=settings.file_pattern,
        watch_id=trigger.watch_id,
        webhook_auth=trigger.webhook_auth.name if trigger.webhook_auth else None,
        webhook_path=f"/api/v1/mvp/triggers/{trigger.trigger_id}/webhook" if of_webhook else "",
        secret=shown.secret,
        live_secrets=shown.live_secrets,
    )


def execution_message(execution: Execution) -> pb.TriggerExecution:
    """Show what a trigger started, or would have."""
    file_path, duration = execution.event.get("file"), execution.duration
    return pb.TriggerExecution(
        execution_id=execution.execution_id,
        executed_at=timestamp_of(execution.executed_at),
        status=execution.status.name,
        duration_seconds=None if duration is None else duration.total_seconds(),
        rows_processed=execution.rows,
        run_id=execution.run_id,
        nominal_time=timestamp_of(execution.nominal_at),
        reason=execution.reason,
        times=execution.times,
        file_path=file_path if isinstance(file_path, str) else None,
        webhook_id=execution.webhook_id,
        backfill=execution.backfill,
    )


def delivery_message(delivery: Delivery) -> service.FireWebhookResponse:
    """Show what became of a call to a webhook."""
    execution = delivery.execution
    return service.FireWebhookResponse(
        execution_id=delivery.execution_id,
        status=execution.status.name if execution else None,
        run_id=execution.run_id if execution else None,
        reason=execution.reason if execution else None,
        duplicate=delivery.duplicate,
    )


def time_message(time: NextTime) -> service.PreviewTriggerResponse.Time:
    """Show a time of a schedule."""
    return service.PreviewTriggerResponse.Time(
        nominal_time=timestamp_of(time.nominal_at),
        local_time=time.local_time.isoformat(),
        fires_at=timestamp_of(time.fires_at),
    )
