"""Calls of TriggerService."""

import uuid
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from google.api.httpbody_pb2 import HttpBody
from headrace.v1 import trigger_service_pb2 as pb
from headrace.v1.run_pb2 import Run
from headrace.v1.trigger_pb2 import Trigger, TriggerExecution
from headrace.v1.trigger_service_pb2_grpc import TriggerServiceStub

from headrace_client.connection import Connection
from headrace_client.remote_jobs import struct_of
from headrace_client.webhooks import SIGNING_PREFIX, signed_headers, token_headers

if TYPE_CHECKING:
    from headrace.v1.trigger_service_pb2_grpc import TriggerServiceAsyncStub

#: seconds that RunPipeline waits for the beginning if nothing else is asked for
_AT_ONCE = 2.0


class TriggerSettings(TypedDict, total=False):
    """When a trigger fires, and what then happens; the rest is as trigger_service.proto says."""

    #: five fields, or @daily and the like; for CRON
    cron_schedule: str
    #: where the clock of the schedule hangs; UTC if not given
    time_zone: str
    #: what its runs are given; texts may hold templates
    parameters: Mapping[str, Any]
    #: SKIP if not given
    overlap: Trigger.Overlap
    #: LATEST if not given
    catch_up: Trigger.CatchUp
    #: how old a missed time may be that is made up for; a day if not given
    catch_up_window_seconds: float
    #: how late ticks are at most; 0 if not given
    jitter_seconds: float
    #: CONTINUE if not given
    on_resume: Trigger.OnResume
    #: failed runs in a row after which it is paused; never if not given
    pause_after_failures: int
    #: below the local path of a mount; for FILE
    folder_path: str
    #: names that count, all if not given; for FILE
    file_pattern: str


