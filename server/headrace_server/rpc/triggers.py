"""TriggerService."""

# ruff: noqa: N802, ARG002  # names and signatures are those of the protos

from datetime import UTC, datetime

from headrace.v1 import run_pb2, trigger_pb2, trigger_service_pb2_grpc
from headrace.v1 import trigger_service_pb2 as pb

from headrace_server.core.triggers.backfill import Backfills
from headrace_server.core.triggers.manual import ManualRuns
from headrace_server.core.triggers.times import TriggerTimes
from headrace_server.core.triggers.triggers import Triggers
from headrace_server.core.triggers.webhooks import WebhookFires
from headrace_server.model.page import PageRequest
from headrace_server.rpc.call import Context, caller, current
from headrace_server.rpc.messages.page import page_request
from headrace_server.rpc.messages.run import run_message
from headrace_server.rpc.messages.structs import object_of
from headrace_server.rpc.messages.trigger import (
    begun_seconds,
    delivery_message,
    execution_message,
    history_limit,
    kept_for,
    moment_of,
    new_trigger,
    on_resume_of,
    range_of,
    settings_of,
    time_message,
    times_limit,
    trigger_message,
    webhook_call,
)


class TriggerServicer(trigger_service_pb2_grpc.TriggerServiceServicer):
    """Starts pipelines by themselves, and by hand."""

    def __init__(
        self,
        triggers: Triggers,
        times: TriggerTimes,
        manual: ManualRuns,
        backfills: Backfills,
        webhooks: WebhookFires,
    ) -> None:
        self._triggers = triggers
        self._times = times
        self._manual = manual
        self._backfills = backfills
        self._webhooks = webhooks

    async def CreateTrigger(
        self, request: pb.CreateTriggerRequest, context: Context
    ) -> trigger_pb2.Trigger:
        if request.validate_only:
            return trigger_message(await self._triggers.validate(caller(), new_trigger(request)))
        return trigger_message(await self._triggers.create(caller(), new_trigger(request)))

    async def RunPipeline(self, request: pb.RunPipelineRequest, context: Context) -> run_pb2.Run:
        started = await self._manual.start(
            caller(),
            request.pipeline_id,
            object_of(request.parameters, "parameters"),
            trigger_id=request.trigger_id,
            nominal_time=moment_of(request),
        )
        run = await self._manual.wait_begun(caller(), started, begun_seconds(request))
        # What it makes is downloaded later: GetRun tells where.
        return run_message(run, datetime.now(UTC), {})

    async def UpdateTrigger(
        self, request: pb.UpdateTriggerRequest, context: Context
    ) -> trigger_pb2.Trigger:
        settings = settings_of(request)
        return trigger_message(await self._triggers.update(caller(), request.trigger_id, settings))

    async def PauseTrigger(
        self, request: pb.PauseTriggerRequest, context: Context
    ) -> trigger_pb2.Trigger:
        return trigger_message(await self._triggers.pause(caller(), request.trigger_id))

    async def ResumeTrigger(
        self, request: pb.ResumeTriggerRequest, context: Context
    ) -> trigger_pb2.Trigger:
        how = on_resume_of(request)
        return trigger_message(await self._triggers.resume(caller(), request.trigger_id, how))

    async def DeleteTrigger(
        self, request: pb.DeleteTriggerRequest, context: Context
    ) -> pb.DeleteTriggerResponse:
        await self._triggers.delete(caller(), request.trigger_id)
        return pb.DeleteTriggerResponse()

    async def GetTrigger(
        self, request: pb.GetTriggerRequest, context: Context
    ) -> trigger_pb2.Trigger:
        return trigger_message(await self._triggers.get(caller(), request.trigger_id))

    async def ListTriggers(
        self, request: pb.ListTriggersRequest, context: Context
    ) -> pb.ListTriggersResponse:
        listed = await self._triggers.list(caller(), request.pipeline_id, page_request(request))
        return pb.ListTriggersResponse(
            triggers=map(trigger_message, listed.page.items),
            total=listed.total,
            next_page_token=listed.page.next_token,
        )

    async def GetTriggerHistory(
        self, request: pb.GetTriggerHistoryRequest, context: Context
    ) -> pb.GetTriggerHistoryResponse:
        page = PageRequest(history_limit(request), request.page_token)
        history = await self._times.history(caller(), request.trigger_id, page)
        return pb.GetTriggerHistoryResponse(
            trigger_id=request.trigger_id,
            history=map(execution_message, history.page.items),
            total_executions=history.trigger.executions,
            success_rate=history.trigger.success_rate,
            next_page_token=history.page.next_token,
        )

    async def PreviewTrigger(
        self, request: pb.PreviewTriggerRequest, context: Context
    ) -> pb.PreviewTriggerResponse:
        times = await self._times.preview(caller(), request.trigger_id, times_limit(request))
        return pb.PreviewTriggerResponse(
            trigger_id=request.trigger_id, times=map(time_message, times)
        )

    async def BackfillTrigger(
        self, request: pb.BackfillTriggerRequest, context: Context
    ) -> pb.BackfillTriggerResponse:
        backfill = await self._backfills.start(
            caller(), request.trigger_id, range_of(request), dry_run=request.dry_run
        )
        return pb.BackfillTriggerResponse(
            trigger_id=request.trigger_id,
            executions=map(execution_message, backfill.executions),
            times_left_out=backfill.left_out,
        )

    async def FireWebhook(
        self, request: pb.FireWebhookRequest, context: Context
    ) -> pb.FireWebhookResponse:
        call = webhook_call(request, current.get())
        return delivery_message(await self._webhooks.fire(request.trigger_id, call))

    async def RotateTriggerSecret(
        self, request: pb.RotateTriggerSecretRequest, context: Context
    ) -> trigger_pb2.Trigger:
        keep = kept_for(request)
        return trigger_message(
            await self._triggers.rotate_secret(caller(), request.trigger_id, keep)
        )