class TriggerCalls(Connection):
    """TriggerService of a Client. Every method raises HeadraceError."""

    @cached_property
    def _triggers(self) -> "TriggerServiceAsyncStub":
        return TriggerServiceStub(self.channel)

    async def create_trigger(
        self,
        name: str,
        pipeline_id: str,
        trigger_type: Trigger.Type,
        *,
        enabled: bool = True,
        webhook_auth: Trigger.WebhookAuth = Trigger.WEBHOOK_AUTH_UNSPECIFIED,
        validate_only: bool = False,
        idempotency_key: str | None = None,
        **settings: Unpack[TriggerSettings],
    ) -> Trigger:
        """Create a trigger of a pipeline. That of a webhook has its `secret` in this answer only.

        `webhook_auth` is SIGNATURE if not given. With `validate_only` nothing is created, whether
        or not the pipeline is there; an InvalidRequestError says what is wrong.
        """
        request = pb.CreateTriggerRequest(
            name=name,
            pipeline_id=pipeline_id,
            trigger_type=trigger_type,
            enabled=enabled,
            webhook_auth=webhook_auth,
            validate_only=validate_only,
            **_fields(settings),
        )
        return await self.mutate(self._triggers.CreateTrigger, request, idempotency_key)

    async def update_trigger(
        self, trigger_id: str, name: str, **settings: Unpack[TriggerSettings]
    ) -> Trigger:
        """Replace the name and all settings of a trigger; those not given become the usual ones."""
        request = pb.UpdateTriggerRequest(trigger_id=trigger_id, name=name, **_fields(settings))
        return await self.call(self._triggers.UpdateTrigger, request)

    async def run_pipeline(
        self,
        pipeline_id: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        trigger_id: str = "",
        nominal_time: datetime | None = None,
        wait_seconds: float | None = None,
        idempotency_key: str | None = None,
    ) -> Run:
        """Start a run now; `watch_run` follows it.

        It counts for a trigger where one is named. `nominal_time`, aware, is what templates call
        execution_date. Returns when it has begun, or after `wait_seconds` (2 if not given).
        """
        seconds = _AT_ONCE if wait_seconds is None else wait_seconds
        request = pb.RunPipelineRequest(
            pipeline_id=pipeline_id,
            parameters=struct_of(parameters),
            trigger_id=trigger_id,
            nominal_time=nominal_time,
            wait_seconds=seconds,
        )
        return await self.mutate(
            self._triggers.RunPipeline, request, idempotency_key, waits=seconds
        )

    async def pause_trigger(self, trigger_id: str) -> Trigger:
        """Have a trigger start nothing until it is resumed."""
        request = pb.PauseTriggerRequest(trigger_id=trigger_id)
        return await self.call(self._triggers.PauseTrigger, request)

    async def resume_trigger(
        self, trigger_id: str, *, on_resume: Trigger.OnResume = Trigger.ON_RESUME_UNSPECIFIED
    ) -> Trigger:
        """Have a paused trigger go on.

        `on_resume` says what becomes of the time between, the trigger's own setting if not given.
        """
        request = pb.ResumeTriggerRequest(trigger_id=trigger_id, on_resume=on_resume)
        return await self.call(self._triggers.ResumeTrigger, request)

    async def delete_trigger(self, trigger_id: str) -> None:
        """Delete a trigger and its history; its runs go on and stay known."""
        request = pb.DeleteTriggerRequest(trigger_id=trigger_id)
        await self.call(self._triggers.DeleteTrigger, request)

    async def get_trigger(self, trigger_id: str) -> Trigger:
        """Get a trigger as it stands now."""
        request = pb.GetTriggerRequest(trigger_id=trigger_id)
        return await self.call(self._triggers.GetTrigger, request)

    async def list_triggers(
        self, pipeline_id: str = "", *, page_size: int = 0
    ) -> AsyncIterator[Trigger]:
        """Yield the triggers of a pipeline, or of all, newest first."""
        request = pb.ListTriggersRequest(pipeline_id=pipeline_id, page_size=page_size)
        async for page in self.pages(self._triggers.ListTriggers, request):
            for trigger in page.triggers:
                yield trigger

    async def list_trigger_history(
        self, trigger_id: str, *, page_size: int | None = None
    ) -> AsyncIterator[TriggerExecution]:
        """Yield how often a trigger fired, or would have, newest first."""
        request = pb.GetTriggerHistoryRequest(trigger_id=trigger_id, limit=page_size)
        async for page in self.pages(self._triggers.GetTriggerHistory, request):
            for execution in page.history:
                yield execution

    async def preview_trigger(
        self, trigger_id: str, *, limit: int | None = None
    ) -> pb.PreviewTriggerResponse:
        """Tell when a trigger fires next, 5 times if not given, as if nothing were paused."""
        request = pb.PreviewTriggerRequest(trigger_id=trigger_id, limit=limit)
        return await self.call(self._triggers.PreviewTrigger, request)

    async def backfill_trigger(
        self,
        trigger_id: str,
        start: datetime,
        until: datetime | None = None,
        *,
        every_time: bool = False,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> pb.BackfillTriggerResponse:
        """Start a run for each time of a schedule from `start` to `until`, both aware.

        Only for those that were missed, unless `every_time`; until now if not given. A `dry_run`
        tells what would be started.
        """
        request = pb.BackfillTriggerRequest(
            trigger_id=trigger_id, until=until, all=every_time, dry_run=dry_run
        )
        getattr(request, "from").FromDatetime(start)  # the word means something else in Python
        return await self.mutate(self._triggers.BackfillTrigger, request, idempotency_key)

    async def fire_webhook(
        self,
        trigger_id: str,
        body: bytes,
        secret: str,
        *,
        message_id: str = "",
        content_type: str = "application/json",
    ) -> pb.FireWebhookResponse:
        """Fire a trigger from outside, as a sender of webhooks does.

        A secret that begins with "whsec_" signs the message; any other is a token, which is sent.
        A message of the same id again is answered as the first time; it is made up if not given.
        Raises ValueError for a secret that is neither, and for an id that no header can hold.
        """
        message_id = message_id or f"msg_{uuid.uuid4().hex}"
        proof = (
            signed_headers(secret, message_id, datetime.now(UTC), body)
            if secret.startswith(SIGNING_PREFIX)
            else token_headers(secret, message_id)
        )
        request = pb.FireWebhookRequest(
            trigger_id=trigger_id, body=HttpBody(content_type=content_type, data=body)
        )
        metadata = (*self.metadata(), *proof.items())
        with self.translated(metadata):
            method = self._triggers.FireWebhook
            return await method(request, metadata=metadata, timeout=self.timeout)

    async def rotate_trigger_secret(
        self,
        trigger_id: str,
        *,
        keep_seconds: float | None = None,
        idempotency_key: str | None = None,
    ) -> Trigger:
        """Make a new secret for a webhook; the answer has it.

        The one before it is taken for `keep_seconds` still: a day if not given, 0 for not at all.
        """
        request = pb.RotateTriggerSecretRequest(trigger_id=trigger_id, keep_seconds=keep_seconds)
        return await self.mutate(self._triggers.RotateTriggerSecret, request, idempotency_key)


def _fields(settings: TriggerSettings) -> dict[str, Any]:
    """The fields of a request; JSON as the message that holds it."""
    return settings | {"parameters": struct_of(settings.get("parameters"))}
